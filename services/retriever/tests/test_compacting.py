"""A shard that is compacted says what it said before."""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.documents import Block, Section
from palabre.retriever.engines.words import HashedWords
from palabre.retriever.index import compacting
from palabre.retriever.index.compacting import compact, written
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.generations import Shelf
from palabre.retriever.index.ranking import Ranked
from palabre.retriever.passages import Indexed, cut
from palabre.retriever.vectors import of_question

SPACE = "demo"
WORDS = ("bail", "loyer", "préavis", "caution", "chauffage", "voisin", "échéancier", "gardien")
MANY = 400


def passages(document: str, numbers: Sequence[int]) -> list[Indexed]:
    common = Passage(document=document, title=document, tier="public", version="1", language="fr")
    sections = [
        Section((WORDS[n % 7],), (Block(f"Le {WORDS[n % 8]} numéro {n} et {WORDS[n % 3]}."),))
        for n in numbers
    ]
    return cut(sections, common, ())


def ids(indexed: Sequence[Indexed]) -> list[str]:
    return [each.passage.id for each in indexed]


async def filled(folder: Path) -> tuple[Path, list[Indexed]]:
    """The shard of an index that was closed, and what is in it."""
    index = await EdgeIndex.open(folder, HashedWords())
    [shelf] = await index.shelves(SPACE)
    indexed = passages("guide.md", range(MANY))
    await shelf.add(indexed)
    await shelf.switch(ids(indexed), "public", "1", [])
    await index.close()
    return folder / shelf.generation.name, indexed


async def found(index: EdgeIndex) -> list[list[Ranked]]:
    question = "le loyer numéro 12 et la caution"
    meaning = await index.meaning(SPACE, [question])
    words = [of_question(question, ("fr",))]
    return await index.rank(SPACE, words, ["public"], 2 * MANY, meaning)


async def shelf_of(index: EdgeIndex) -> Shelf:
    return (await index.shelves(SPACE))[0]


async def test_what_was_written_is_found_as_before(tmp_path: Path) -> None:
    shard, indexed = await filled(tmp_path)
    index = await EdgeIndex.open(tmp_path, HashedWords())
    before = await found(index)
    assert all(before)
    await index.close()
    assert written(shard) >= MANY
    await compact(shard, at_least=1)
    assert written(shard) == 0
    index = await EdgeIndex.open(tmp_path, HashedWords())
    assert await found(index) == before
    assert await index.ids(SPACE, "guide.md") == set(ids(indexed))
    fetched = await index.fetch(SPACE, ids(indexed)[:3])
    assert [fetched[each].passage.text for each in ids(indexed)[:3]] == [
        each.passage.text for each in indexed[:3]
    ]
    await index.close()


async def test_what_is_written_later_is_found_too_and_what_is_removed_is_gone(
    tmp_path: Path,
) -> None:
    shard, indexed = await filled(tmp_path)
    await compact(shard, at_least=1)
    index = await EdgeIndex.open(tmp_path, HashedWords())
    shelf, new = await shelf_of(index), passages("note.md", [12])
    await shelf.add(new)
    await shelf.switch(ids(new), "public", "1", [])
    assert ids(new)[0] in {ranked.id for ranking in await found(index) for ranked in ranking}
    kept = ids(indexed)[:100]
    await shelf.switch(kept, "restricted", "2", ids(indexed)[100:])
    assert {ranked.id for ranking in await found(index) for ranked in ranking} == set(ids(new))
    assert await index.ids(SPACE, "guide.md") == set(kept)
    await index.close()
    await compact(shard, at_least=1)
    index = await EdgeIndex.open(tmp_path, HashedWords())
    assert await index.count(SPACE) == len(kept) + len(new)
    await index.close()


async def test_a_compaction_that_is_killed_has_changed_nothing(tmp_path: Path) -> None:
    shard, indexed = await filled(tmp_path)
    for seconds in (0.2, 0.4, 0.5, 0.6, 0.7):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(compact(shard, at_least=1), seconds)
        index = await EdgeIndex.open(tmp_path, HashedWords())
        assert await index.ids(SPACE, "guide.md") == set(ids(indexed))
        assert all(await found(index))
        await index.close()


async def test_a_large_shard_is_compacted_when_it_is_opened_while_the_loop_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard, indexed = await filled(tmp_path)
    monkeypatch.setattr(compacting, "LOADED_AT_ONCE", 100)
    opening = asyncio.create_task(EdgeIndex.open(tmp_path, HashedWords()))
    turns = 0
    while not opening.done():
        await asyncio.sleep(0.01)
        turns += 1
    index = await opening
    assert turns > 10
    assert written(shard) == 0
    assert await index.count(SPACE) == len(indexed)
    await index.close()


async def test_a_shard_that_cannot_be_compacted_is_opened_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shard, indexed = await filled(tmp_path)
    monkeypatch.setattr(compacting, "LOADED_AT_ONCE", 1)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    index = await EdgeIndex.open(tmp_path, HashedWords())
    assert written(shard) >= MANY
    assert await index.count(SPACE) == len(indexed)
    await index.close()
