"""What a text looks like: a telephone number, a price, a mark, prose."""

import re
from functools import lru_cache
from typing import Literal

from palabre.retriever.documents.sheets.grid import DATE, MARK, NUMBER

Shape = Literal[
    "number", "date", "hour", "phone", "mail", "url", "mark", "code", "words", "prose"
]  # fmt: skip
# Shapes that data has and a heading seldom.
DATA: frozenset[Shape] = frozenset({"number", "date", "hour", "phone", "mail", "url", "prose"})

PROSE_CHARACTERS = 60
_PHONE = re.compile(r"(?:\+|0)[\d .()/\N{NO-BREAK SPACE}-]{7,20}")
_MAIL = re.compile(r"\S+@\S+\.\w{2,}")
_URL = re.compile(r"(?:https?://|www\.)\S+")
_NUMBER = re.compile(
    r"[-+]?[€$£]?\d{1,3}(?:[ \u00a0\u202f.,]?\d{3})*(?:[.,]\d+)?"
    r"(?:\s*(?:k?€|%|\$|£|²|°C?)|\s+[^\W\d]{1,8}[²³]?\.?)?(?:\s*/\s*[^\W\d]{1,8}[²³]?)?"
)
_MONTHS = (
    "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
    "|january|february|march|april|may|june|july|august|september|october|november|december"
)
_DATE = re.compile(
    r"(?:\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}|\d{4}-\d\d-\d\d"
    rf"|(?:\d{{1,2}}(?:er)? )?(?:{_MONTHS}) \d{{4}})(?:[ T]\d{{1,2}}[h:]\d{{0,2}}.*)?",
    re.IGNORECASE,
)
_HOUR = re.compile(r"(?<!\d)(?:[01]?\d|2[0-4]) ?(?:h|:[0-5]\d)(?![a-zé])", re.IGNORECASE)
_MARK = re.compile(r"x|xx|oui|non|o|n|yes|no|true|false|vrai|faux|[✓✔✗✘●○–—-]|[+-]{1,3}", re.I)
_CODE = re.compile(r"(?=\S*\d)[^\W_][\w./-]{0,23}")
_CALENDAR = re.compile(
    rf"(?:lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|monday|tuesday|wednesday|thursday"
    rf"|friday|saturday|sunday|{_MONTHS})s?|(?:19|20)\d\d",
    re.IGNORECASE,
)


@lru_cache(maxsize=20_000)
def shape(text: str, kind: str) -> Shape:
    """Of a cell that is not empty."""
    if kind == NUMBER:
        return "number"
    if kind == DATE:
        return "date"
    if kind == MARK or _MARK.fullmatch(text):
        return "mark"
    return _of_text(text)


def _of_text(text: str) -> Shape:
    if _MAIL.fullmatch(text):
        return "mail"
    if _URL.fullmatch(text):
        return "url"
    if _PHONE.fullmatch(text) and 9 <= sum(c.isdigit() for c in text) <= 14:
        return "phone"
    if _DATE.fullmatch(text):
        return "date"
    if _NUMBER.fullmatch(text) and not (text.startswith("0") and text.isdigit() and text != "0"):
        return "number"
    if len(text) >= PROSE_CHARACTERS or _is_sentence(text):
        return "prose"
    if _HOUR.search(text):
        return "hour"
    return "code" if _CODE.fullmatch(text) else "words"


def is_calendar(text: str) -> bool:
    """A weekday, a month or a year."""
    return bool(_CALENDAR.fullmatch(text.strip()))


def _is_sentence(text: str) -> bool:
    return text.endswith((".", "?", "!")) and text.count(" ") >= 5
