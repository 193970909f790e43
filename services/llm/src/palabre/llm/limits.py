"""How long a provider wants to be left alone, out of the headers of its responses.

`Retry-After` is RFC 9110, 10.2.3. What is left and when it is reset is told in pairs of headers
whose spelling is everybody's own: `x-ratelimit-remaining-tokens` and `x-ratelimit-reset-tokens`
("6m0s" at OpenAI and Groq), `anthropic-ratelimit-tokens-remaining` and `…-reset` (RFC 3339),
`ratelimitbysize-remaining` and `…-reset` (seconds, at Mistral).
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime

_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:([\d.]+)s)?(?:([\d.]+)ms)?")
_UNITS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)
_SECONDS_SINCE_1970 = 1e9  # a number above it is a time, below it a duration


def retry_after(headers: Mapping[str, str], now: dt.datetime) -> float:
    """Seconds until the provider wants to be asked again; 0 when it does not say."""
    with suppress(ValueError):
        return max(0.0, float(headers.get("retry-after-ms", "")) / 1000)
    return _seconds(headers.get("retry-after", ""), now)


def closed_for(headers: Mapping[str, str], now: dt.datetime) -> float:
    """Seconds until something is left again of what the headers say that nothing is left of.

    0 when something is left of everything, or when nobody says until when.
    """
    return max((_seconds(reset, now) for reset in _resets(headers)), default=0.0)


def _resets(headers: Mapping[str, str]) -> Iterator[str]:
    for name, left in headers.items():
        if "ratelimit" in name and "remaining" in name and _is_nothing(left):
            yield headers.get(name.replace("remaining", "reset"), "")


def _is_nothing(left: str) -> bool:
    try:
        return float(left) == 0
    except ValueError:
        return False


def _seconds(said: str, now: dt.datetime) -> float:
    """From a number, a duration ("1h2m3.5s", "120ms"), a time (RFC 3339 or HTTP); else 0."""
    said = said.strip()
    with suppress(ValueError):
        number = float(said)
        seconds = number - now.timestamp() if number > _SECONDS_SINCE_1970 else number
        return max(0.0, seconds)
    if said and (parts := _DURATION.fullmatch(said)):
        return sum(float(part) * unit for part, unit in zip(parts.groups("0"), _UNITS, strict=True))
    return max(0.0, (time - now).total_seconds()) if (time := _time(said)) else 0.0


def _time(said: str) -> dt.datetime | None:
    for parse in (dt.datetime.fromisoformat, parsedate_to_datetime):
        with suppress(ValueError):
            time = parse(said)
            return time if time.tzinfo else time.replace(tzinfo=dt.UTC)
    return None
