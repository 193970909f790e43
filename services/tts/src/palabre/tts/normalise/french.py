"""French text as it is said: numbers, amounts, dates, hours, abbreviations, acronyms, addresses.

The rules run in order, each over what the ones before left.
"""

import re

from palabre.tts.normalise import addresses, french_words as words
from palabre.tts.normalise.aligned import Rule
from palabre.tts.normalise.french_codes import CODES
from palabre.tts.normalise.french_numbers import cardinal, decimals, digits, ordinal, roman
from palabre.tts.normalise.rules import TYPOGRAPHY, abbreviations, acronyms, one_of, signs

_INT = r"[1-9]\d{0,2}(?:[ .]\d{3})+(?![\d.])|\d+"
_NUMBER = rf"(?<![\w,.])(?P<int>{_INT})(?:,(?P<dec>\d+))?"
_DASH = r"[-–—]"
_MONTH = "|".join(words.MONTHS)


def _value(match: re.Match[str]) -> int:
    return int(re.sub(r"\D", "", match["int"]))


def _said(match: re.Match[str], feminine: bool = False) -> str:
    """The number of a match of _NUMBER."""
    if match["dec"]:
        return f"{cardinal(_value(match))} virgule {decimals(match['dec'])}"
    return cardinal(_value(match), feminine)


def _plural(match: re.Match[str], forms: tuple[str, str]) -> str:
    return forms[1] if _value(match) >= 2 else forms[0]


# --- Telephone numbers


def _pairs(match: re.Match[str]) -> str:
    number = re.sub(r"\D", "", match[0])
    return ", ".join(digits(number[i : i + 2]) for i in range(0, len(number), 2))


def _abroad(match: re.Match[str]) -> str:
    number = re.sub(r"\D", "", match["rest"])
    pairs = [digits(number[i : i + 2]) for i in range(1, len(number), 2)]
    return ", ".join(["plus trente-trois", cardinal(int(number[0])), *pairs])


def _service(match: re.Match[str]) -> str:
    return ", ".join(digits(part.replace(" ", "")) for part in match.groups())


_TELEPHONE: tuple[Rule, ...] = (
    (re.compile(r"(?<![\w+])(?:\+|00)33 ?(?:\(0\) ?)?(?P<rest>[1-9](?:[ .-]?\d\d){4})(?!\d)"),
     _abroad),
    (re.compile(r"(?<![\w,.])0[1-9](?:(?: \d\d){4}|(?:\.\d\d){4}|(?:-\d\d){4}|\d{8})(?!\d)"),
     _pairs),
    (re.compile(r"(?<![\w,.])(0 ?8\d\d) (\d{3}) (\d{3})(?!\d)"), _service),
    (re.compile(r"(?<![\w,.])(0 8\d\d) (\d\d) (\d\d) (\d\d)(?!\d)"), _service),
    (re.compile(r"(?:(?<=\b[lL]e )|(?<=\bau ))116 (\d{3})(?!\d)"),
     lambda m: f"cent seize {digits(m[1])}"),
    (re.compile(r"(?:(?<=\b[lL]e )|(?<=\bau ))(3\d)(\d\d)(?!\w|[ ,.]\d| (?:m|mètres|euros|€))"),
     lambda m: f"{digits(m[1])} {digits(m[2])}"),
)  # fmt: skip

# --- Abbreviations

_DAY = one_of(words.SHORT_DAYS)
_ABBREVIATIONS: tuple[Rule, ...] = (
    (re.compile(r"\b([LRDA])\. ?(\d+)((?:-\d+)+)"),
     lambda m: f"{m[1]} {m[2]}" + m[3].replace("-", " tiret ")),
    abbreviations(words.SHORT_MONTHS, r"(?<=\d )", r"(?!\w)"),
    abbreviations(words.SHORT_MONTHS, r"(?<!\w)", r"(?= \d{4}(?!\d))"),
    (re.compile(rf"\b({_DAY})\.? ?(?:{_DASH}|à) ?({_DAY})(?:\.|(?!\w))"),
     lambda m: f"{words.SHORT_DAYS[m[1]]} à {words.SHORT_DAYS[m[2]]}"),
    (re.compile(rf"\b({_DAY})\.(?= \d\d? ?(?:[hH]|{_MONTH}|{one_of(words.SHORT_MONTHS)}))"),
     lambda m: words.SHORT_DAYS[m[1]]),
    (re.compile(r"\bM\. ?(et|ou|/) ?(?=M(?:me|lle)\b)"),
     lambda m: f"Monsieur {m[1].replace('/', 'ou')} "),
    abbreviations(words.TITLES, r"(?<![\w.])", r"(?= (?:l[ea]s?|l'|[!?]))"),
    (re.compile(r"\bpp?\. ?(?=\d+ ?[-–] ?\d)"), "pages "),
    abbreviations(words.AFTER_RANKS, r"(?:(?<=\der )|(?<=\d[eè] )|(?<=\dème ))", r"(?!\w)"),
    (re.compile(r"\bnos (?=\d+(?: et|,| à) ?\d)"), "numéros "),
    (re.compile(r"(?<=\d )(h|min|km|kg|cm|sem)\.(?= [a-zéèêà])"), r"\1"),
    abbreviations(words.TITLES, r"(?<![\w.])", r"(?=[\s-]+[A-ZÀ-ÖØ-Þ])"),
    abbreviations(words.BEFORE_NAMES, r"(?<![\w.])",
                  r"(?=[\s-]+(?:(?:d[eu]s?|l[ae]s?)[ -]|[dl]'){0,2}[A-ZÀ-ÖØ-Þ])"),
    abbreviations(words.BEFORE_NUMBERS, r"(?<![\w.])", r"(?=\s?(?:\d|[A-Z]\b|[IVX]+\b))"),
    abbreviations(words.ANYWHERE, r"(?<![\w.])", r"(?![\w])"),
    (re.compile(r"(?<!\d)(?<!\d )(?<!\w)min\."), "minimum"),
    (re.compile(r"\b[vV]\.? ?(?=\d+\.\d)"), "version "),
    (re.compile(r"\b(numéros?|paragraphe)(?=\d)"), r"\1 "),
)  # fmt: skip

# --- Dates and hours


def _date(match: re.Match[str]) -> str:
    day, month, year = int(match["day"]), int(match["month"]), match["year"]
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return match[0]
    said = "premier" if day == 1 else cardinal(day)
    return f"{said} {words.MONTHS[month - 1]}" + (f" {cardinal(int(year))}" if year else "")


def _hour(match: re.Match[str]) -> str:
    hours, minutes = int(match["hours"]), int(match["minutes"] or 0)
    said = f"{cardinal(hours, True)} heure{'s' if hours > 1 else ''}"
    unit = f" minute{'s' if minutes > 1 else ''}" if match["unit"] else ""
    return f"{said} {cardinal(minutes, True)}{unit}" if minutes else said


_DATES: tuple[Rule, ...] = (
    (re.compile(r"(?<![\w/.-])(?P<year>[12]\d{3})-(?P<month>\d\d)-(?P<day>\d\d)(?![\w-])"), _date),
    (re.compile(r"(?<![\w/.-])(?P<day>\d\d?)(?P<s>[/.-])(?P<month>\d\d?)(?P=s)(?P<year>\d{4}|\d\d)"
                r"(?![\w/-]|\.\d)"), _date),
    (re.compile(r"(?<=\b(?:[lLdD][eu]|au) )(?![123]/[234]\b)(?P<day>\d\d?)"
                r"/(?P<month>\d\d?)(?P<year>)(?![\d/])"), _date),
    (re.compile(r"\b(24) ?[hH]? ?/ ?24\b"), "vingt-quatre heures sur vingt-quatre"),
    (re.compile(r"\b([5-7]) ?(?:j|jours)? ?/ ?7\b"), r"\1 jours sur 7"),
    (re.compile(r"(?:(?<=\bans)|(?<=\bmois)|(?<=\bjours)) 1/2(?!\w)"), " et demi"),
    (re.compile(rf"(?<=\d)( ?[hH](?: ?\d\d)?)? ?{_DASH} ?(?=\d\d? ?[hH]\b|\d\d? ?[hH]\d)"),
     r"\1 à "),
    (re.compile(r"(?<![\w,.:])(?P<hours>\d{1,2}) ?[hH](?: ?(?P<minutes>[0-5]\d)(?P<unit> ?min\b)?)?"
                r"(?!\w)"), _hour),
    (re.compile(r"(?<![\w,.:])(?P<hours>[01]?\d|2[0-3]):(?P<minutes>[0-5]\d)(?P<unit>)(?![\w:])"),
     _hour),
    (re.compile(r"(?:(?<=heure)|(?<=heures)) 1/2(?!\w)"), " et demie"),
)  # fmt: skip

# --- Amounts, shares and measures

_SCALES = {"k": 10**3, "K": 10**3, "M": 10**6, "Md": 10**9, "Mds": 10**9}
_CURRENCY = one_of(words.CURRENCIES)


def _money(match: re.Match[str]) -> str:
    symbol, scale = match["currency"], match["scale"]
    forms = words.CURRENCIES[symbol]
    if scale:
        return _scaled(match, forms)
    whole, cents = _value(match), match["dec"] or ""
    feminine = symbol in words.FEMININE_CURRENCIES
    if len(cents) > 2:
        return f"{_said(match)} {_plural(match, forms)}"
    cents = cents.ljust(2, "0")
    if not whole and int(cents):
        return f"{cardinal(int(cents))} centime{'s' if int(cents) > 1 else ''}"
    joint = "d'" if whole and not whole % 10**6 else ""
    said = f"{cardinal(whole, feminine)} {joint}{_plural(match, forms)}"
    return f"{said} {cardinal(int(cents))}" if int(cents) else said


def _scaled(match: re.Match[str], forms: tuple[str, str]) -> str:
    """ "20 k€" is twenty thousand euros, "1,5 M€" one point five million."""
    factor = _SCALES[match["scale"]]
    if factor == 1000:
        value = int(float(f"{_value(match)}.{match['dec'] or 0}") * 1000 + 0.5)
        return f"{cardinal(value)} {forms[1]}"
    name = "million" if factor == 10**6 else "milliard"
    return f"{_said(match)} {_plural(match, (name, name + 's'))} d'{forms[1]}"


def _measure(match: re.Match[str]) -> str:
    unit = match["unit"]
    feminine = unit in words.FEMININE_UNITS
    return f"{_said(match, feminine)} {_plural(match, words.UNITS[unit])}"


def _metres(match: re.Match[str]) -> str:
    """ "2,20 m" is two metres twenty, "0,80 m" eighty centimetres."""
    whole, rest = int(match["int"]), int(match["dec"].ljust(2, "0"))
    if not whole:
        return f"{cardinal(rest)} centimètre{'s' if rest > 1 else ''}"
    said = f"{cardinal(whole)} mètre{'s' if whole > 1 else ''}"
    return f"{said} {cardinal(rest)}" if rest else said


_PER = one_of(words.PER)
_QUANTITY = rf"(?:%|‰|{_CURRENCY}|(?:{one_of(words.UNITS)})(?!\w)|euros?|jours?|ans?|mois|heures?)"
# What fuses are made for; anything else before an A is the number of a house.
_AMPERES = "2|5|6|10|16|20|25|30|32|40|45|60|63|90"
_STREET = r"(?:rue|av|bd|boulevard|place|pl|chemin|allée|impasse|quai|cours|route|square)"
_AMOUNTS: tuple[Rule, ...] = (
    (re.compile(r"(?<![\w)-])[-−](?=\d)"), "moins "),
    (re.compile(r"\bCO2(?!\w)"), "C O deux"),
    (re.compile(r"(?<=\d) ?[x×] ?(?=\d[\d,]* ?(?:cm|mm|m)(?!\w))"), " par "),
    (re.compile(r"(?<=[\d)]) ?x ?(?=[\d(])|(?<=\d) ?x (?=[a-z])"), " fois "),
    (re.compile(r"(?<=\w) / (?=\w)"), ", "),
    (re.compile(r"(?<!\w)#(?=[^\W\d])"), "hashtag "),
    (re.compile(rf"(?<=\d) ?{_DASH} ?(?=\d[\d ,]* ?{_QUANTITY})"), " à "),
    (re.compile(r"(?<![\w,.])(\d+) ?€ ?(\d\d)(?!\w|[,.]\d)"), r"\1,\2 €"),
    (re.compile(rf"(?P<currency>[€$£]) ?{_NUMBER}(?P<scale>)"), _money),
    (re.compile(rf"{_NUMBER} ?(?P<scale>k|K|Mds?|M)? ?(?P<currency>{_CURRENCY})(?!\w)"), _money),
    (re.compile(r"\b(millions?|milliards?) ?(?:d')?€"), r"\1 d'euros"),
    (re.compile(r"€"), " euros"),
    (re.compile(r"(?<![\w,.])(?P<int>\d{1,3}),(?P<dec>\d\d?) ?m(?![\w²³/])"), _metres),
    (re.compile(rf"(?<![\w,.])({_AMPERES}) A(?![\w'-]|,? ?{_STREET})"), r"\1 ampères"),
    (re.compile(rf"{_NUMBER} ?(?P<unit>{one_of(words.UNITS)})(?![\w²³])"), _measure),
    (re.compile(rf"(?<=[a-zé]) ?/ ?({_PER}) ?[/.] ?(an|jour|mois|personne)(?!\w)"),
     lambda m: f" par {words.PER[m[1]]} et par {m[2]}"),
    (re.compile(rf"(?<=[a-zé]) ?/ ?({_PER})(?!\w)"), lambda m: f" par {words.PER[m[1]]}"),
    (re.compile(r"(?<=[a-zé%]) ?/ ?(?=(?:mois|an|jour|personne|semaine|heure|nuit|enfant)\b)"),
     " par "),
    (re.compile(rf"{_NUMBER} ?(?P<sign>[%‰])"),
     lambda m: f"{_said(m)} pour {'cent' if m['sign'] == '%' else 'mille'}"),
)  # fmt: skip

# --- Ranks and Roman numbers


def _rank(match: re.Match[str]) -> str:
    suffix, number = match["suffix"], int(match["int"])
    if suffix in ("nd", "nde"):
        said = "seconde" if suffix == "nde" else "second"
    else:
        said = ordinal(number, feminine=suffix in ("re", "ère"))
    return said + match["s"]


def _roman_rank(match: re.Match[str]) -> str:
    number = roman(match["roman"])
    if not number or (match["suffix"] in ("er", "re") and number != 1):
        return match[0]
    return ordinal(number, feminine=match["suffix"] == "re")


def _roman(match: re.Match[str]) -> str:
    return cardinal(roman(match[0])) if roman(match[0]) else match[0]


_RANKS: tuple[Rule, ...] = (
    (re.compile(r"(?<![\w,.])(?P<int>\d+)(?P<suffix>er|re|ère|ième|ème|eme|nde|nd|è|e|ᵉ)(?P<s>s?)(?!\w)"),
     _rank),
    (re.compile(r"\b(?P<roman>[IVX]+)(?P<suffix>er|re|ème|e|ᵉ)(?!\w)"), _roman_rank),
    (re.compile(r"\b[IVX]{2,}(?!\w)"), _roman),
    (re.compile(rf"\b((?:{words.BEFORE_ROMAN})s?) ([IVX])(?!\w)"),
     lambda m: f"{m[1]} {cardinal(roman(m[2]))}"),
)  # fmt: skip

# --- Plain numbers

_FRACTIONS = {"1/2": "un demi", "1/3": "un tiers", "2/3": "deux tiers", "1/4": "un quart",
              "3/4": "trois quarts", "½": "un demi", "¼": "un quart", "¾": "trois quarts",
              "⅓": "un tiers", "⅔": "deux tiers"}  # fmt: skip


def _share(match: re.Match[str]) -> str:
    """ "9/10 des", but not "12/10"."""
    of, parts = int(match["of"]), int(match["parts"])
    if not of < parts:
        return match[0]
    return f"{cardinal(of)} {ordinal(parts)}{'s' if of > 1 else ''}"


def _range(match: re.Match[str]) -> str:
    low, high = int(match[1]), int(match[2])
    joint = " à " if low < high and not match[2].startswith("0") else " tiret "
    return match[1] + joint + match[2]


def _points(match: re.Match[str]) -> str:
    return " point ".join(digits(part) for part in match[0].split("."))


def _plain(match: re.Match[str]) -> str:
    number = match["int"]
    if match["dec"] is None and (number[0] == "0" or len(number) > 15):
        return digits(number)
    return _said(match, feminine=match["noun"] is not None)


_NUMBERS: tuple[Rule, ...] = (
    (re.compile(r"(?<=[^\W\d_])-?(?=\d)|(?<=\d)(?=[A-Za-z])"), " "),
    (re.compile(rf"(?<![\w,./])(?:1/2|½) (?P<noun>(?={words.FEMININE_NOUN}))?"
                r"(?=[a-zéèêà]{3}|an\b)(?!(?:des|est|sont|pour|dans|sur)\b)"),
     lambda m: f"un{'e' if m['noun'] is not None else ''} demi-"),
    (re.compile(r"(?<![\w,./])(?:[123]/[234](?![\w/])|[½¼¾⅓⅔])"),
     lambda m: _FRACTIONS.get(m[0], m[0])),
    (re.compile(r"(?<![\w,./])(?P<of>\d)/(?P<parts>[5-9]|10)(?= d(?:es?|u)\b| d'| l[ae]s?\b)"),
     _share),
    (re.compile(r"(?<![\w,./])(50|(?:19|20)\d\d)/(50|\d{3,4})(?![\w/])"), r"\1 \2"),
    (re.compile(r"(?<=\d) ?/ ?(?=\d)"), " sur "),
    (re.compile(rf"(?<![\w,.-])(\d+) ?{_DASH} ?(\d+)(?![\w,.-]\d)"), _range),
    (re.compile(r"(?<![\w,.])(?!\d{1,3}(?:\.\d{3})+(?![\d.]))\d+(?:\.\d+)+"), _points),
    (re.compile(rf"{_NUMBER}(?P<noun>(?= {words.FEMININE_NOUN}))?"), _plain),
    (re.compile(r"(?<=\d)-(?=\d)"), " tiret "),
    (re.compile(r"\d+"), lambda m: digits(m[0])),
)  # fmt: skip

# --- All of them

_SIGNS = {"&": "et", "+": "plus", "=": "égale", "×": "fois", "÷": "divisé par", "@": "arobase",
          "±": "plus ou moins", "≠": "différent de", "~": "environ", "≈": "environ",
          "≥": "supérieur ou égal à", "≤": "inférieur ou égal à", "<": "inférieur à",
          ">": "supérieur à", "%": "pour cent"}  # fmt: skip

_ADDRESSES = addresses.rules({".": "point", "-": "tiret", "_": "tiret bas", "+": "plus",
                              "/": "slash", "@": "arobase"})  # fmt: skip

# How pages of the administration are often written: "le 1 er avril", "moins de 1 an".
_LOOSE: tuple[Rule, ...] = (
    (re.compile(r"(?<=\d) (?=(?:er|re|ère|ème|e|nd|nde)(?: |$))"), ""),
    (re.compile(r"\b([dD])e 1(?= (?!à\b|et\b|ou\b)[a-zé]{2})"), r"\1'1"),
)  # fmt: skip

RULES: tuple[Rule, ...] = (
    *TYPOGRAPHY, *_LOOSE, *_ADDRESSES, *_TELEPHONE, *_ABBREVIATIONS, *CODES, *_DATES,
    *_AMOUNTS, *_RANKS, *_NUMBERS, abbreviations(words.READ_AS, r"(?<!\w)", r"(?!\w)"),
    *acronyms(words.READ | words.STRESSED, words.SPELLED), *signs(_SIGNS),
)  # fmt: skip
