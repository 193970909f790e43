"""What people read is there in every language, with the same values in it."""

import re
from string import Formatter
from typing import Any

import pytest

from palabre.discord.texts import LANGUAGES, say, texts


def values(text: Any) -> set[str]:
    """The names in a text's braces; of both forms of address, where it has two."""
    forms = text.values() if isinstance(text, dict) else [text]
    return {name for form in forms for _, name, _, _ in Formatter().parse(form) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts_with_the_same_values(language: str) -> None:
    french, other = texts("fr"), texts(language)
    assert french.keys() == other.keys()
    assert {key: values(text) for key, text in french.items()} == {
        key: values(text) for key, text in other.items()
    }


def test_french_has_its_no_break_spaces_and_quotation_marks() -> None:
    forms = [f for t in texts("fr").values() for f in (t.values() if isinstance(t, dict) else [t])]
    wrong = [
        text
        for text in forms
        if re.search(r"[^\u00a0\u202f\s][:;!?»](?=\s|$)| [:;!?»]|« |\"|'", text)
    ]
    assert wrong == []


def test_a_text_is_said_in_the_form_of_address_and_with_its_values() -> None:
    assert "vérifie les" in say("rendering.by_ai", "fr-FR", "tu")
    assert "vérifiez" in say("rendering.by_ai", "fr")
    assert say("sources.page", "fr", page=3) == "p. 3"


def test_other_languages_are_told_in_english() -> None:
    assert say("rendering.stopped", "de") == "Answer stopped."
