import pytest
from hypothesis import given, strategies as st

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.documents import Block, Kind, Section
from palabre.retriever.passages import MAX_BYTES, TARGET, cut, pack

COMMON = Passage(document="guide.md", title="Le guide", language="fr", tier="public")


def sentences(number: int) -> str:
    return " ".join(f"Voici la phrase numéro {i}, assez longue." for i in range(number))


def test_a_passage_carries_title_and_heading_path() -> None:
    section = Section(("Le bail", "La durée"), (Block("Trois ans."),))
    [indexed] = cut([section], COMMON, ("contrat",))
    passage = indexed.passage
    assert (passage.title, list(passage.heading_path)) == ("Le guide", ["Le bail", "La durée"])
    assert (passage.text, passage.tier, indexed.keywords) == ("Trois ans.", "public", ("contrat",))


def test_passages_never_cross_a_heading() -> None:
    sections = [Section(("A",), (Block("un"),)), Section(("B",), (Block("deux"),))]
    assert [i.passage.text for i in cut(sections, COMMON)] == ["un", "deux"]


def test_short_blocks_are_joined_up_to_the_target() -> None:
    texts = pack([Block("x" * 300) for _ in range(5)])
    assert [len(text) for text in texts] == [602, 602, 300]


def test_a_short_end_is_joined_to_what_stands_before_it() -> None:
    assert [len(text) for text in pack([Block("x" * 850), Block("y" * 150)])] == [1_002]


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    texts = pack([Block(sentences(60))])
    assert len(texts) > 2
    assert all(text.endswith(".") for text in texts)
    assert all(len(text) < TARGET * 1.3 for text in texts)


def test_a_list_and_a_table_stay_whole_where_they_can() -> None:
    bullets = "\n".join(f"- élément numéro {i} de la liste" for i in range(60))
    assert len(bullets) > TARGET
    assert pack([Block(bullets, "list")]) == [bullets]


def test_each_piece_of_a_long_table_begins_with_its_heading() -> None:
    rows = "\n".join(f"| cas {i} | {'x' * 60} |" for i in range(100))
    texts = pack([Block(f"| cas | durée |\n| --- | --- |\n{rows}", "table")])
    assert len(texts) > 2
    assert all(text.startswith("| cas | durée |\n| --- | --- |\n| cas") for text in texts)


def test_a_long_list_is_cut_between_items() -> None:
    bullets = "\n".join(f"- {'mot ' * 20}{i}" for i in range(100))
    texts = pack([Block(bullets, "list")])
    assert len(texts) > 2
    assert all(text.startswith("- mot") for text in texts)


def test_the_same_text_twice_is_two_passages() -> None:
    section = Section(("A",), (Block("pareil"),))
    first, second = cut([section, section], COMMON)
    assert first.passage.id != second.passage.id


def test_a_changed_section_changes_only_its_own_ids() -> None:
    old = [Section((h,), (Block(f"texte {h}"),)) for h in "ABC"]
    new = [old[0], Section(("B",), (Block("autre texte"),)), old[2]]
    before = [i.passage.id for i in cut(old, COMMON)]
    later = Passage(version="2")
    later.MergeFrom(COMMON)
    after = [i.passage.id for i in cut(new, later)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]


@pytest.mark.parametrize("field", ["document", "title", "tier", "language", "url"])
def test_how_a_passage_may_be_found_is_part_of_its_id(field: str) -> None:
    other = Passage()
    other.CopyFrom(COMMON)
    setattr(other, field, "autre")
    sections = [Section((), (Block("texte"),))]
    assert cut(sections, COMMON)[0].passage.id != cut(sections, other)[0].passage.id


def test_megabytes_without_a_space_are_cut_in_no_time() -> None:
    texts = pack([Block("é" * 5_000_000)])
    assert sum(len(text) for text in texts) == 5_000_000
    assert max(len(text.encode()) for text in texts) <= MAX_BYTES


KINDS: list[Kind] = ["paragraph", "list", "table", "code"]


@given(st.text(alphabet="aé 漢\n.|-", min_size=1, max_size=30_000), st.sampled_from(KINDS))
def test_whatever_the_text_no_passage_is_too_large_and_nothing_is_lost(
    text: str, kind: Kind
) -> None:
    texts = pack([Block(text, kind)])
    assert all(len(piece.encode()) <= MAX_BYTES for piece in texts)
    assert "".join(text.split()) in "".join("".join(texts).split()) or kind == "table"
