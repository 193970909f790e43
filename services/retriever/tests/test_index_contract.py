"""Every index keeps the same promises, and finds the same passages in the same order."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from qdrant_client import AsyncQdrantClient

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.documents import Block, Section
from palabre.retriever.engines.words import HashedWords
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.generations import Generations, Shelf
from palabre.retriever.index.port import Meaning
from palabre.retriever.index.qdrant import QdrantCollections, QdrantIndex
from palabre.retriever.index.shard_files import IndexInUse
from palabre.retriever.passages import Indexed, cut
from palabre.retriever.vectors import FIELDS, of_question, stems_of

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

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


def ids(indexed: Sequence[Indexed]) -> list[str]:
    return [i.passage.id for i in indexed]


async def serving(index: Generations, space: str = SPACE) -> Shelf:
    return (await index.shelves(space))[0]


async def show(shelf: Shelf, indexed: Sequence[Indexed], tier: str = "public") -> None:
    await shelf.add(indexed)
    await shelf.switch(ids(indexed), tier, "1", [])


async def fill(index: Generations, shelf: Shelf | None = None) -> dict[str, str]:
    """All texts, shown; `impayes` only to those of the restricted tier. Name by id."""
    shelf = shelf or await serving(index)
    names = {}
    for name, text in TEXTS.items():
        tier = "restricted" if name == "impayes" else "public"
        [indexed] = passages(name, text, tier)
        await show(shelf, [indexed], tier)
        names[indexed.passage.id] = name
    return names


async def ranked(
    index: Generations, question: str, *tiers: str, limit: int = 10, space: str = SPACE
) -> list[list[str]]:
    asked = [of_question(question, ("fr",))]
    meaning = await index.meaning(space, [question])
    rankings = await index.rank(space, asked, tiers or ("public",), limit, meaning)
    return [[ranked.id for ranked in ranking] for ranking in rankings]


async def found(index: Generations, question: str, *tiers: str) -> set[str]:
    return {i for ranking in await ranked(index, question, *tiers) for i in ranking}


async def test_an_unknown_space_is_empty(index: Generations) -> None:
    assert await ranked(index, "bail") == [[] for _ in FIELDS]
    assert await index.fetch(SPACE, ["97a0b9e4-5f3b-8000-8000-000000000000"]) == {}
    assert await index.rarity(SPACE, [1], ("public",)) == [0.0]
    assert await index.ids(SPACE, "bail") == set()
    assert await index.count(SPACE) == 0


async def test_a_ranking_per_question_and_field(index: Generations) -> None:
    names = await fill(index)
    asked = [of_question(question, ("fr",)) for question in QUESTIONS[:2]]
    rankings = await index.rank(SPACE, asked, ("public",), 10)
    assert len(rankings) == 2 * len(FIELDS)
    best = [names[rankings[0][0].id], names[rankings[len(FIELDS)][0].id]]
    assert best == ["bail", "loyer"]


async def test_what_was_only_added_is_found_by_nobody(index: Generations) -> None:
    [indexed] = passages("bail", TEXTS["bail"])
    await (await serving(index)).add([indexed])
    assert await found(index, "bail", "public", "") == set()
    assert await index.ids(SPACE, "bail") == {indexed.passage.id}


async def test_a_tier_is_found_only_by_those_who_have_it(index: Generations) -> None:
    names = await fill(index)
    seen = await found(index, "loyer impayé", "public")
    assert "impayes" not in {names[i] for i in seen}
    seen = await found(index, "loyer impayé", "public", "restricted")
    assert "impayes" in {names[i] for i in seen}


async def test_a_folder_bounds_the_search_to_what_is_below_it(index: Generations) -> None:
    documents = ["forum/1/a", "forum/1/b", "forum/12/c", "forum", "d"]
    below = {name: passages(name, TEXTS["bail"]) for name in documents}
    for indexed in below.values():
        await show(await serving(index), indexed)
    for folder, names in (("forum/1", documents[:2]), ("forum", documents[:3]), ("", documents)):
        asked = [of_question("bail", ("fr",))]
        rankings = await index.rank(SPACE, asked, ("public",), 10, folder=folder)
        assert {r.id for r in rankings[0]} == {i for name in names for i in ids(below[name])}


async def test_the_filter_works_inside_the_query_so_the_limit_is_filled(
    index: Generations,
) -> None:
    hidden = [p for i in range(40) for p in passages(f"h{i}", f"bail bail bail {i}", "secret")]
    await show(await serving(index), hidden, "secret")
    await fill(index)
    rankings = await ranked(index, "bail", limit=1)
    assert [len(ranking) for ranking in rankings] == [1] * len(FIELDS)


async def test_a_switch_shows_the_new_version_and_forgets_the_old(index: Generations) -> None:
    old, new = passages("bail", "le bail ancien"), passages("bail", "le bail nouveau", version="2")
    shelf = await serving(index)
    await show(shelf, old)
    await shelf.add(new)
    assert await found(index, "bail") == set(ids(old))
    await shelf.switch(ids(new), "public", "2", ids(old))
    assert await found(index, "bail") == set(ids(new))
    assert await index.ids(SPACE, "bail") == set(ids(new))


async def test_a_switch_of_nothing_changes_nothing(index: Generations) -> None:
    await (await serving(index)).switch([], "public", "1", [])
    assert await index.count(SPACE) == 0


async def test_what_is_added_twice_is_there_once_and_what_is_gone_may_be_forgotten_again(
    index: Generations,
) -> None:
    shelf, [indexed] = await serving(index), passages("bail", TEXTS["bail"])
    await show(shelf, [indexed, indexed])
    await show(shelf, [indexed])
    assert await index.count(SPACE) == 1
    for _ in range(2):
        await shelf.switch([], "", "", ids([indexed]))
        assert await index.count(SPACE) == 0


async def test_what_stays_takes_the_new_version(index: Generations) -> None:
    shelf, kept = await serving(index), passages("bail", "le bail", version="1")
    await show(shelf, kept)
    await shelf.switch(ids(kept), "public", "2", [])
    fetched = await index.fetch(SPACE, ids(kept))
    assert fetched[kept[0].passage.id].passage.version == "2"


async def test_a_passage_is_fetched_as_it_was_added(index: Generations) -> None:
    [indexed] = passages("bail", TEXTS["bail"])
    await (await serving(index)).add([indexed])
    assert await index.fetch(SPACE, ids([indexed])) == {indexed.passage.id: indexed}


async def test_all_passages_of_a_large_document_are_known(index: Generations) -> None:
    many = [p for i in range(1_500) for p in passages("long", f"partie numéro {i}")]
    await (await serving(index)).add(many)
    assert await index.ids(SPACE, "long") == set(ids(many))
    assert await index.count(SPACE) == 1_500


async def test_a_rare_term_weighs_more_and_an_unseen_one_most(index: Generations) -> None:
    await fill(index)
    terms = [next(iter(stems_of(word, ("fr",)))) for word in ("loyer", "chèque", "girafe")]
    common, rare, unseen = await index.rarity(SPACE, terms, ("public",))
    assert 0 < common < rare < unseen


async def test_a_term_of_other_tiers_is_as_rare_as_one_that_nobody_wrote(
    index: Generations,
) -> None:
    await fill(index)
    hidden = passages("secret", "licenciement", tier="restricted")
    await show(await serving(index), hidden, "restricted")
    terms = [next(iter(stems_of(word, ("fr",)))) for word in ("licenciement", "girafe")]
    public, nowhere = await index.rarity(SPACE, terms, ("public",))
    assert public == nowhere
    restricted, nowhere = await index.rarity(SPACE, terms, ("public", "restricted"))
    assert restricted < nowhere


async def test_spaces_do_not_see_each_other(index: Generations) -> None:
    await fill(index)
    assert await ranked(index, "bail", space="other") == [[] for _ in FIELDS]
    await index.drop(SPACE)
    assert await index.count(SPACE) == 0
    await index.drop("never-made")


async def test_a_question_of_small_words_finds_nothing_by_stems(index: Generations) -> None:
    await fill(index)
    text, title, *_ = await ranked(index, "de la")
    assert (text, title) == ([], [])


async def test_equals_share_a_rank_and_the_same_rankings_come_every_time(
    index: Generations,
) -> None:
    same = [p for i in range(12) for p in passages(f"d{i}", "le bail de trois ans")]
    [better] = passages("best", "le bail, le bail de trois ans")
    await show(await serving(index), [*same, better])
    [text, *_] = await index.rank(SPACE, [of_question("bail", ("fr",))], ("public",), 50)
    assert text == [(better.passage.id, 1), *((identity, 2) for identity in sorted(ids(same)))]
    [text, *_] = await index.rank(SPACE, [of_question("bail", ("fr",))], ("public",), 5)
    assert text == [(better.passage.id, 1)]


@pytest.mark.parametrize("embedder", [None, HashedWords()], ids=["sparse", "dense"])
async def test_all_indexes_find_the_same_in_the_same_order(
    tmp_path: Path, embedder: HashedWords | None
) -> None:
    edge = await EdgeIndex.open(tmp_path, embedder)
    qdrant = QdrantIndex(AsyncQdrantClient(":memory:"), embedder)
    names = await fill(edge)
    await fill(qdrant)
    for question in QUESTIONS:
        ours, theirs = await ranked(edge, question), await ranked(qdrant, question)
        assert len(ours) == len(FIELDS) + bool(embedder)
        assert [[names[i] for i in r] for r in ours] == [[names[i] for i in r] for r in theirs]
    terms = list(stems_of(" ".join(QUESTIONS), ("fr",)))
    rarities = [await index.rarity(SPACE, terms, ("public",)) for index in (edge, qdrant)]
    assert rarities[0] == pytest.approx(rarities[1])
    for index in (edge, qdrant):
        await index.close()


async def test_dense_vectors_rank_the_near_first_and_only_what_may_be_read(
    meaningful: Generations,
) -> None:
    names = await fill(meaningful)
    question = "loyer impayé échéancier premier"
    *_, dense = await ranked(meaningful, question)
    assert "impayes" not in {names[i] for i in dense}
    *_, dense = await ranked(meaningful, question, "public", "restricted")
    assert names[dense[0]] == "impayes"
    assert len(dense) == len(TEXTS)


async def test_vectors_of_another_embedder_find_nothing_and_disturb_nothing(
    meaningful: Generations,
) -> None:
    await fill(meaningful)
    asked, strange = [of_question("bail", ("fr",))], Meaning("other", [[1.0] * 256])
    *sparse, dense = await meaningful.rank(SPACE, asked, ("public",), 10, strange)
    assert sparse == await meaningful.rank(SPACE, asked, ("public",), 10)
    assert dense == []


async def test_a_generation_is_built_unseen_and_switched_to_in_one_step(
    meaningful: Generations,
) -> None:
    await fill(meaningful)
    before = await ranked(meaningful, QUESTIONS[0])
    built = await meaningful.new_shelf(SPACE)
    [indexed] = passages("nouveau", "Le bail a changé.")
    await show(built, [indexed])
    assert await ranked(meaningful, QUESTIONS[0]) == before
    roles = [s.serves for s in await meaningful.shelves(SPACE)]
    assert roles == [True, False]
    await meaningful.serve(built)
    assert await found(meaningful, QUESTIONS[0]) == {indexed.passage.id}
    assert await meaningful.count(SPACE) == 1
    state = await meaningful.state(SPACE)
    assert [state.role(generation) for generation in state.all] == ["retired", "serving"]


async def test_searches_never_find_nothing_while_generations_are_switched(
    meaningful: Generations,
) -> None:
    names = await fill(meaningful)
    searching = True

    async def search() -> int:
        searches = 0
        while searching:
            rankings = await ranked(meaningful, QUESTIONS[0])
            assert [len(ranking) > 0 for ranking in rankings] == [True] * len(rankings)
            fetched = await meaningful.fetch(SPACE, rankings[0])
            assert fetched.keys() == set(rankings[0]) <= names.keys()
            searches += 1
            await asyncio.sleep(0)
        return searches

    asking = asyncio.create_task(search())
    for _ in range(3):
        built = await meaningful.new_shelf(SPACE)
        await fill(meaningful, built)
        await meaningful.serve(built)
    searching = False
    assert await asking > 3
    await meaningful.forget_retired(grace_s=0.0)
    assert [g.number for g in (await meaningful.state(SPACE)).all] == [4]
    assert len(await ranked(meaningful, QUESTIONS[0])) == len(FIELDS) + 1


async def test_what_was_found_before_a_switch_is_still_fetched(meaningful: Generations) -> None:
    await fill(meaningful)
    [_, *_], [best, *_] = (await ranked(meaningful, QUESTIONS[0]))[:2]
    built = await meaningful.new_shelf(SPACE)
    await meaningful.serve(built)
    assert (await meaningful.fetch(SPACE, [best])).keys() == {best}


async def test_what_serves_is_dropped_after_its_grace_and_not_before(
    collections: QdrantCollections,
) -> None:
    times = iter((0.0, 59.0, 60.0))
    index = Generations(collections, clock=lambda: next(times))
    await fill(index)
    await index.serve(await index.new_shelf(SPACE))
    for left in (2, 2, 1):
        await index.forget_retired()
        assert len((await index.state(SPACE)).all) == left


async def test_an_index_of_another_shape_serves_by_the_fields_that_it_has(
    collections: QdrantCollections,
) -> None:
    names = await fill(Generations(collections, HashedWords(64)))
    later = Generations(collections, HashedWords(32))
    assert later.wanted != (await later.state(SPACE)).serving.shape  # type: ignore[union-attr]
    assert not await later.meaning(SPACE, ["bail"])
    text, *_ = await ranked(later, QUESTIONS[0])
    assert names[text[0]] == "bail"


async def test_an_older_embedder_is_made_again_by_its_recipe(
    collections: QdrantCollections,
) -> None:
    await fill(Generations(collections, HashedWords(64), recipe={"size": 64}))
    later = Generations(
        collections, HashedWords(32), recall=lambda recipe: HashedWords(recipe["size"])
    )
    meaning = await later.meaning(SPACE, ["bail"])
    assert meaning.embedder == "words-64"
    assert len(await ranked(later, QUESTIONS[0])) == len(FIELDS) + 1


async def test_edge_has_everything_again_when_it_is_opened_again(tmp_path: Path) -> None:
    index = await EdgeIndex.open(tmp_path, HashedWords())
    names = await fill(index)
    unfinished = await index.new_shelf(SPACE)
    before = await ranked(index, QUESTIONS[0])
    await index.close()
    index = await EdgeIndex.open(tmp_path, HashedWords())
    assert await index.count(SPACE) == len(names)
    assert await ranked(index, QUESTIONS[0]) == before
    assert (await index.state(SPACE)).building == [unfinished.generation]
    await index.close()


async def test_a_qdrant_folder_has_everything_again_when_it_is_opened_again(
    tmp_path: Path,
) -> None:
    index = QdrantIndex(AsyncQdrantClient(path=str(tmp_path)), HashedWords())
    names = await fill(index)
    await index.serve(await index.new_shelf(SPACE))
    await fill(index)
    await index.close()
    index = QdrantIndex(AsyncQdrantClient(path=str(tmp_path)), HashedWords())
    assert await index.count(SPACE) == len(names)
    state = await index.state(SPACE)
    assert [g.label for g in state.all] == [f"{n}-{index.wanted.digest}" for n in (1, 2)]
    assert state.role(state.all[1]) == "serving"
    await index.close()


async def test_a_folder_in_use_is_refused_with_what_to_do(tmp_path: Path) -> None:
    index = await EdgeIndex.open(tmp_path)
    with pytest.raises(IndexInUse, match="another process owns this index: stop it"):
        await EdgeIndex.open(tmp_path)
    await index.close()
