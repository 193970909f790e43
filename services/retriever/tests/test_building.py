"""A space is indexed anew beside what serves: nobody notices, and nothing is lost."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import AsyncQdrantClient, models

from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.errors import Unavailable
from palabre.chassis.leases import MemoryLeases
from palabre.chassis.testing import collect
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader
from palabre.retriever.building import Builder, Progress
from palabre.retriever.catalogue import Catalogue, Change, MemoryBucket
from palabre.retriever.engines import Embedder
from palabre.retriever.engines.words import HashedWords
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.generation import Generation, Shape
from palabre.retriever.index.generations import Generations
from palabre.retriever.index.port import Collections
from palabre.retriever.index.qdrant import QdrantIndex
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.search import Question, Search

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

SPACE = "demo"
DOCUMENTS = {f"{n}.md": f"# Guide {n}\n\nLe loyer numéro {n} est dû le cinq.\n" for n in range(8)}


class Desk:
    """A process: what it has of its own over what all share."""

    def __init__(
        self,
        collections: Collections,
        bucket: MemoryBucket,
        originals: MemoryObjects,
        embedder: Embedder | None = None,
        leases: MemoryLeases | None = None,
    ) -> None:
        self.index = Generations(collections, embedder)
        self.catalogue = Catalogue(bucket)
        now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
        self.knowledge = Knowledge(
            self.index, self.catalogue, originals, lambda: now, leases=leases
        )
        self.builder = Builder(self.knowledge, self.index, self.catalogue, leases, grace_s=0.0)
        self.search = Search(self.index)

    async def ingest(self, document: str, text: str, **header: Any) -> DocumentEntry:
        sent = DocumentHeader(space=SPACE, document=document, **header)
        return (await collect(self.knowledge.ingest(sent, text.encode(), "fr")))[-1].done

    async def fill(self) -> None:
        for document, text in DOCUMENTS.items():
            await self.ingest(document, text)

    async def rebuild(self) -> Progress:
        return (await collect(self.builder.rebuild(SPACE)))[-1]

    async def texts(self, question: str = "loyer") -> set[str]:
        asked = Question(SPACE, [question], ("public",), ("fr",), 50, 0.0)
        return {passage.text for passage in (await self.search.find(asked)).passages}

    async def roles(self) -> list[str]:
        state = await self.index.state(SPACE)
        return [f"{g.number} {state.role(g)}" for g in state.all]


@pytest.fixture
def desk(collections: Collections, bucket: MemoryBucket, originals: MemoryObjects) -> Desk:
    return Desk(collections, bucket, originals)


class Down:
    """An embedder that answers so many calls, then none until it is mended."""

    name, size, longest = "down", 8, 0

    def __init__(self, calls: int) -> None:
        self.calls, self.texts = calls, 0

    async def passages(self, texts: Sequence[str]) -> list[list[float]]:
        if self.calls <= 0:
            raise Unavailable("the endpoint does not answer")
        self.calls -= 1
        self.texts += len(texts)
        return [[1.0, *[0.0] * 7] for _ in texts]

    async def questions(self, texts: Sequence[str]) -> list[list[float]]:
        return await self.passages(texts)

    def tokens(self, text: str) -> int:
        return len(text)

    async def close(self) -> None:
        pass


async def test_a_rebuild_tells_how_far_it_is_and_switches(desk: Desk) -> None:
    await desk.fill()
    before = await desk.texts()
    progress = await desk.rebuild()
    assert (progress.documents, progress.total, progress.lost) == (8, 8, [])
    assert progress.generation == f"2-{desk.index.wanted.digest}"
    assert await desk.roles() == ["1 retired", "2 serving"]
    assert await desk.texts() == before
    await desk.builder.look()
    await desk.builder.look()
    assert await desk.roles() == ["2 serving"]


async def test_searches_answer_as_before_while_it_is_built(desk: Desk) -> None:
    await desk.fill()
    before, building = await desk.texts(), asyncio.create_task(desk.rebuild())
    searches = 0
    while not building.done():
        assert await desk.texts() == before
        searches += 1
        await asyncio.sleep(0)
    await building
    assert searches > 2
    assert await desk.texts() == before


async def test_what_comes_and_goes_during_a_build_is_in_both(desk: Desk) -> None:
    await desk.fill()
    steps = desk.builder.rebuild(SPACE)
    await anext(steps)
    await desk.index.new_shelf(SPACE)  # as the build does first
    await desk.ingest("new.md", "# Neuf\n\nUn loyer tout neuf.")
    await desk.ingest("1.md", "# Guide 1\n\nLe loyer numéro un a changé.")
    await desk.knowledge.delete(SPACE, "2.md")
    before = await desk.texts()
    assert {"Un loyer tout neuf.", "Le loyer numéro un a changé."} <= before
    await collect(steps)
    assert await desk.texts() == before
    assert await desk.index.count(SPACE) == len(before) == 8


async def test_a_change_that_began_before_the_build_is_waited_for(desk: Desk) -> None:
    await desk.fill()
    await desk.catalogue.begin(SPACE, Change("1.md", (), 99))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        building = group.create_task(desk.rebuild())
        for _ in range(1_000):
            if "2 building" in await desk.roles():
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert not building.done()
        await desk.catalogue.end(SPACE, "1.md")
    assert await desk.roles() == ["1 retired", "2 serving"]


async def test_another_embedder_builds_a_generation_once_and_the_old_one_serves_meanwhile(
    collections: Collections, bucket: MemoryBucket, originals: MemoryObjects, desk: Desk
) -> None:
    await desk.fill()
    before = await desk.texts()
    later = Desk(collections, bucket, originals, HashedWords(32))
    later.builder.want(await later.knowledge.recover())
    assert await later.texts() == before
    await later.builder.look()
    assert await later.texts() == before
    await collect(later.builder.rebuild(SPACE))  # follows the one that goes on
    assert await later.roles() == ["1 retired", "2 serving"]
    meaning = await later.index.meaning(SPACE, ["loyer"])
    assert (meaning.embedder, len(meaning.vectors[0])) == ("words-32", 32)
    assert await later.texts() == before
    await later.builder.look()
    await later.builder.look()
    assert await later.roles() == ["2 serving"]


async def test_a_replica_with_other_settings_does_not_undo_what_was_switched_later(
    collections: Collections, bucket: MemoryBucket, originals: MemoryObjects, desk: Desk
) -> None:
    await desk.fill()
    desk.builder.want(await desk.knowledge.recover())
    later = Desk(collections, bucket, originals, HashedWords(32))
    await later.rebuild()
    before = await later.texts()
    await desk.builder.look()
    assert await desk.roles() == ["2 serving"]
    assert await desk.texts() == before


async def test_a_build_that_was_broken_off_goes_on_where_it_was(
    collections: Collections, bucket: MemoryBucket, originals: MemoryObjects, desk: Desk
) -> None:
    await desk.fill()
    before, down = await desk.texts(), Down(calls=5)
    dying = Desk(collections, bucket, originals, down)
    with pytest.raises(Unavailable):
        await dying.rebuild()
    assert await dying.roles() == ["1 serving", "2 building"]
    assert await dying.texts() == before
    mended = Down(calls=99)
    again = Desk(collections, bucket, originals, mended)
    await again.knowledge.recover()
    await again.builder.look()  # begins by itself
    await collect(again.builder.rebuild(SPACE))
    assert await again.roles() == ["1 retired", "2 serving"]
    assert down.texts + mended.texts == len(DOCUMENTS)
    assert await again.texts() == before


async def test_an_unfinished_build_of_another_shape_is_dropped(
    collections: Collections, bucket: MemoryBucket, originals: MemoryObjects, desk: Desk
) -> None:
    await desk.fill()
    with pytest.raises(Unavailable):
        await Desk(collections, bucket, originals, Down(calls=2)).rebuild()
    later = Desk(collections, bucket, originals, HashedWords(32))
    await later.rebuild()
    assert await later.roles() == ["1 retired", "2 serving"]
    assert await later.index.count(SPACE) == 8


async def test_only_one_replica_builds_and_another_sees_the_switch(
    collections: Collections, bucket: MemoryBucket, originals: MemoryObjects
) -> None:
    leases = MemoryLeases()
    one = Desk(collections, bucket, originals, HashedWords(16), leases)
    two = Desk(collections, bucket, originals, HashedWords(16), leases)
    await one.fill()
    await two.index.refresh()
    building = asyncio.create_task(one.rebuild())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="another replica is building this space"):
        await two.rebuild()
    await building
    await two.index.refresh()
    assert await two.texts() == await one.texts() != set()
    assert await two.roles() == ["1 retired", "2 serving"]


async def test_a_document_without_its_original_keeps_what_served_and_is_named(
    desk: Desk, originals: MemoryObjects
) -> None:
    await desk.fill()
    before = await desk.texts()
    entry = await desk.knowledge.entry(SPACE, "3.md")
    await originals.delete(f"{SPACE}/{entry.version}/3.md")
    assert (await desk.rebuild()).lost == ["3.md"]
    assert await desk.texts() == before


async def test_an_ingest_goes_on_when_only_the_new_embedder_is_away(
    collections: Collections, bucket: MemoryBucket, originals: MemoryObjects, desk: Desk
) -> None:
    await desk.fill()
    later = Desk(collections, bucket, originals, Down(calls=3))
    with pytest.raises(Unavailable):
        await later.rebuild()
    await later.ingest("new.md", "# Neuf\n\nUn loyer tout neuf.")
    assert "Un loyer tout neuf." in await later.texts()
    mended = Desk(collections, bucket, originals, Down(calls=99))
    await mended.rebuild()
    assert "Un loyer tout neuf." in await mended.texts()
    assert await mended.index.count(SPACE) == 9


async def test_an_ingest_is_refused_as_a_whole_when_the_embedder_is_away(
    collections: Collections, bucket: MemoryBucket, originals: MemoryObjects
) -> None:
    down = Down(calls=1)
    desk = Desk(collections, bucket, originals, down)
    await desk.ingest("a.md", "# A\n\nUn premier loyer.")
    long = "\n\n".join(f"## Partie {n}\n\nLe loyer {n}." for n in range(100))
    with pytest.raises(Unavailable):
        await desk.ingest("a.md", long)
    with pytest.raises(Unavailable):
        await desk.ingest("b.md", long)
    assert await desk.texts() == {"Un premier loyer."}
    assert await desk.index.count(SPACE) == 1
    assert await desk.catalogue.pending() == []
    assert len(originals._kept) == 1
    down.calls = 99
    await desk.ingest("b.md", long)
    assert await desk.index.count(SPACE) == 101


async def test_a_search_goes_on_by_words_while_the_embedder_is_away(
    collections: Collections, bucket: MemoryBucket, originals: MemoryObjects
) -> None:
    down = Down(calls=1)
    desk = Desk(collections, bucket, originals, down)
    await desk.ingest("a.md", "# A\n\nUn premier loyer.")
    assert not await desk.index.meaning(SPACE, ["loyer"])
    assert await desk.texts() == {"Un premier loyer."}
    down.calls = 1
    assert not await desk.index.meaning(SPACE, ["loyer"])  # left in peace for a while
    assert down.calls == 1


async def test_passages_that_are_cut_otherwise_are_counted_anew(desk: Desk) -> None:
    """As after a release that cuts in another way: the catalogue says so once they serve."""
    entry = await desk.ingest("a.md", "# A\n\nUn premier loyer.")
    entry.passages = 7
    await desk.catalogue.amend(SPACE, entry)
    await desk.rebuild()
    assert (await desk.knowledge.entry(SPACE, "a.md")).passages == 1
    assert await desk.knowledge.recover() == []


async def test_a_model_that_reads_less_has_passages_of_its_own(
    collections: Collections, bucket: MemoryBucket, originals: MemoryObjects
) -> None:
    earlier = Desk(collections, bucket, originals, HashedWords(16))
    await earlier.ingest("a.md", "# A\n\n" + "Un premier loyer est dû le cinq. " * 20)
    assert await earlier.index.count(SPACE) == 1
    later = Desk(collections, bucket, originals, HashedWords(16, longest=40))
    await later.index.refresh()
    assert later.index.outdated(SPACE)
    await later.rebuild()
    assert await later.roles() == ["1 retired", "2 serving"]
    passages = (await later.knowledge.entry(SPACE, "a.md")).passages
    assert await later.index.count(SPACE) == passages == 4
    assert max(len(text.split()) for text in await later.texts()) < 40


@pytest.mark.parametrize(
    ("shape", "digest"),
    [(Shape("1"), "397b4272"), (Shape("1", embedder="m", size=3), "7992a8c1")],
)
def test_indexes_that_were_built_before_keep_their_names(shape: Shape, digest: str) -> None:
    """Of shapes without what came later."""
    generation = Generation("demo", 1, shape)
    assert generation.name == f"demo.1-{digest}"
    assert "longest" not in generation.described()["shape"]
    assert Generation.of(generation.described()) == generation


async def test_what_the_catalogue_does_not_know_is_built_away(desk: Desk) -> None:
    """As after a backup of the catalogue was restored that is older than the index."""
    await desk.fill()
    await desk.catalogue.remove(SPACE, "2.md")
    assert len(await desk.texts()) == 8
    stray = await desk.knowledge.recover()
    assert stray == [SPACE]
    desk.builder.want(stray)
    await desk.builder.look()
    await collect(desk.builder.rebuild(SPACE))
    assert len(await desk.texts()) == 7


async def test_an_index_from_before_generations_is_taken_over_and_then_built_anew(
    tmp_path: Path, bucket: MemoryBucket, originals: MemoryObjects
) -> None:
    earlier = await EdgeIndex.open(tmp_path / "made")
    desk = Desk(earlier._collections, bucket, originals)
    await desk.fill()
    before = await desk.texts()
    await earlier.close()
    (tmp_path / "index" / "1").mkdir(parents=True)
    [shard] = (path for path in (tmp_path / "made").iterdir() if path.is_dir())
    shard.rename(tmp_path / "index" / "1" / SPACE)
    (tmp_path / "index" / "1" / "lock").touch()

    index = await EdgeIndex.open(tmp_path / "index", HashedWords(32))
    later = Desk(index._collections, bucket, originals, HashedWords(32))
    later.builder.want(await later.knowledge.recover())
    assert await later.roles() == ["0 serving"]
    assert await later.texts() == before
    await later.builder.look()
    await collect(later.builder.rebuild(SPACE))
    assert await later.roles() == ["0 retired", "1 serving"]
    assert await later.texts() == before
    await index.close()


async def test_a_collection_without_an_alias_is_taken_over(
    bucket: MemoryBucket, originals: MemoryObjects
) -> None:
    client = AsyncQdrantClient(":memory:")
    sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
    fields = dict.fromkeys(("text", "title", "letters"), sparse)
    await client.create_collection(f"palabre-1-{SPACE}", sparse_vectors_config=fields)
    desk = Desk(QdrantIndex(client)._collections, bucket, originals)
    await desk.fill()
    before = await desk.texts()
    assert await desk.roles() == ["0 serving"]
    await desk.rebuild()
    assert await desk.roles() == ["0 retired", "1 serving"]
    assert await desk.texts() == before
    await desk.index.close()
