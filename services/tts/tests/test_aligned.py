import re

import pytest
from hypothesis import given, settings, strategies as st

from palabre.tts.normalise import speakable
from palabre.tts.normalise.aligned import Aligned


def origin(text: str, said: str, language: str = "fr") -> str:
    """What stands in the text for a word that is said."""
    aligned = speakable(text, language)
    start = aligned.text.index(said)
    offset, length = aligned.original(start, len(said))
    return text[offset : offset + length]


@pytest.mark.parametrize(
    ("text", "said", "written"),
    [
        ("Le délai est long.", "délai", "délai"),
        ("Le **délai** est long.", "délai", "délai"),
        ("Le [délai légal](https://a.fr) court.", "légal", "légal"),
        ("## Le délai\nIl court [1] encore.", "encore", "encore"),
        ("À 14h30 précises", "quatorze", "14h30"),
        ("À 14h30 précises", "trente", "14h30"),
        ("À 14h30 précises", "précises", "précises"),
        ("Cela coûte 1 234,56 € par an", "cinquante-six", "1 234,56 €"),
        ("M. Dupont est là", "Monsieur", "M."),
        ("M. Dupont est là", "Dupont", "Dupont"),
        ("le 21/06/1905 à Paris", "juin", "21/06/1905"),
        ("écrire à j@ex.fr demain", "arobase", "j@ex.fr"),
        ("un HLM neuf", "H L M", "HLM"),
    ],
)
def test_a_word_that_is_said_is_found_in_the_text(text: str, said: str, written: str) -> None:
    assert origin(text, said) == written


def test_what_was_rewritten_twice_still_stands_for_all_of_it() -> None:
    text = Aligned.of("un deux trois").sub(re.compile("deux"), "2").sub(re.compile("2 t"), "X")
    assert text.text == "un Xrois"
    assert text.original(3, 1) == (3, 6)


def test_an_insertion_stands_for_nothing() -> None:
    text = Aligned.of("ab").sub(re.compile("(?<=a)"), "--")
    assert text.text == "a--b"
    assert text.original(1, 2) == (1, 0)


PIECES = st.sampled_from(
    ["**", "mot ", "12", " ", ",", ".", "h", "€", "%", "[1]", "\n", "- ", "# ", "| ", "M. ", "Mme ",
     "HLM", "http://a.fr/b ", "a@b.fr ", "1er", "XXI", "e ", "/", "-", "«", "01 23 45 67 89 ",
     "1 234,5", "😀", "`", "```", "L. 12-3 ", "n° ", "l'", "A", "0", "007", "½", "²", "٣",
     "0 800 05 95 95 ", "FR76 3000 6000 ", "ISBN 978-2-07-036822-8", "2024-A-0153 ", "2,20 m",
     "1/2 ", "9/10 de ", "31/12/2025", "lun.-ven. ", "45€50", "AB-123-CD", "le 116 ", "x", "CO₂",
     "16 A", "SIRET ", "M. et Mme ", "50/50", "pl. de ", "3ème ", "14h30 min", "*05"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=60),
    st.sampled_from(["fr", "en", "de"]),
)
def test_every_character_stands_for_a_place_of_the_text(text: str, language: str) -> None:
    aligned = speakable(text, language)
    assert len(aligned.text) == len(aligned.starts) == len(aligned.ends)
    assert all(0 <= a <= b <= len(text) for a, b in zip(aligned.starts, aligned.ends, strict=True))


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_french_leaves_no_digit_to_the_engine(text: str) -> None:
    assert not re.search("[0-9]", speakable(text, "fr").text)
