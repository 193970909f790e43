"""Values as a reader of the document's language expects to see them."""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from palabre.retriever.documents.sheets.grid import DATE, EMPTY, MARK, NUMBER, TEXT

Value = str | int | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta
# Also between thousands: the narrow one is missing from many fonts, and from every SMS.
_SPACE = "\N{NO-BREAK SPACE}"
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
# What a number format writes as it is: "words", \x, [$€-40C]; _x and *x stand for white space.
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]|_.|\*.')
# Telephone numbers and postal codes: digits in groups, from the first one on.
_TEMPLATE = re.compile(r"0{2,}|0[0#]{0,3}(?:[ /-]+[0#]{2,})+")
# Digits, and no fraction.
_WHOLE = re.compile(r"^[^/]*[0#][^/]*$")
_CURRENCIES = "€$£¥"
_DECIMALS = 12
_LARGE = Decimal(10) ** 15
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?)?")


def shown(value: Value, code: str, language: str) -> tuple[str, str]:
    """The text and its kind. `code` is the cell's number format, empty for the general one."""
    french = language.startswith("fr")
    match value:
        case bool():
            return _mark(value, french), MARK
        case str():
            text = value.strip()
            return text, TEXT if text else EMPTY
        case int() | float():
            return number(value, code, french), NUMBER
        case dt.timedelta():
            minutes = round(value.total_seconds() / 60)
            return _clock(minutes // 60, minutes % 60, french), DATE
        case dt.time():
            return _clock(value.hour, value.minute, french), DATE
        case _:
            return date(value, french), DATE


def seen(text: str, value: Value, language: str) -> tuple[str, str]:
    """As the sheet itself shows the value, and its kind; a sheet may show nothing of it."""
    if not text:
        return "", EMPTY
    kind = NUMBER if isinstance(value, int | float) else DATE
    return written(text.replace(_NARROW_SPACE, _SPACE), language), kind


def date(value: dt.date, french: bool) -> str:
    """A moment at midnight is a day."""
    day = value.strftime("%d/%m/%Y" if french else "%Y-%m-%d")
    if isinstance(value, dt.datetime) and (value.hour or value.minute):
        return f"{day} {_clock(value.hour, value.minute, french)}"
    return day


def written(text: str, language: str) -> str:
    """What an export spells for machines, for people: ISO dates and truth values."""
    french = language.startswith("fr")
    if (lowered := text.lower()) in ("true", "false"):
        return _mark(lowered == "true", french)
    if french and (found := _ISO.fullmatch(text)):
        year, month, day, hour, minute = found.groups()
        clock = f" {int(hour)}h{minute}" if hour and (hour, minute) != ("00", "00") else ""
        return f"{day}/{month}/{year}{clock}"
    return text


def number(value: float, code: str, french: bool) -> str:
    """As the number format says, for what people use: decimals, groups, %, currencies, digits."""
    form = _form(code)
    if form.template:
        return _templated(value, form.template)
    if form.percent:
        return f"{_decimal(value * 100, form.places, False, french)}{_SPACE if french else ''}%"
    text = _decimal(value, form.places, form.grouped, french)
    if form.before and not french:
        return f"{form.before}{text}"
    unit = form.before or form.after
    return f"{text}{_SPACE}{unit}" if unit else text


@dataclass(frozen=True, slots=True)
class _Form:
    """Of a number format. `places` None: as many decimals as there are."""

    places: int | None = None
    percent: bool = False
    grouped: bool = False
    before: str = ""
    after: str = ""
    template: str = ""


@lru_cache(maxsize=1_024)
def _form(code: str) -> _Form:
    pattern, before, after = _parted(code.split(";")[0])
    if _TEMPLATE.fullmatch(pattern):
        return _Form(template=pattern)
    decimals = re.search(r"\.([0#?]+)", pattern)
    return _Form(
        places=len(decimals[1]) if decimals else 0 if _WHOLE.search(pattern) else None,
        percent="%" in pattern,
        grouped="," in pattern or "# " in pattern or any(c in before + after for c in _CURRENCIES),
        before=before.strip(),
        after=after.strip(),
    )


def _parted(code: str) -> tuple[str, str, str]:
    """The digits of a format, and the literal words before and after them."""
    pattern, before, after = "", "", ""
    for at, part in enumerate(_LITERAL.split(code)):
        # Between two literals stands one part; a literal has three groups, of which one is set.
        signs = "" if at % 4 else "".join(c for c in part if c in "0#?.,%/ -")
        words = (part or "") if at % 4 else "".join(c for c in part if c in _CURRENCIES)
        if words.strip():
            before, after = (before, after + words) if pattern.strip() else (before + words, after)
        # A space between digits is part of them, also one that was escaped.
        pattern += signs or (" " if words and not words.strip() else "")
    return (pattern.strip(), before, after) if pattern.strip() else ("", "", before + after)


def _templated(value: float, template: str) -> str:
    digits, out = list(str(abs(round(value)))), list[str]()
    for sign in reversed(template):
        if sign not in "0#":
            out.append(sign)
        elif digits or sign == "0":
            out.append(digits.pop() if digits else "0")
    return "".join(digits) + "".join(reversed(out)).lstrip()


def _decimal(value: float, places: int | None, grouped: bool, french: bool) -> str:
    """Halves are rounded up, as Excel does."""
    exact = Decimal(repr(value))
    if not exact.is_finite():
        return ""
    if abs(exact) < _LARGE:
        step = Decimal(1).scaleb(-min(_DECIMALS if places is None else places, _DECIMALS))
        exact = exact.quantize(step, ROUND_HALF_UP)
    text = f"{exact:,f}" if grouped else f"{exact:f}"
    if places is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(",", _SPACE).replace(".", ",") if french else text


def _mark(value: bool, french: bool) -> str:
    if french:
        return "oui" if value else "non"
    return "yes" if value else "no"


def _clock(hours: int, minutes: int, french: bool) -> str:
    if french:
        return f"{hours}h{minutes:02}" if minutes else f"{hours}h"
    return f"{hours}:{minutes:02}"
