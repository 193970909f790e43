"""Both indexes keep the same promises, and find the same passages in the same order."""

from pathlib import Path

import pytest

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.documents import Block, Section
from palabre.retriever.index import Index
from palabre.retriever.index.edge import EdgeIndex, IndexInUse
from palabre.retriever.index.qdrant import QdrantIndex
from palabre.retriever.passages import Indexed, cut
from palabre.retriever.vectors import FIELDS, of_question, stems_of

SPACE = "demo"
TEXTS = {
    "bail": "Le bail dure trois ans et se renouvelle. Le bail est signé par tous.",
    "preavis": "Le préavis est de trois mois, réduit à un mois en zone tendue.",
    "loyer": "Le loyer est payé le cinq du mois, par prélèvement ou par chèque.",
    "charges": "Les charges sont régularisées chaque année, avec le loyer de juin.",
    "caution": "Le dépôt de garantie est rendu un mois après la remise des clés.",
    "chauffage": "En cas de panne de chauffage, appelez le gardien sans attendre.",
    "voisins": "Le bruit des voisins se signale d'abord au gardien de l'immeuble.",
    "impayes": "Un échéancier est proposé dès le premier loyer impayé.",
}
QUESTIONS = [
    "combien de temps dure le bail ?",
    "payer son loyer par chèque",
    "quel préavis en zone tendue",
    "panne de chaufage",
    "le gardien de l'immeuble",
]


def passages(document: str, text: str, tier: str = "public", version: str = "1") -> list[Indexed]:
    common = Passage(document=document, title=document, tier=tier, version=version, language="fr")
    return cut([Section(("Partie",), (Block(text),))], common, ("mot-clé",))


def ids(indexed: list[Indexed]) -> list[str]:
    return [i.passage.id for i in indexed]


async def fill(index: Index) -> dict[str, str]:
    """All texts, shown; `impayes` only to those of the restricted tier. Name by id."""
    names = {}
    for name, text in TEXTS.items():
        tier = "restricted" if name == "impayes" else "public"
        [indexed] = passages(name, text, tier)
        await index.add(SPACE, [indexed])
        await index.switch(SPACE, [indexed.passage.id], tier, "1", [])
        names[indexed.passage.id] = name
    return names


async def ranked(
    index: Index, question: str, *tiers: str, limit: int = 10, space: str = SPACE
) -> list[list[str]]:
    asked = [of_question(question, ("fr",))]
    rankings = await index.rank(space, asked, tiers or ("public",), limit)
    return [[ranked.id for ranked in ranking] for ranking in rankings]


async def found(index: Index, question: str, *tiers: str) -> set[str]:
    return {i for ranking in await ranked(index, question, *tiers) for i in ranking}


async def test_an_unknown_space_is_empty(index: Index) -> None:
    assert await ranked(index, "bail") == [[] for _ in FIELDS]
    assert await index.fetch(SPACE, ["97a0b9e4-5f3b-8000-8000-000000000000"]) == {}
    assert await index.rarity(SPACE, [1]) == [0.0]
    assert await index.ids(SPACE, "bail") == set()
    assert await index.count(SPACE) == 0


async def test_a_ranking_per_question_and_field(index: Index) -> None:
    names = await fill(index)
    asked = [of_question(question, ("fr",)) for question in QUESTIONS[:2]]
    rankings = await index.rank(SPACE, asked, ("public",), 10)
    assert len(rankings) == 2 * len(FIELDS)
    assert [names[rankings[0][0].id], names[rankings[3][0].id]] == ["bail", "loyer"]


async def test_what_was_only_added_is_found_by_nobody(index: Index) -> None:
    [indexed] = passages("bail", TEXTS["bail"])
    await index.add(SPACE, [indexed])
    assert await found(index, "bail", "public", "") == set()
    assert await index.ids(SPACE, "bail") == {indexed.passage.id}


async def test_a_tier_is_found_only_by_those_who_have_it(index: Index) -> None:
    names = await fill(index)
    seen = await found(index, "loyer impayé", "public")
    assert "impayes" not in {names[i] for i in seen}
    seen = await found(index, "loyer impayé", "public", "restricted")
    assert "impayes" in {names[i] for i in seen}


async def test_the_filter_works_inside_the_query_so_the_limit_is_filled(index: Index) -> None:
    hidden = [p for i in range(40) for p in passages(f"h{i}", f"bail bail bail {i}", "secret")]
    await index.add(SPACE, hidden)
    await index.switch(SPACE, ids(hidden), "secret", "1", [])
    await fill(index)
    rankings = await ranked(index, "bail", limit=1)
    assert [len(ranking) for ranking in rankings] == [1, 1, 1]


async def test_a_switch_shows_the_new_version_and_forgets_the_old(index: Index) -> None:
    old, new = passages("bail", "le bail ancien"), passages("bail", "le bail nouveau", version="2")
    await index.add(SPACE, old)
    await index.switch(SPACE, ids(old), "public", "1", [])
    await index.add(SPACE, new)
    assert await found(index, "bail") == set(ids(old))
    await index.switch(SPACE, ids(new), "public", "2", ids(old))
    assert await found(index, "bail") == set(ids(new))
    assert await index.ids(SPACE, "bail") == set(ids(new))


async def test_a_switch_of_nothing_changes_nothing(index: Index) -> None:
    await index.switch(SPACE, [], "public", "1", [])
    assert await index.count(SPACE) == 0


async def test_what_stays_takes_the_new_version(index: Index) -> None:
    kept = passages("bail", "le bail", version="1")
    await index.add(SPACE, kept)
    await index.switch(SPACE, ids(kept), "public", "2", [])
    fetched = await index.fetch(SPACE, ids(kept))
    assert fetched[kept[0].passage.id].passage.version == "2"


async def test_a_passage_is_fetched_as_it_was_added(index: Index) -> None:
    [indexed] = passages("bail", TEXTS["bail"])
    await index.add(SPACE, [indexed])
    assert await index.fetch(SPACE, ids([indexed])) == {indexed.passage.id: indexed}


async def test_all_passages_of_a_large_document_are_known(index: Index) -> None:
    many = [p for i in range(1_500) for p in passages("long", f"partie numéro {i}")]
    await index.add(SPACE, many)
    assert await index.ids(SPACE, "long") == set(ids(many))
    assert await index.count(SPACE) == 1_500


async def test_a_rare_term_weighs_more_and_an_unseen_one_most(index: Index) -> None:
    await fill(index)
    terms = [next(iter(stems_of(word, ("fr",)))) for word in ("loyer", "chèque", "girafe")]
    common, rare, unseen = await index.rarity(SPACE, terms)
    assert 0 < common < rare < unseen


async def test_spaces_do_not_see_each_other(index: Index) -> None:
    await fill(index)
    assert await ranked(index, "bail", space="other") == [[] for _ in FIELDS]
    await index.drop(SPACE)
    assert await index.count(SPACE) == 0
    await index.drop("never-made")


async def test_a_question_of_small_words_finds_nothing_by_stems(index: Index) -> None:
    await fill(index)
    text, title, _ = await ranked(index, "de la")
    assert (text, title) == ([], [])


async def test_both_indexes_rank_the_same(edge: EdgeIndex, qdrant: QdrantIndex) -> None:
    names = await fill(edge)
    await fill(qdrant)
    for question in QUESTIONS:
        ours, theirs = await ranked(edge, question), await ranked(qdrant, question)
        assert [[names[i] for i in r] for r in ours] == [[names[i] for i in r] for r in theirs]
    terms = list(stems_of(" ".join(QUESTIONS), ("fr",)))
    assert await edge.rarity(SPACE, terms) == pytest.approx(await qdrant.rarity(SPACE, terms))


async def test_edge_has_everything_again_when_it_is_opened_again(tmp_path: Path) -> None:
    index = await EdgeIndex.open(tmp_path)
    names = await fill(index)
    before = await ranked(index, QUESTIONS[0])
    await index.close()
    index = await EdgeIndex.open(tmp_path)
    assert await index.count(SPACE) == len(names)
    assert await ranked(index, QUESTIONS[0]) == before
    await index.close()


async def test_a_folder_in_use_is_refused_with_what_to_do(tmp_path: Path) -> None:
    index = await EdgeIndex.open(tmp_path)
    with pytest.raises(IndexInUse, match="another process owns this index: stop it"):
        await EdgeIndex.open(tmp_path)
    await index.close()


async def test_equals_share_a_rank_and_the_same_rankings_come_every_time(index: Index) -> None:
    same = [p for i in range(12) for p in passages(f"d{i}", "le bail de trois ans")]
    [better] = passages("best", "le bail, le bail de trois ans")
    await index.add(SPACE, [*same, better])
    await index.switch(SPACE, ids([*same, better]), "public", "1", [])
    [text, *_] = await index.rank(SPACE, [of_question("bail", ("fr",))], ("public",), 50)
    assert text == [(better.passage.id, 1), *((identity, 2) for identity in sorted(ids(same)))]
    [text, *_] = await index.rank(SPACE, [of_question("bail", ("fr",))], ("public",), 5)
    assert text == [(better.passage.id, 1)]
