"""Values as a reader of the document's language expects to see them."""

import datetime as dt
import re
from decimal import ROUND_HALF_UP, Decimal

from palabre.retriever.documents.sheets.grid import DATE, EMPTY, MARK, NUMBER, TEXT

Value = str | int | float | bool | dt.date | dt.datetime | dt.time | dt.timedelta
# Also between thousands: the narrow one is missing from many fonts, and from every SMS.
_SPACE = "\N{NO-BREAK SPACE}"
_QUOTED = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]|_.|\*.')
_CURRENCIES = "€$£¥"
_DECIMALS = 12
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
        clock = f" {hour}h{minute}" if hour and (hour, minute) != ("00", "00") else ""
        return f"{day}/{month}/{year}{clock}"
    return text


def number(value: float, code: str, french: bool) -> str:
    """As the number format says, for what people use: decimals, groups, %, currencies, digits."""
    pattern, before, after = _parted(code.split(";")[0])
    if pattern and set(pattern) <= {"0", "#", " ", "-", ".", "/"} and _is_template(pattern):
        return _templated(value, pattern)
    if "%" in pattern:
        return (
            f"{_decimal(value * 100, _places(pattern), False, french)}{_SPACE if french else ''}%"
        )
    grouped = "," in pattern or "# " in pattern or any(c in before + after for c in _CURRENCIES)
    text = _decimal(value, _places(pattern) if pattern else None, grouped, french)
    unit = (before + after).strip()
    if not unit:
        return text
    if not french and before.strip():
        return f"{unit}{text}"
    return f"{text}{_SPACE}{unit}"


def _parted(code: str) -> tuple[str, str, str]:
    """The digits of a format, and the literal words before and after them."""
    if code in ("General", "@", "Standard"):
        return "", "", ""
    marked = _QUOTED.sub(lambda m: f"\0{m[1] or m[2] or m[3] or ''}\0", code)
    literal, pattern, before, after = False, "", "", ""
    for part in marked.split("\0"):
        digits = "".join(c for c in part if c in "0#?.,%/ -E+")
        symbols = "".join(c for c in part if c in _CURRENCIES)
        words = part if literal else symbols
        if literal and not part.strip():
            pattern += part  # an escaped space between digits
        elif any(c in "0#" for c in pattern):
            after += words
        else:
            before += words
        pattern += "" if literal else digits
        literal = not literal
    return pattern.strip(), before, after


def _is_template(pattern: str) -> bool:
    """Telephone numbers, postal codes: zeros that are shown, and what stands between them."""
    return bool(re.fullmatch(r"0{2,}|[0#]+(?:[ ./-]+[0#]{2,})+", pattern)) and (
        not re.fullmatch(r"[#0 ]*#[# ]*0|#+ #*0?(?:\.0*)?|[#0]*\.[0#]+|# ##0(?:\.0+)?", pattern)
    )


def _templated(value: float, pattern: str) -> str:
    digits = list(str(abs(round(value))))
    out: list[str] = []
    for sign in reversed(pattern):
        if sign not in "0#":
            out.append(sign)
        elif digits:
            out.append(digits.pop())
        elif sign == "0":
            out.append("0")
    return "".join(digits) + "".join(reversed(out)).lstrip()


def _places(pattern: str) -> int | None:
    """Decimals that a format asks for; None: as many as there are."""
    found = re.search(r"\.([0#?]+)", pattern)
    return len(found[1]) if found else 0 if any(c in "0#" for c in pattern) else None


def _decimal(value: float, places: int | None, grouped: bool, french: bool) -> str:
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        return ""
    rounded = (
        exact.quantize(
            Decimal(1).scaleb(-min(_DECIMALS if places is None else places, 12)), ROUND_HALF_UP
        )
        if abs(exact) < Decimal(10) ** 15
        else exact
    )
    text = f"{rounded:,f}" if grouped else f"{rounded:f}"
    if places is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    if french:
        text = text.replace(",", _SPACE).replace(".", ",")
    return text


def _mark(value: bool, french: bool) -> str:
    if french:
        return "oui" if value else "non"
    return "yes" if value else "no"


def _clock(hours: int, minutes: int, french: bool) -> str:
    if french:
        return f"{hours}h{minutes:02}" if minutes else f"{hours}h"
    return f"{hours}:{minutes:02}"
