"""Two replicas over one index and one real catalogue: neither undoes what the other does."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from qdrant_client import AsyncQdrantClient

from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.bus import Bus
from palabre.chassis.leases import NatsLeases
from palabre.chassis.testing import NatsServer, collect
from palabre.contracts.v1.retriever_pb2 import DocumentHeader
from palabre.retriever.building import Builder
from palabre.retriever.catalogue import Catalogue, NatsBucket
from palabre.retriever.index.qdrant import QdrantIndex
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.search import Question, Search

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

SPACE = "demo"


class Replica:
    """A process of its own, but for the store of originals."""

    def __init__(self, bus: Bus, client: AsyncQdrantClient, originals: MemoryObjects) -> None:
        leases = NatsLeases(bus)
        self.bus, self.index = bus, QdrantIndex(client)
        self.catalogue = Catalogue(NatsBucket(bus))
        now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
        self.knowledge = Knowledge(
            self.index, self.catalogue, originals, lambda: now, leases=leases
        )
        self.builder = Builder(self.knowledge, self.index, self.catalogue, leases, grace_s=0.0)

    def changing(self, text: str, document: str = "guide.md"):  # type: ignore[no-untyped-def]
        header = DocumentHeader(space=SPACE, document=document)
        return self.knowledge.ingest(header, text.encode(), "fr")

    async def ingest(self, text: str, document: str = "guide.md") -> None:
        await collect(self.changing(text, document))

    async def texts(self) -> set[str]:
        asked = Question(SPACE, ["loyer"], ("public",), ("fr",), 50, 0.0)
        return {p.text for p in (await Search(self.index).find(asked)).passages}


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[tuple[Replica, Replica]]:
    client, originals = AsyncQdrantClient(":memory:"), MemoryObjects()
    async with NatsServer(tmp_path) as server:
        buses = [await server.bus("retriever") for _ in range(2)]
        one, two = (Replica(bus, client, originals) for bus in buses)
        yield one, two
        await client.close()
        for bus in buses:
            await bus.close()


async def test_changes_of_one_document_exclude_each_other(
    replicas: tuple[Replica, Replica],
) -> None:
    one, two = replicas
    first = one.changing("# Guide\n\nLe loyer de l'un.")
    await anext(first)
    second = asyncio.create_task(two.ingest("# Guide\n\nLe loyer de l'autre."))
    await asyncio.sleep(0.3)
    assert not second.done()
    await collect(first)
    await second
    assert await one.texts() == await two.texts() == {"Le loyer de l'autre."}
    assert await one.index.count(SPACE) == 1


async def test_changes_at_the_same_time_leave_one_whole_version(
    replicas: tuple[Replica, Replica],
) -> None:
    versions = [[f"Le loyer {n} partie {part}." for part in range(20)] for n in range(6)]
    documents = ["\n\n".join(f"## Partie {i}\n\n{t}" for i, t in enumerate(v)) for v in versions]
    await asyncio.gather(
        *(replicas[n % 2].ingest(document) for n, document in enumerate(documents))
    )
    assert await replicas[0].index.count(SPACE) == 20
    [entry] = await replicas[1].catalogue.entries(SPACE)
    assert entry.passages == 20
    assert len(await replicas[1].knowledge.versions(SPACE, "guide.md")) == 5
    assert await replicas[1].catalogue.pending() == []


async def test_recovering_lets_another_replicas_change_be(
    replicas: tuple[Replica, Replica],
) -> None:
    one, two = replicas
    await one.ingest("# Guide\n\nUn vieux loyer.")
    going_on = one.changing("# Guide\n\nUn nouveau loyer.")
    async for progress in going_on:
        if progress.step.name == "embedded":
            break
    assert await two.knowledge.recover() == []
    assert await two.texts() == {"Un vieux loyer."}
    await collect(going_on)
    assert await two.texts() == {"Un nouveau loyer."}
    assert await two.index.count(SPACE) == 1


async def test_what_a_dead_replica_left_is_settled_by_another_once_its_lease_is_gone(
    replicas: tuple[Replica, Replica],
) -> None:
    one, two = replicas
    await one.ingest("# Guide\n\nUn vieux loyer.")
    dying = one.changing("# Guide\n\nUn nouveau loyer.")
    async for progress in dying:
        if progress.step.name == "embedded":
            break
    await two.builder.look()
    assert len(await two.catalogue.pending()) == 1
    # Its process is gone: nobody renews the lease, which the bucket forgets after a while.
    [lease] = await one.bus.raw("KV_leases", {"next_by_subj": "$KV.leases.>"})
    await two.bus.js.delete_msg("KV_leases", lease.sequence)
    await two.builder.look()
    assert await two.catalogue.pending() == []
    assert await two.texts() == {"Un vieux loyer."}
    assert await two.index.count(SPACE) == 1
    await dying.aclose()
    assert await two.texts() == {"Un vieux loyer."}


async def test_a_switch_on_one_replica_is_seen_by_the_other(
    replicas: tuple[Replica, Replica],
) -> None:
    one, two = replicas
    for number in range(5):
        await one.ingest(f"# Guide {number}\n\nLe loyer {number}.", f"{number}.md")
    before = await two.texts()
    building = asyncio.create_task(collect(one.builder.rebuild(SPACE)))
    while not building.done():
        assert await two.texts() == before
        await asyncio.sleep(0.001)
    for _ in range(2):
        await one.builder.look()
    # The other still thinks of what was dropped, and notices when it searches there.
    assert await two.texts() == before
    state = await two.index.state(SPACE)
    assert [g.number for g in state.all] == [2]
