"""Numbers of a text with their units, as digits, however they are written; French and English."""

import re
from collections.abc import Iterator
from functools import cache, partial

from palabre.llm.words import fold

_FRENCH_NAMES = (
    "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
    " dix-sept dix-huit dix-neuf"
)
_FRENCH = _FRENCH_NAMES.split()
_FRENCH_TENS = {20: "vingt", 30: "trente", 40: "quarante", 50: "cinquante", 60: "soixante"}
_ENGLISH_NAMES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_ENGLISH = _ENGLISH_NAMES.split()
_ENGLISH_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

_UNITS = {
    "mois": "month month months",
    "jour": "jour jours day days",
    "an": "an ans annee annees year years",
    "semaine": "semaine semaines week weeks",
    "heure": "h heure heures hour hours",
    "minute": "minute minutes min",
    "€": "€ euro euros",
    "%": "% pourcent percent",
    "degre": "° °c degre degres degrees",
}
_UNIT = {word: unit for unit, listed in _UNITS.items() for word in f"{unit} {listed}".split()}

_PHONE = re.compile(r"(?<!\d)(?:\+33[ .\u00a0\u202f]?|0)\d(?:[ .\u00a0\u202f-]?\d\d){4}(?!\d)")
_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)")
_ITEM = re.compile(r"^\s*\d{1,2}[.)]\s")
_NUMBER = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)?)[ \u00a0\u202f]*(°c?|%|€|[^\W\d_]+)?")
# "les deux parties" counts nothing that a source would have to say.
_KNOWN_ONES = r"\b(?:les|ces|des|vos|nos|leurs|tous|toutes|the|both|these|those) "


def figures(text: str, *, all_words: bool = False) -> frozenset[tuple[str, str]]:
    """(digits, unit): ("1234.5", "€"), ("12", "mois"), ("0199001234", ""); the unit where known.

    Of those that are words, only what counts something: "deux mois", not "les deux parties".
    """
    folded = _ITEM.sub("", fold(text))
    folded = _PHONE.sub(lambda m: _digits(m[0]).replace("+33", "0"), folded)
    folded = _THOUSANDS.sub(lambda m: _digits(m[0]), folded)
    said = partial(_said, all_words=all_words)
    return frozenset(_found(_spelled().sub(said, folded)))


def missing(claimed: frozenset[tuple[str, str]], there: frozenset[tuple[str, str]]) -> bool:
    """Whether one is not there; without a unit on either side the number alone counts."""
    numbers = {number for number, unit in there if not unit}
    all_numbers = {number for number, _ in there}
    return any(
        each not in there and number not in (numbers if unit else all_numbers)
        for each in claimed
        for number, unit in [each]
    )


def _found(text: str) -> Iterator[tuple[str, str]]:
    for number, word in _NUMBER.findall(text):
        plain = number.replace(",", ".")
        plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
        yield plain, _UNIT.get(word, "")


def _digits(text: str) -> str:
    return re.sub(r"[^\d+]", "", text)


def _said(match: re.Match[str], all_words: bool) -> str:
    """A word's digits; "un" and "one" count where a unit follows."""
    number, measures = _words()[match["word"]], (match["next"] or "") in _UNIT
    counts = measures or (number > 1 and (all_words or not match["known"]))
    return f"{match['known'] or ''}{number}" if counts else match[0]


@cache
def _spelled() -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, _words()), key=len, reverse=True))
    return re.compile(
        rf"(?P<known>{_KNOWN_ONES})?\b(?P<word>{names})\b(?![-'’])(?=(?:\s+(?P<next>[^\W\d_]+))?)"
    )


@cache
def _words() -> dict[str, int]:
    """Names of 1 to 100, folded; feminine and with or without hyphens."""
    named = {"une": 1, "cent": 100, "hundred": 100, "quatre-vingts": 80}
    for number in range(1, 100):
        for name in (_french(number), _english(number)):
            named |= {name: number, name.replace("-", " "): number}
    return named


def _french(number: int) -> str:
    if number < 20:
        return _FRENCH[number]
    if number < 80:
        tens = min(number // 10 * 10, 60)
        rest = number - tens
        if not rest:
            return _FRENCH_TENS[tens]
        return f"{_FRENCH_TENS[tens]}{'-et-' if rest in (1, 11) else '-'}{_FRENCH[rest]}"
    return f"quatre-vingt-{_FRENCH[number - 80]}" if number > 80 else "quatre-vingt"


def _english(number: int) -> str:
    tens, rest = divmod(number, 10)
    if number < 20:
        return _ENGLISH[number]
    return _ENGLISH_TENS[tens - 2] + (f"-{_ENGLISH[rest]}" if rest else "")
