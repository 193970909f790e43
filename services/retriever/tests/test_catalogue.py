from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis.errors import Unavailable
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1.retriever_pb2 import DocumentEntry
from palabre.retriever.catalogue import Bucket, Catalogue, Change, MemoryBucket, NatsBucket


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path) as server:
        yield server


@pytest.fixture
async def nats_bucket(server: NatsServer) -> AsyncIterator[NatsBucket]:
    bus = await server.bus("retriever")
    yield NatsBucket(bus)
    await bus.close()


@pytest.fixture(params=["memory", "nats"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    if request.param == "memory":
        return MemoryBucket()
    return request.getfixturevalue("nats_bucket")  # type: ignore[no-any-return]


@pytest.fixture
def catalogue(bucket: Bucket) -> Catalogue:
    return Catalogue(bucket)


async def test_an_entry_is_read_as_it_was_committed(catalogue: Catalogue) -> None:
    entry = DocumentEntry(document="rh/Été & co.md", version="1", passages=3)
    await catalogue.commit("demo", entry)
    assert await catalogue.entry("demo", "rh/Été & co.md") == entry
    assert await catalogue.entry("demo", "autre.md") is None
    assert await catalogue.entry("other", "rh/Été & co.md") is None


async def test_the_last_commit_counts(catalogue: Catalogue) -> None:
    for version in ("1", "2"):
        await catalogue.commit("demo", DocumentEntry(document="a.md", version=version))
    assert [e.version for e in await catalogue.entries("demo")] == ["2"]


async def test_entries_are_ordered_and_of_one_space(catalogue: Catalogue) -> None:
    for space, name in (("demo", "b.md"), ("demo", "a.md"), ("demo-2", "c.md")):
        await catalogue.commit(space, DocumentEntry(document=name))
    assert [e.document for e in await catalogue.entries("demo")] == ["a.md", "b.md"]
    assert await catalogue.spaces() == ["demo", "demo-2"]


async def test_of_some_names_the_entries_that_exist_are_given(catalogue: Catalogue) -> None:
    for name in ("c.md", "a.md", "b.md"):
        await catalogue.commit("demo", DocumentEntry(document=name))
    found = await catalogue.entries("demo", ["c.md", "a.md", "z.md"])
    assert [e.document for e in found] == ["a.md", "c.md"]


async def test_a_removed_entry_is_gone_and_may_be_removed_again(catalogue: Catalogue) -> None:
    await catalogue.commit("demo", DocumentEntry(document="a.md"))
    await catalogue.remove("demo", "a.md")
    await catalogue.remove("demo", "a.md")
    assert await catalogue.entry("demo", "a.md") is None
    assert await catalogue.entries("demo") == []


async def test_a_change_is_no_entry_and_stands_until_it_ends(catalogue: Catalogue) -> None:
    change = Change("a.md", ("1", "2"), 7)
    await catalogue.begin("demo", change)
    assert await catalogue.entries("demo") == []
    assert await catalogue.begun("demo", "a.md") == change
    assert await catalogue.pending() == [("demo", change)]
    assert await catalogue.spaces() == ["demo"]
    await catalogue.end("demo", "a.md")
    assert await catalogue.pending() == []


async def test_more_entries_than_one_answer_of_nats_holds(catalogue: Catalogue) -> None:
    for number in range(700):
        await catalogue.commit("demo", DocumentEntry(document=f"{number:04}.md"))
    assert len(await catalogue.entries("demo")) == 700


async def test_a_server_that_is_away_is_unavailable(server: NatsServer) -> None:
    bus = await server.bus("retriever")
    await server.kill()
    with pytest.raises(Unavailable):
        await NatsBucket(bus).put("current.demo.x", b"")
    await bus.close()
