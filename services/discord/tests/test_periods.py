"""Periods as people write them."""

import datetime as dt

import pytest

from palabre.discord.periods import period


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("24h", dt.timedelta(hours=24)),
        ("7j", dt.timedelta(days=7)),
        ("7 Jours", dt.timedelta(days=7)),
        ("2 semaines", dt.timedelta(weeks=2)),
        ("3d", dt.timedelta(days=3)),
        ("1w", dt.timedelta(weeks=1)),
        ("90 min", dt.timedelta(minutes=90)),
        ("1h30", dt.timedelta(minutes=90)),
        ("1 j 12 h", dt.timedelta(hours=36)),
        ("3 hours", dt.timedelta(hours=3)),
        ("2 heures", dt.timedelta(hours=2)),
        ("1 mois", dt.timedelta(days=30)),
    ],
)
def test_a_period_is_understood_in_french_and_english(told: str, found: dt.timedelta) -> None:
    assert period(told) == found


@pytest.mark.parametrize("told", ["", "hier", "24", "0h", "-3h", "2 ans", "9999j", "h24", "1 jeu"])
def test_what_is_no_period_is_none(told: str) -> None:
    assert period(told) is None
