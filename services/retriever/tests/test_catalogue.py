import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from palabre.chassis.errors import Unavailable
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1.retriever_pb2 import DocumentEntry
from palabre.retriever import served
from palabre.retriever.catalogue import Bucket, Catalogue, Change, Copy, MemoryBucket, NatsBucket


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


async def test_a_long_list_is_given_in_parts_of_the_readable_ones(catalogue: Catalogue) -> None:
    for name in ("d.md", "b.md", "é.md", "a.md", "c.md"):
        tier = "restricted" if name == "b.md" else "public"
        await catalogue.amend("demo", DocumentEntry(document=name, tier=tier))

    async def part(after: str, *tiers: str) -> list[str]:
        return [e.document for e in await catalogue.listed("demo", tiers, after=after, limit=2)]

    assert await part("", "public") == ["a.md", "c.md"]
    assert await part("c.md", "public") == ["d.md", "é.md"]
    assert await part("bb.md", "public") == ["c.md", "d.md"]
    assert await part("a.md", "public", "restricted") == ["b.md", "c.md"]
    assert await part("é.md", "public") == []
    only = await catalogue.listed("demo", ["public"], ["b.md", "c.md", "d.md"], "c.md")
    assert [e.document for e in only] == ["d.md"]


async def test_what_others_change_is_seen_at_the_next_look(bucket: Bucket) -> None:
    ours, theirs = Catalogue(bucket), Catalogue(bucket)
    for name in ("a.md", "c.md"):
        await theirs.commit("demo", DocumentEntry(document=name, version="1"))
    assert [e.document for e in await ours.entries("demo")] == ["a.md", "c.md"]
    await theirs.commit("demo", DocumentEntry(document="b.md"))
    await theirs.commit("demo", DocumentEntry(document="c.md", version="2"))
    await theirs.remove("demo", "a.md")
    assert [(e.document, e.version) for e in await ours.entries("demo")] == [
        ("b.md", ""),
        ("c.md", "2"),
    ]
    await theirs.remove("demo", "b.md")
    await theirs.remove("demo", "c.md")
    assert await ours.spaces() == []


async def test_what_was_seen_is_not_asked_for_again(bucket: Bucket) -> None:
    copy, catalogue = Copy(bucket, "current"), Catalogue(bucket)
    for name in ("a.md", "b.md"):
        await catalogue.amend("demo", DocumentEntry(document=name))
    assert list((await copy.look())["demo"]) == ["a.md", "b.md"]
    [*_, seen] = await bucket.changed("current", 0)
    assert await bucket.changed("current", seen.revision) == []
    await catalogue.amend("demo", DocumentEntry(document="a.md", version="2"))
    assert [kept.revision for kept in await bucket.changed("current", seen.revision)] == [3]


async def test_looks_at_once_see_the_same(bucket: Bucket) -> None:
    copy, catalogue = Copy(bucket, "current"), Catalogue(bucket)
    for number in range(20):
        await catalogue.amend("demo", DocumentEntry(document=f"{number:02}.md"))
    looks = await asyncio.gather(*(copy.look() for _ in range(5)))
    assert [len(seen["demo"]) for seen in looks] == [20] * 5


async def test_more_entries_than_one_answer_of_nats_holds(catalogue: Catalogue) -> None:
    for number in range(700):
        await catalogue.commit("demo", DocumentEntry(document=f"{number:04}.md"))
    assert len(await catalogue.entries("demo")) == 700


async def test_when_a_version_was_current_is_told_as_long_as_it_is_known(
    catalogue: Catalogue,
) -> None:
    def version(name: str, second: int) -> DocumentEntry:
        return DocumentEntry(document="a.md", version=name, ingested_at=Timestamp(seconds=second))

    async def at(second: int) -> str:
        moment = dt.datetime.fromtimestamp(second, dt.UTC)
        try:
            found = served.version_at(await catalogue.record("demo", "a.md"), moment)
        except served.NotKnown as unknown:
            return unknown.reason
        return found.version if found else "later"

    for name, second in (("1", 10), ("2", 20), ("1", 30), ("1", 40), ("3", 50)):
        await catalogue.commit("demo", version(name, second))
    assert [await at(s) for s in (9, 10, 25, 35, 45, 99)] == ["later", "1", "2", "1", "1", "3"]
    for number in range(4, 9):
        await catalogue.commit("demo", version(str(number), number * 15))
    assert [await at(s) for s in (9, 10, 61, 99)] == ["later", "dropped", "4", "6"]
    for number in range(100, 200):
        await catalogue.commit("demo", version(str(number % 2), number * 10))
    assert [await at(s) for s in (9, 1_000, 1_985, 1_999)] == ["unknown", "unknown", "0", "1"]


async def test_a_deleted_document_is_remembered_until_it_comes_back(catalogue: Catalogue) -> None:
    begun = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    for name in ("b.md", "a.md", "c.md"):
        await catalogue.commit("demo", DocumentEntry(document=name, version="1"))
    for name in ("b.md", "a.md"):
        await catalogue.remove("demo", name)
    assert await catalogue.deleted("demo", begun) == ["a.md", "b.md"]
    assert await catalogue.deleted("demo", begun + dt.timedelta(hours=1)) == []
    assert await catalogue.deleted("other", begun) == []
    back = DocumentEntry(document="a.md", version="1")
    back.ingested_at.GetCurrentTime()
    await catalogue.commit("demo", back)
    assert await catalogue.deleted("demo", begun) == ["b.md"]
    record = await catalogue.record("demo", "a.md")
    with pytest.raises(served.NotKnown, match="unknown"):
        served.version_at(record, begun)


async def test_a_server_that_is_away_is_unavailable(server: NatsServer) -> None:
    bus = await server.bus("retriever")
    await server.kill()
    with pytest.raises(Unavailable):
        await NatsBucket(bus).put("current.demo.x", b"")
    await bus.close()
