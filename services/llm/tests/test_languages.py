"""Which language a person writes in: tables of what people really ask, in `asked/`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from palabre.chassis.languages import LANGUAGES
from palabre.llm.languages import choose

ASKED = Path(__file__).parent / "asked"


def asked(*tables: str) -> Iterator[tuple[str, str]]:
    """(language, text)"""
    for table in tables:
        for file in sorted((ASKED / table).glob("*.txt")):
            yield from ((file.stem, line) for line in file.read_text("utf-8").splitlines())


def wrong(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those whose language is not told, in a French space without a hint."""
    return [each for each in found if choose(each[1], "", ("fr", "en")) != each[0]]


def test_twelve_languages_are_asked_in() -> None:
    found = list(asked(".", "later"))
    assert {language for language, _ in found} == set(LANGUAGES)
    assert all(sum(own == each for own, _ in found) >= 10 for each in LANGUAGES)
    assert len(set(found)) == len(found) >= 400


def test_a_persons_language_is_told() -> None:
    found = list(asked(".", "later"))
    assert len(wrong(found)) <= 0.01 * len(found)


def test_texts_written_after_the_lists_of_words_are_told_as_well() -> None:
    found = list(asked("later"))
    assert len(wrong(found)) <= 0.05 * len(found)


def test_french_is_told_however_it_is_spelt() -> None:
    found = [each for each in asked(".", "later") if each[0] == "fr"]
    assert len(wrong(found)) <= 0.02 * len(found)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hoe kan ik mijn huur betalen?", "nl"),
        ("Как оплатить аренду?", "ru"),
        ("What does سكن mean on my contract?", "en"),
        ("Que veut dire « deposit » sur mon contrat ?", "fr"),
        ("Voir https://example.com/how-to-get-the-key svp", "fr"),
    ],
)
def test_a_language_is_told_by_what_most_words_say(text: str, language: str) -> None:
    assert choose(text, "", ("fr", "en")) == language


@pytest.mark.parametrize("text", ["APL 2026", "🙂", "", "CAF", "Mohammed", "06 12 34 56 78"])
def test_what_tells_nothing_is_in_the_channels_language_or_the_spaces(text: str) -> None:
    assert choose(text, "en-GB", ("fr",)) == "en-GB"
    assert choose(text, "", ("de", "fr")) == "de"


def test_the_channels_hint_gives_way_to_the_words() -> None:
    assert choose("Quel est le montant de mon loyer ?", "en", ("fr",)) == "fr"
    assert choose("Quel est le montant de mon loyer ?", "fr-CA", ("en",)) == "fr-CA"


FRENCH = ["Bonjour, comment faire une demande de logement ?", "Et pour un étudiant ?"]
ENGLISH = ["How do I apply for social housing?"]


@pytest.mark.parametrize(
    "text", ["ok", "Hello", "thanks", "Mohammed Benali", "María López", "Wi-Fi", "gracias", "?"]
)
def test_a_word_or_a_name_does_not_change_a_conversations_language(text: str) -> None:
    assert choose(text, "", ("fr", "en"), FRENCH) == "fr"


@pytest.mark.parametrize("text", ["ok", "merci", "Mohammed Benali", "Dupont", "CAF ?"])
def test_an_english_conversation_stays_english_in_a_french_space(text: str) -> None:
    assert choose(text, "fr", ("fr", "en"), ENGLISH) == "en"


def test_a_message_in_another_language_changes_the_conversations() -> None:
    assert choose("And how long does it take?", "", ("fr",), FRENCH) == "en"
    assert choose("y cuánto tiempo hay que esperar", "", ("fr",), FRENCH) == "es"
    assert choose("Et combien de temps faut-il attendre ?", "", ("fr",), ENGLISH) == "fr"
    assert choose("ok", "", ("fr",), [*FRENCH, "And how long does it take?"]) == "en"


@given(st.text(max_size=200), st.lists(st.text(max_size=40), max_size=3))
def test_any_text_has_a_language(text: str, before: list[str]) -> None:
    assert choose(text, "", ("fr",), before)
