"""Passages that a model reads to their end: parted where their structure allows it."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.documents import Block, Kind, Section
from palabre.retriever.engines.estimate import estimated
from palabre.retriever.fitting import embedded
from palabre.retriever.passages import cut

COMMON = Passage(document="bail.md", title="Le bail", language="fr", tier="public")


@dataclass
class Words:
    """A model whose tokens are words."""

    longest: int

    def tokens(self, text: str) -> int:
        return len(text.split())


def texts(block: Block, longest: int, *headings: str) -> list[str]:
    section = Section(headings, (block,))
    return [each.passage.text for each in cut([section], COMMON, window=Words(longest))]


def test_a_paragraph_is_parted_between_sentences_into_parts_of_a_length() -> None:
    block = Block(" ".join(f"Voici la phrase numéro {n}." for n in range(20)))
    found = texts(block, 42)
    assert [len(text.split()) for text in found] == [35, 35, 30]
    assert " ".join(found) == block.text


def test_several_blocks_are_parted_between_them() -> None:
    blocks = [Block("un deux trois quatre cinq six"), Block("sept huit neuf"), Block("dix onze")]
    section = Section(("Un",), tuple(blocks))
    found = [each.passage.text for each in cut([section], COMMON, window=Words(10))]
    assert found == ["un deux trois quatre cinq six", "sept huit neuf\n\ndix onze"]


def test_a_list_is_parted_between_items_and_only_a_long_item_between_sentences() -> None:
    items = ["- court", "- Une phrase assez longue. Une autre phrase assez longue.", "- fin"]
    assert texts(Block("\n".join(items), "list"), 10) == [
        "- court",
        "- Une phrase assez longue.",
        "Une autre phrase assez longue.",
        "- fin",
    ]


def test_each_part_of_a_table_begins_with_its_heading() -> None:
    rows = "\n".join(f"| cas {n} | {n} ans |" for n in range(20))
    found = texts(Block(f"| Cas | Durée |\n| --- | --- |\n{rows}", "table"), 40)
    assert len(found) > 3
    assert all(text.startswith("| Cas | Durée |\n| --- | --- |\n| cas") for text in found)
    told = [line for text in found for line in text.split("\n")[2:]]
    assert told == rows.split("\n")


def test_only_what_has_no_boundary_overlaps() -> None:
    block = Block(" ".join(f"mot{n}" for n in range(90)))
    found = [text.split() for text in texts(block, 42)]
    assert found[0][0] == "mot0"
    assert found[-1][-1] == "mot89"
    for before, after in pairwise(found):
        assert 1 < len(set(before) & set(after)) < 10


def test_what_fits_is_what_it_is_without_a_model() -> None:
    section = Section(("La durée",), (Block("Trois ans. " * 80), Block("- six\n- neuf", "list")))
    assert cut([section], COMMON, window=Words(512)) == cut([section], COMMON)


def test_where_nobody_knows_how_much_is_read_nothing_is_parted() -> None:
    section = Section((), (Block("mot " * 300),))
    assert cut([section], COMMON, window=Words(0)) == cut([section], COMMON)


def test_headings_take_half_of_what_is_read_at_most_and_the_nearest_stay() -> None:
    headings = ("Un titre assez long", "Un chapitre assez long", "La durée")
    passage = Passage(title="Le bail", heading_path=headings, text="Trois ans.")
    assert embedded(passage) == "\n".join(["Le bail", *headings, "Trois ans."])
    assert embedded(passage, Words(18)) == "\n".join(["Le bail", *headings[1:], "Trois ans."])
    assert embedded(passage, Words(10)) == "Le bail\nLa durée\nTrois ans."
    assert embedded(passage, Words(3)) == "Trois ans."


KINDS: list[Kind] = ["paragraph", "list", "table", "code"]
SAID = st.text(alphabet="ab .|-\n1é漢", min_size=1, max_size=3_000)


@dataclass
class Letters:
    """A model whose tokens are letters, and two of its own."""

    longest: int

    def tokens(self, text: str) -> int:
        return len(text) + 2


@given(
    st.lists(st.tuples(SAID, st.sampled_from(KINDS)), min_size=1, max_size=4),
    st.lists(st.text("ab", max_size=40), max_size=4),
    st.integers(32, 600),
)
def test_whatever_the_text_no_passage_is_longer_than_what_is_read_and_nothing_is_lost(
    said: list[tuple[str, Kind]], headings: list[str], longest: int
) -> None:
    blocks = tuple(Block(text.strip("\n").rstrip() or "a", kind) for text, kind in said)
    window = Letters(longest)
    found = [e.passage for e in cut([Section(tuple(headings), blocks)], COMMON, window=window)]
    assert all(window.tokens(embedded(passage, window)) <= longest for passage in found)
    left = iter("".join("".join(passage.text.split()) for passage in found))
    assert all(sign in left for block in blocks for sign in "".join(block.text.split()))


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("Le bail dure trois ans.", 8, 12),
        ("| 510 € | 45 € |", 8, 12),
        ("租约期限为三年", 8, 12),
        ("anticonstitutionnellement", 6, 12),
    ],
)
def test_an_estimate_of_tokens_is_near(text: str, least: int, most: int) -> None:
    assert least <= estimated(text) <= most
