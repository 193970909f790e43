"""How far back somebody wants to look: `24h`, `7j`, `2 semaines`, `1h30`, `3 days`."""

import datetime as dt
import re

LONGEST = dt.timedelta(days=366)
_DAY_MIN = 24 * 60
_MINUTES = {
    r"m(?:in(?:ute)?s?)?": 1,
    r"h(?:(?:eu|ou)?rs?|eures?)?": 60,
    r"j(?:ours?)?|d(?:ays?)?": _DAY_MIN,
    r"sem(?:aines?)?|w(?:eeks?)?": 7 * _DAY_MIN,
    r"mois|months?": 30 * _DAY_MIN,
}
_PART = re.compile(r"(\d{1,4})\s*([a-z]+)")
_WHOLE = re.compile(r"(?:\d{1,4}\s*[a-z]+\s*)+")
_BARE_MINUTES = re.compile(r"(?<=\dh)(\d{1,2})$")  # of "1h30"


def period(text: str) -> dt.timedelta | None:
    """None for what is no period, nothing at all, or longer than a year."""
    told = _BARE_MINUTES.sub(r"\1m", " ".join(text.casefold().split()))
    if not _WHOLE.fullmatch(told):
        return None
    found = dt.timedelta()
    for count, unit in _PART.findall(told):
        minutes = _minutes(unit)
        if minutes is None:
            return None
        found += dt.timedelta(minutes=int(count) * minutes)
    return found if dt.timedelta() < found <= LONGEST else None


def _minutes(unit: str) -> int | None:
    return next((m for pattern, m in _MINUTES.items() if re.fullmatch(pattern, unit)), None)
