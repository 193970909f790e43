from importlib import resources

import pytest
from hypothesis import given, strategies as st

from palabre.retriever.wording import asks_nothing, folded, spelled_out, words_in, written

FRENCH = ("fr",)
LISTS = sorted((resources.files("palabre.retriever") / "words").iterdir(), key=lambda f: f.name)


def phrases(question: str, *languages: str) -> set[str]:
    found = written(words_in(question), languages or FRENCH)
    return {phrase for each in found for phrase in each.phrases}


@pytest.mark.parametrize(
    ("short", "plain"),
    [
        ("c'est quoi le DPO", "c'est quoi le DPO"),
        ("slt, pk c fermé ?", "bonjour, pourquoi c'est fermé ?"),
        ("Jai koi a payer", "j'ai quoi a payer"),
        ("ya bcp de bruit svp", "il y a beaucoup de bruit s'il vous plaît"),
        ("Comment payer mon loyer ?", "Comment payer mon loyer ?"),
    ],
)
def test_short_messages_are_spelled_out(short: str, plain: str) -> None:
    assert spelled_out(short, FRENCH) == plain


def test_an_abbreviation_in_capitals_is_no_short_message() -> None:
    assert spelled_out("le CT de ma voiture", FRENCH) == "le CT de ma voiture"


def test_other_languages_keep_their_spelling() -> None:
    assert spelled_out("a kan is a g", ("wo",)) == "a kan is a g"


def test_everyday_words_have_what_documents_write() -> None:
    assert "bailleur" in phrases("Mon PROPRIÉTAIRE")
    assert {"durée", "temps"} & phrases("au bout de combien de temps ?")
    assert not phrases("mon propriétaire", "wo")


def test_words_that_stand_together_are_met_as_one() -> None:
    assert "paiement" not in phrases("une carte")
    assert "pièce identité" in phrases("ma carte d'identité")
    found = list(written(words_in("ma carte d'identité"), FRENCH))
    assert (1, 4) in {(each.first, each.last) for each in found}


def test_courtesy_is_no_part_of_a_question() -> None:
    assert asks_nothing("bonjour", FRENCH)
    assert asks_nothing("please", ("fr", "en-GB"))
    assert not asks_nothing("loyer", FRENCH)


@pytest.mark.parametrize("code", ["", "../fr", "/etc/passwd", "fr/../fr", "zzzz"])
def test_a_language_is_no_path(code: str) -> None:
    assert not asks_nothing("bonjour", (code,))


@pytest.mark.parametrize("file", LISTS, ids=lambda file: str(file.name))
def test_every_line_of_a_list_says_something(file: object) -> None:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]  # type: ignore[attr-defined]
    said = [line for line in lines if not line.startswith("#")]
    assert len(said) > 10
    for line in said:
        left, sign, right = line.partition(">")
        assert line.startswith("~") or (sign and words_in(left) and words_in(right)), line


@given(st.text())
def test_spelling_out_twice_changes_nothing_more(text: str) -> None:
    once = spelled_out(text, FRENCH)
    assert spelled_out(once, FRENCH) == once


@given(st.text())
def test_words_have_no_accents_and_no_capitals(text: str) -> None:
    assert all(word == folded(word) for word in words_in(text))
