"""Texts over the limit, in pieces."""

import re

import pytest
from hypothesis import given, strategies as st

from palabre.discord.splitting import FENCE, MOST, pieces

WORD = st.text(st.characters(codec="utf-8", exclude_characters="`~ \n\r\\"), max_size=30)
LINE = st.lists(WORD, min_size=1, max_size=12).map(" ".join)
PROSE = st.lists(LINE, min_size=1, max_size=6).map("\n".join)
CODE = st.tuples(st.sampled_from(["", "python", "c++", "js"]), PROSE).map(
    lambda pair: f"{FENCE}{pair[0]}\n{pair[1]}\n{FENCE}"
)
LINK = st.tuples(LINE, st.integers(1, 10**9)).map(
    lambda p: f"[{re.sub(r'[\[\]()<>*_|]', '', p[0]) or 'x'}](https://example.org/{p[1]})"
)
ITEM = PROSE.map(lambda text: "- " + text.replace("\n", "\n  "))
TEXT = st.lists(st.one_of(PROSE, CODE, LINK, ITEM), min_size=1, max_size=25).map("\n\n".join)
ANYTHING = st.text(
    st.one_of(st.sampled_from("`~ \n.[]()*ab\U0001f600\u0301\u200d"), st.characters(codec="utf-8")),
    max_size=600,
)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def letters(text: str) -> str:
    """What remains without blanks, and without fences and their languages."""
    return "".join(re.sub(FENCE + r"[\w+#.-]{0,20}", "", text).split())


@given(TEXT, st.integers(100, 400))
def test_no_piece_is_too_long_and_no_letter_is_lost(text: str, most: int) -> None:
    found = pieces(text, most)
    assert all(units(piece) <= most for piece in found)
    assert letters("\n".join(found)) == letters(text)


@given(ANYTHING, st.integers(60, 200))
def test_whatever_comes_pieces_fit_and_their_fences_are_closed(text: str, most: int) -> None:
    found = pieces(text, most)
    assert all(units(piece) <= most for piece in found)
    assert all(piece.count(FENCE) % 2 == 0 for piece in found)
    assert all(piece.strip() for piece in found)


@given(st.lists(PROSE, min_size=1, max_size=25).map("\n\n".join), st.integers(100, 400))
def test_no_word_is_torn(text: str, most: int) -> None:
    assert " ".join(pieces(text, most)).split() == text.split()


@given(TEXT, st.integers(100, 400))
def test_every_piece_has_its_fences_closed(text: str, most: int) -> None:
    assert all(piece.count(FENCE) % 2 == 0 for piece in pieces(text, most))


@given(st.lists(st.one_of(LINE, LINK), min_size=1, max_size=25).map(" ".join))
def test_no_link_is_torn(text: str) -> None:
    links = re.findall(r"\[[^\[\]\n]*\]\(https://example.org/\d+\)", text)
    found = "\n".join(pieces(text, 600))
    assert all(link in found for link in links)


@given(TEXT, st.integers(0, 2000))
def test_what_was_cut_stays_so_while_the_text_grows(text: str, shown: int) -> None:
    before = pieces(text[:shown], 300)[:-1]
    assert pieces(text, 300)[: len(before)] == before


def test_a_short_text_is_one_piece() -> None:
    assert pieces("Le bailleur.") == ["Le bailleur."]


def test_nothing_is_no_piece() -> None:
    assert pieces(" \n") == []


def test_paragraphs_stay_whole() -> None:
    first, second = "Un. " * 300, "Deux. " * 200
    assert pieces(f"{first}\n\n{second}") == [first.strip(), second.strip()]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    sentence = "Le locataire prévient M. Petit le 1. mars, puis « il attend ! » chez lui. "
    found = pieces(sentence * 60)
    assert len(found) > 1
    assert all(piece.endswith("chez lui.") for piece in found)


def test_a_price_is_not_cut() -> None:
    found = pieces("abcdefghi 12\u00a0€ " * 30, 100)
    assert all(piece.startswith("abc") for piece in found)


def test_code_that_fits_moves_as_a_whole() -> None:
    prose, code = "Voici comment. " * 60, f"{FENCE}python\n{'print(1)\n' * 130}{FENCE}"
    assert pieces(f"{prose}\n{code}\nVoilà.") == [prose.strip(), f"{code}\nVoilà."]


def test_code_that_does_not_fit_is_closed_and_opened_again() -> None:
    lines = "\n".join(f"ligne({n})" for n in range(400))
    found = pieces(f"{FENCE}python\n{lines}\n{FENCE}")
    assert len(found) > 2
    assert all(p.startswith(f"{FENCE}python\nligne(") and p.endswith(f")\n{FENCE}") for p in found)
    bodies = [piece.removeprefix(f"{FENCE}python\n").removesuffix(f"\n{FENCE}") for piece in found]
    assert "\n".join(bodies) == lines


def test_items_of_a_list_stay_whole() -> None:
    items = [f"{n}. " + "un point assez long de la liste " * 4 for n in range(1, 40)]
    found = pieces("\n".join(items))
    assert all(re.match(r"\d+\. ", piece) for piece in found)
    assert "\n".join(found).count("\n") == len(items) - 1


@pytest.mark.parametrize("character", ["\U0001f44d\U0001f3fd", "e\u0301\u0323", "👩\u200d🚀"])
def test_characters_of_several_code_points_are_not_torn(character: str) -> None:
    found = pieces(character * 1000)
    assert all(len(piece) % len(character) == 0 for piece in found)


def test_characters_count_as_clients_count_them() -> None:
    assert max(units(piece) for piece in pieces("😀" * 5000)) <= MOST


def test_an_answer_that_is_being_written_in_code_is_shown_as_code() -> None:
    assert pieces(f"Voici :\n{FENCE}python\nprint(1)\n``") == [
        f"Voici :\n{FENCE}python\nprint(1)\n{FENCE}"
    ]


def test_fences_that_discord_does_not_know_become_its_own() -> None:
    assert pieces("~~~js\na\n~~~\n````\nb\n````") == [f"{FENCE}js\na\n{FENCE}\n{FENCE}\nb\n{FENCE}"]
