"""Money, tokens and seconds as people write them: `0,0012 €` in French, `€0.0012` in English."""

from decimal import Decimal

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}
_NARROW = "\u202f"  # no-break: between groups of digits
_WIDE = "\u00a0"  # no-break: before a unit


def money(micros: int, currency: str, language: str) -> str:
    """Of millionths; two digits that count below a hundredth, else cents."""
    value = Decimal(micros).scaleb(-6)
    places = 2 if value >= Decimal("0.1") or not value else 1 - value.adjusted()
    shown = number(value, language, min(places, 6))
    sign = _SIGNS.get(currency, currency)
    if _is_french(language) or sign == currency:
        return f"{shown}{_WIDE}{sign}"
    return f"{sign}{shown}"


def number(value: Decimal | float, language: str, places: int = 0) -> str:
    """With the language's own separators; 12 345,6 or 12,345.6."""
    text = f"{value:,.{places}f}"
    return text.translate({ord(","): _NARROW, ord("."): ","}) if _is_french(language) else text


def seconds(value: float, language: str) -> str:
    """With a tenth below ten."""
    return f"{number(value, language, 1 if value < 10 else 0)}{_WIDE}s"


def _is_french(language: str) -> bool:
    return language.split("-")[0].lower() == "fr"
