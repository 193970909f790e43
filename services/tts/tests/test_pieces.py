import pytest
from hypothesis import given, strategies as st

from palabre.tts.pieces import pieces


def cut(text: str, longest: int = 60, fewest_words: int = 1) -> list[str]:
    return [piece.text.strip() for piece in pieces(text, longest, fewest_words)]


def test_a_text_is_cut_into_its_sentences() -> None:
    assert cut("Oui. Le délai court ! « Non ? » dit-il… Voilà") == [
        "Oui.",
        "Le délai court !",
        "« Non ?",
        "» dit-il…",
        "Voilà",
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Oui. Bien sûr. Le délai est court.", ["Oui. Bien sûr.", "Le délai est court."]),
        ("Le délai est court. Oui.", ["Le délai est court.", "Oui."]),
        ("Oui. " + "mot " * 14, ["Oui.", ("mot " * 14).strip()]),
    ],
)
def test_a_few_words_go_with_the_sentence_after_them(text: str, parts: list[str]) -> None:
    assert cut(text, fewest_words=3) == parts


def test_a_long_sentence_is_cut_at_its_strongest_break() -> None:
    text = "Le bail dure trois ans, parfois six ; il se renouvelle ensuite, sauf congé donné."
    assert cut(text)[0] == "Le bail dure trois ans, parfois six ;"
    assert cut("x" * 130) == ["x" * 60, "x" * 60, "x" * 10]


@given(st.text(alphabet="ab é.,;!?…\n«»", max_size=300), st.integers(10, 80), st.integers(1, 4))
def test_no_word_is_lost_and_none_is_said_twice(text: str, longest: int, fewest: int) -> None:
    found = pieces(text, longest, fewest)
    assert all(text[p.offset : p.offset + len(p.text)] == p.text for p in found)
    assert all(len(p.text) <= longest for p in found)
    ends = [0, *(p.offset + len(p.text) for p in found)]
    assert all(p.offset >= end for p, end in zip(found, ends, strict=False))
    said = "".join(p.text for p in found)
    assert [c for c in said if c.isalpha()] == [c for c in text if c.isalpha()]
