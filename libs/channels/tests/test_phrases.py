"""What adapters say themselves: all of it, in every language."""

import re
from itertools import product

import pytest

from palabre.channels.phrases import phrase, reason_name
from palabre.chassis.languages import LANGUAGES, texts
from palabre.contracts.v1 import events_pb2 as pb

FRENCH = texts("palabre.channels", "fr")


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_is_said_in_every_language(language: str) -> None:
    said = texts("palabre.channels", language)
    assert said.keys() == FRENCH.keys()
    assert len({*said.values()} | {*FRENCH.values()}) == len(FRENCH) * (1 + (language != "fr"))
    assert min(len(text) for text in said.values()) > 8


def test_nobody_is_addressed_as_vous_or_tu() -> None:
    """A persona, a forum or a person may want either; the adapter does not know which."""
    addressed = re.compile(r"\b(vous|votre|vos|tu|te|toi|ton|ta|tes|\w+ez)\b", re.IGNORECASE)
    assert [key for key, text in FRENCH.items() if addressed.search(text)] == []


def test_every_failure_and_every_spent_budget_has_words() -> None:
    reasons = {reason_name(reason) for reason in pb.FailureReason.values()}
    budgets = {f"budget_{w}_{p}" for w, p in product(("person", "shared"), ("day", "month"))}
    assert (reasons | budgets | {"waiting"}) - {"unspecified"} == FRENCH.keys()


def test_people_are_told_in_their_language() -> None:
    assert phrase("expired", "fr-CA").startswith("Désolé")
    assert phrase("expired", "de").startswith("Leider")
    for language in ("en", "nl", ""):
        assert phrase("expired", language).startswith("Sorry")
    assert phrase("unheard of", "fr") == phrase("unavailable", "fr")
