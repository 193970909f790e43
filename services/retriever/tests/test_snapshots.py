"""The knowledge as it was is there for replays, and for nobody and nothing else."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.leases import MemoryLeases
from palabre.chassis.testing import collect
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader
from palabre.retriever.building import Builder
from palabre.retriever.catalogue import Catalogue, Change, MemoryBucket
from palabre.retriever.engines.words import HashedWords
from palabre.retriever.errors import NoRoom, UnknownDocument, UnknownSnapshot, UnknownVersion
from palabre.retriever.index.generations import Generations
from palabre.retriever.index.port import Collections
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.search import Question, Search
from palabre.retriever.snapshots import AT_ONCE, KEPT, Snapshots, Taken, Wanted

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")

SPACE = "demo"
FIRST = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def on(day: int) -> dt.datetime:
    return FIRST + (day - 1) * DAY


class Clock:
    def __init__(self) -> None:
        self.now = FIRST

    def __call__(self) -> dt.datetime:
        return self.now


class Desk:
    """A process over an index, a bucket and originals that others may share."""

    def __init__(
        self,
        index: Generations,
        bucket: MemoryBucket,
        originals: MemoryObjects,
        clock: Clock,
        leases: MemoryLeases | None = None,
    ) -> None:
        self.clock, self.index, self.originals = clock, index, originals
        self.catalogue = Catalogue(bucket)
        self.knowledge = Knowledge(index, self.catalogue, originals, clock, leases=leases)
        self.snapshots = Snapshots(
            self.knowledge, index, self.catalogue, clock, leases, resting=False
        )

    async def ingest(
        self, text: str, document: str = "guide.md", day: int = 0, **header: Any
    ) -> DocumentEntry:
        self.clock.now = on(day) if day else self.clock.now
        sent = DocumentHeader(space=SPACE, document=document, **header)
        data = f"# Guide\n\n{text}\n".encode()
        return (await collect(self.knowledge.ingest(sent, data, "fr")))[-1].done

    async def take(self, day: int = 0, **versions: str) -> Taken:
        wanted = Wanted(on(day) if day else None, {f"{d}.md": v for d, v in versions.items()})
        return (await collect(self.snapshots.take(SPACE, wanted)))[-1]

    async def texts(self, snapshot: str = "", *tiers: str) -> set[str]:
        """What a search finds there; without a snapshot what people find."""
        where = await self.snapshots.searched(SPACE, snapshot) if snapshot else SPACE
        asked = Question(where, ["loyer"], {"public", *tiers}, ("fr",), 50, 0.0)
        return {passage.text for passage in (await Search(self.index).find(asked)).passages}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bucket(clock: Clock) -> MemoryBucket:
    return MemoryBucket(clock)


@pytest.fixture
def desk(
    collections: Collections, bucket: MemoryBucket, originals: MemoryObjects, clock: Clock
) -> Desk:
    return Desk(Generations(collections), bucket, originals, clock)


async def test_documents_are_found_as_they_were_and_people_find_them_as_they_are(
    desk: Desk,
) -> None:
    await desk.ingest("Le loyer est dû le cinq.", day=1)
    await desk.ingest("Le loyer est dû le six.", day=10)
    await desk.ingest("Le loyer du garage.", "garage.md", day=12)
    taken = await desk.take(5)
    assert (taken.documents, taken.total, taken.passages, taken.later) == (2, 2, 1, 1)
    assert taken.left_out == {}
    assert await desk.texts(taken.snapshot) == {"Le loyer est dû le cinq."}
    now = {"Le loyer est dû le six.", "Le loyer du garage."}
    assert await desk.texts() == now
    assert await desk.texts((await desk.take(12)).snapshot) == now


async def test_a_document_is_found_in_a_version_and_the_others_as_they_are(desk: Desk) -> None:
    old = await desk.ingest("Le loyer est dû le cinq.", day=1)
    await desk.ingest("Le loyer est dû le six.", day=10)
    await desk.ingest("Le loyer du garage.", "garage.md")
    taken = await desk.take(guide=old.version[:8])
    assert await desk.texts(taken.snapshot) == {"Le loyer est dû le cinq.", "Le loyer du garage."}
    with pytest.raises(UnknownVersion):
        await desk.take(guide="zzzz")
    with pytest.raises(UnknownDocument):
        await desk.take(bail="abcd")
    with pytest.raises(ValueError, match="is to come"):
        await desk.take(28)


async def test_a_rollback_and_another_tier_hide_nothing_of_what_was_then(desk: Desk) -> None:
    cinq = await desk.ingest("Le loyer est dû le cinq.", day=1)
    six = await desk.ingest("Le loyer est dû le six.", day=5)
    await desk.ingest("Le loyer est dû le sept.", day=7)
    desk.clock.now = on(10)
    await desk.knowledge.rollback(SPACE, "guide.md", six.version)
    desk.clock.now = on(12)
    await desk.knowledge.rollback(SPACE, "guide.md", cinq.version)
    await desk.ingest("Le loyer est dû le cinq.", day=14, title="Le guide")
    days = {2: "cinq", 6: "six", 8: "sept", 11: "six", 13: "cinq", 14: "cinq"}
    found = {day: await desk.texts((await desk.take(day)).snapshot) for day in list(days)[:4]}
    assert found == {day: {f"Le loyer est dû le {days[day]}."} for day in found}
    for kept in await desk.index.snapshots():
        await desk.index.drop(kept)
    for day in (13, 14):
        assert await desk.texts((await desk.take(day)).snapshot) == {"Le loyer est dû le cinq."}


async def test_what_cannot_be_had_is_named_with_its_reason(desk: Desk) -> None:
    for day in range(1, 8):
        await desk.ingest(f"Le loyer est dû le {day}.", day=day)
    await desk.ingest("Le loyer du garage.", "garage.md", day=1)
    await desk.ingest("Le loyer de la cave.", "cave.md", tier="compta")
    await desk.ingest("Le loyer du toit.", "toit.md")
    await desk.ingest("Le loyer du puits.", "puits.md")
    desk.clock.now = on(20)
    await desk.ingest("Le loyer de la cave est dû.", "cave.md", tier="rh")
    for name in ("garage.md", "puits.md"):
        await desk.knowledge.delete(SPACE, name)
    await desk.ingest("Le loyer du puits, encore.", "puits.md", day=21)
    entry = await desk.knowledge.entry(SPACE, "toit.md")
    await desk.originals.delete(f"{SPACE}/{entry.version}/toit.md")
    taken = await desk.take(2)
    assert taken.left_out == {
        "guide.md": "dropped",
        "garage.md": "deleted",
        "cave.md": "restricted",
        "toit.md": "unreadable",
        "puits.md": "unknown",
    }
    assert await desk.texts(taken.snapshot, "rh", "compta") == set()


@pytest.mark.parametrize(
    ("then", "now", "readers"),
    [
        ("public", "restricted", {"restricted"}),
        ("restricted", "public", {"restricted"}),
        ("public", "rh", {"rh"}),
        ("rh", "rh", {"rh"}),
    ],
)
async def test_nobody_reads_what_they_might_not_read_both_then_and_now(
    desk: Desk, then: str, now: str, readers: set[str]
) -> None:
    await desk.ingest("Le loyer est dû le cinq.", day=1, tier=then)
    await desk.ingest("Le loyer est dû le six.", day=10, tier=now)
    taken = await desk.take(5)
    found = {t for t in ("x", "rh", "restricted") if await desk.texts(taken.snapshot, t)}
    assert found == readers


async def restrict(desk: Desk) -> None:
    await desk.ingest("Le loyer est dû le six.", tier="restricted")


async def delete(desk: Desk) -> None:
    await desk.knowledge.delete(SPACE, "guide.md")


@pytest.mark.parametrize("change", [restrict, delete])
async def test_what_is_deleted_or_restricted_meanwhile_goes_from_what_stands(
    desk: Desk, change: Callable[[Desk], Any]
) -> None:
    await desk.ingest("Le loyer est dû le cinq.", day=1)
    await desk.ingest("Le loyer est dû le six.", day=10)
    await desk.ingest("Le loyer du garage.", "garage.md")
    taken = await desk.take(10)
    await desk.ingest("Le loyer est dû le sept.")
    assert "Le loyer est dû le six." in await desk.texts(taken.snapshot)
    await change(desk)
    assert await desk.texts(taken.snapshot, "restricted") == {"Le loyer du garage."}


async def test_a_change_that_died_is_settled_in_snapshots_too(
    desk: Desk, bucket: MemoryBucket
) -> None:
    await desk.ingest("Le loyer est dû le cinq.", day=1)
    taken = await desk.take(1)
    entry = await desk.knowledge.entry(SPACE, "guide.md")
    await desk.catalogue.begin(SPACE, Change("guide.md", (entry.version,), 1))
    await desk.catalogue.remove(SPACE, "guide.md")
    again = Desk(desk.index, bucket, desk.originals, desk.clock)
    await again.knowledge.settle()
    assert await again.texts(taken.snapshot) == set()


async def test_a_build_that_nobody_listens_to_any_more_leaves_nothing(desk: Desk) -> None:
    for n in range(3):
        await desk.ingest(f"Le loyer {n}.", f"{n}.md", day=1)
    steps = desk.snapshots.take(SPACE, Wanted())
    async with contextlib.aclosing(steps):
        async for _ in steps:
            break
    assert await desk.index.snapshots() == []
    assert await desk.texts() == {f"Le loyer {n}." for n in range(3)}


async def test_what_a_command_or_a_process_left_is_dropped_hours_later_by_any_replica(
    desk: Desk, bucket: MemoryBucket
) -> None:
    await desk.ingest("Le loyer est dû le cinq.", day=1)
    taken = await desk.take(1)
    other = Desk(desk.index, bucket, desk.originals, desk.clock)
    desk.clock.now += KEPT - dt.timedelta(minutes=1)
    await other.snapshots.look()
    assert await other.texts(taken.snapshot) == {"Le loyer est dû le cinq."}
    desk.clock.now += dt.timedelta(minutes=2)
    with pytest.raises(UnknownSnapshot, match="make a new one"):
        await other.texts(taken.snapshot)
    await other.snapshots.look()
    assert await desk.index.snapshots() == []
    assert await desk.texts() == {"Le loyer est dû le cinq."}


async def test_dropped_it_is_gone_and_may_be_dropped_again(desk: Desk) -> None:
    await desk.ingest("Le loyer est dû le cinq.", day=1)
    taken = await desk.take()
    for _ in range(2):
        await desk.snapshots.drop(SPACE, taken.snapshot)
        with pytest.raises(UnknownSnapshot):
            await desk.texts(taken.snapshot)
    assert await desk.texts() == {"Le loyer est dû le cinq."}


async def test_a_name_leads_to_the_snapshots_of_its_own_space_alone(desk: Desk) -> None:
    await desk.ingest("Le loyer est dû le cinq.", day=1)
    taken = await desk.take()
    for name in ("", "1", f"{taken.snapshot}.1", f"x~{taken.snapshot}"):
        with pytest.raises(UnknownSnapshot):
            await desk.snapshots.searched(SPACE, name)
    with pytest.raises(UnknownSnapshot):
        await desk.snapshots.searched("other", taken.snapshot)
    await desk.snapshots.drop("other", taken.snapshot)
    await desk.snapshots.drop(SPACE, "")
    assert await desk.texts(taken.snapshot)


async def test_replicas_make_one_at_a_time_and_a_space_has_a_few(
    desk: Desk, bucket: MemoryBucket
) -> None:
    leases = MemoryLeases()
    one, two = (Desk(desk.index, bucket, desk.originals, desk.clock, leases) for _ in range(2))
    await one.ingest("Le loyer est dû le cinq.", day=1)
    steps = one.snapshots.take(SPACE, Wanted())
    async with contextlib.aclosing(steps):
        await anext(steps)
        with pytest.raises(NoRoom, match="being made already"):
            await two.take()
    for _ in range(AT_ONCE):
        await two.take()
    with pytest.raises(NoRoom, match="drop one, or wait until 06:00 UTC"):
        await two.take()


async def test_neither_builds_nor_a_restart_take_it_for_a_space(
    desk: Desk, collections: Collections, bucket: MemoryBucket
) -> None:
    await desk.ingest("Le loyer est dû le cinq.", day=1)
    taken = await desk.take()
    again = Desk(Generations(collections, HashedWords()), bucket, desk.originals, desk.clock)
    assert await again.knowledge.recover() == []
    assert again.index.spaces == [SPACE]
    builder = Builder(again.knowledge, again.index, again.catalogue, grace_s=0.0)
    builder.want([])
    await asyncio.wait_for(_built(builder), 30)
    assert len(await again.index.snapshots()) == 1
    assert await again.texts(taken.snapshot) == {"Le loyer est dû le cinq."}
    assert await again.texts() == {"Le loyer est dû le cinq."}


async def _built(builder: Builder) -> None:
    async for _ in builder.rebuild(SPACE):
        pass
    await builder.look()
    await builder.close()
