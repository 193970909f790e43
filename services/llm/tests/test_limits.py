"""What providers say about how much is left, in each one's spelling."""

import datetime as dt

import pytest

from palabre.llm import limits

NOW = dt.datetime(2026, 11, 28, 20, 0, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "Sat, 28 Nov 2026 20:02:00 GMT"}, 120),
        ({"retry-after": "Sat, 28 Nov 2026 19:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "-3"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
    ],
)
def test_when_to_come_back(headers: dict[str, str], seconds: float) -> None:
    assert limits.retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1h0m2s"}, 3602),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "120ms"}, 0.12),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.66s"}, 7.66),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "2m59.5s"}, 179.5),
        ({"ratelimitbysize-remaining": "0", "ratelimitbysize-reset": "38"}, 38),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795896030"}, 30),
        (
            {
                "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-11-28T20:00:20Z",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-11-28T20:00:50+00:00",
            },
            50,
        ),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "6m0s"}, 0),
        ({"x-ratelimit-remaining-requests": "-1", "x-ratelimit-reset-requests": "6m0s"}, 0),
        ({"x-ratelimit-remaining-req-minute": "0"}, 0),
        ({"x-ratelimit-remaining-requests": "none", "x-ratelimit-reset-requests": "9"}, 0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "later"}, 0),
    ],
)
def test_until_when_nothing_is_left(headers: dict[str, str], seconds: float) -> None:
    assert limits.closed_for(headers, NOW) == pytest.approx(seconds)
