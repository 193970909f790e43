"""English text as it is said. Light: English engines read plain numbers, dates and hours well."""

import re

from palabre.tts.normalise import addresses
from palabre.tts.normalise.aligned import Rule
from palabre.tts.normalise.rules import TYPOGRAPHY, abbreviations, acronyms, one_of, signs

_TITLES = {"Mr.": "Mister", "Mrs.": "Missus", "Ms.": "Miz", "Dr.": "Doctor", "Prof.": "Professor",
           "St.": "Saint", "Gov.": "Governor", "Sen.": "Senator"}  # fmt: skip
_BEFORE_NUMBERS = {"No.": "number", "no.": "number", "Fig.": "figure", "fig.": "figure",
                   "Art.": "article", "art.": "article", "p.": "page", "pp.": "pages"}  # fmt: skip
_ANYWHERE = {"e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus",
             "approx.": "approximately", "cf.": "compare", "w/o": "without", "vs": "versus",
             "and/or": "and or"}  # fmt: skip
_CURRENCIES = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny")}
_CENTS = {"cent": "cents", "penny": "pence"}
_SCALES = {"k": "thousand", "K": "thousand", "M": "million", "m": "million", "bn": "billion",
           "B": "billion"}  # fmt: skip
_UNITS = {"km/h": "kilometers per hour", "mph": "miles per hour", "km²": "square kilometers",
          "m²": "square meters", "km": "kilometers", "cm": "centimeters", "mm": "millimeters",
          "kg": "kilograms", "mg": "milligrams", "kWh": "kilowatt hours", "°C": "degrees Celsius",
          "°F": "degrees Fahrenheit", "MB": "megabytes", "GB": "gigabytes", "TB": "terabytes",
          "min": "minutes", "%": "percent"}  # fmt: skip
_NUMBER = r"(?<![\w.,])(?P<number>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.(?P<dec>\d+))?"
_READ = frozenset(("NASA", "NATO", "PIN", "SIM", "AIDS", "ZIP", "RAM", "FEMA"))


def _whole(match: re.Match[str]) -> str:
    return match["number"] + (f".{match['dec']}" if match["dec"] else "")


def _money(match: re.Match[str]) -> str:
    unit, cent = _CURRENCIES[match["currency"]]
    if match["scale"]:
        return f"{_whole(match)} {_SCALES[match['scale']]} {unit}s"
    if len(match["dec"] or "") not in (0, 2):
        return f"{_whole(match)} {unit}s"
    said = f"{match['number']} {unit}{'' if match['number'] == '1' else 's'}"
    cents = int(match["dec"] or 0)
    return f"{said} and {cents} {cent if cents == 1 else _CENTS[cent]}" if cents else said


def _measure(match: re.Match[str]) -> str:
    name = _UNITS[match["unit"]]
    if match[0].startswith("1") and _whole(match) == "1":
        name = re.sub(r"s(?= |$)", "", name, count=1)
    return f"{_whole(match)} {name}"


RULES: tuple[Rule, ...] = (
    *TYPOGRAPHY,
    *addresses.rules({".": "dot", "-": "dash", "_": "underscore", "+": "plus", "/": "slash",
                      "@": "at"}),
    abbreviations(_TITLES, r"(?<![\w.])", r"(?=\s+[A-Z])"),
    abbreviations(_BEFORE_NUMBERS, r"(?<![\w.])", r"(?=\s?\d)"),
    abbreviations(_ANYWHERE, r"(?<![\w.])", r"(?!\w)"),
    (re.compile(rf"(?P<currency>[$€£]) ?{_NUMBER} ?(?P<scale>k|K|M|m|bn|B)?(?!\w)"), _money),
    (re.compile(rf"{_NUMBER}(?P<scale>k|K|M|m|bn|B)? ?(?P<currency>[$€£])"), _money),
    (re.compile(rf"{_NUMBER} ?(?P<unit>{one_of(_UNITS)})(?![\w²])"), _measure),
    (re.compile(r"(?<=\d) ?[-–] ?(?=\d)"), " to "),
    (re.compile(r"(?<![\w)-])[-−](?=\d)"), "minus "),
    *acronyms(_READ, frozenset()),
    *signs({"&": "and", "+": "plus", "=": "equals", "×": "times", "±": "plus or minus",
            "@": "at", "≥": "at least", "≤": "at most", "~": "about"}),
)  # fmt: skip
