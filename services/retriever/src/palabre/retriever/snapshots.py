"""The knowledge of a space as it was, for replays alone: an index beside the one that serves.

It stands under a name that no space can have, so no search of a person's meets it; only who was
told the name at the end of the build can ask for it. What is deleted, or restricted further, while
it stands is taken from it by the change itself. Its name says when it ends: a restart and other
replicas need no other record to drop what a command that died has left.
"""

import asyncio
import contextlib
import datetime as dt
import re
import secrets
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from dataclasses import dataclass, field

import structlog

from palabre.chassis.errors import Busy, Unavailable
from palabre.chassis.leases import Leases, MemoryLeases
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, ListVersionsResponse
from palabre.retriever import served
from palabre.retriever.access import narrower
from palabre.retriever.catalogue import Catalogue, of_version
from palabre.retriever.errors import InvalidDocument, NoRoom, UnknownDocument, UnknownSnapshot
from palabre.retriever.index.generation import name_of_snapshot, snapshot_of
from palabre.retriever.index.generations import Generations, Shelf
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.served import NotKnown
from palabre.retriever.writing import fill

log = structlog.get_logger()

# Longer than a long run of replays. What a command that died left is dropped then.
KEPT = dt.timedelta(hours=6)
# Of a space at a time: each costs what an index costs.
AT_ONCE = 4
# Between two looks at what has expired.
LOOK_S = 60.0
_NAME = re.compile(r"([0-9a-f]{1,9})-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Documents as they were `at` this time, or as they are; some in these versions instead."""

    at: dt.datetime | None = None
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Taken:
    """Of a build. `left_out`: why a document is missing that may have been there, by name; `later`
    those that were not there yet. `snapshot` is said once it is whole."""

    documents: int = 0
    total: int = 0
    passages: int = 0
    later: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    snapshot: str = ""
    expires_at: dt.datetime | None = None


class Snapshots:
    """One build of a space at a time, over all replicas that share `leases`."""

    def __init__(
        self,
        knowledge: Knowledge,
        index: Generations,
        catalogue: Catalogue,
        now: Callable[[], dt.datetime],
        leases: Leases | None = None,
        *,
        resting: bool = True,
    ) -> None:
        """`resting` leaves as much time to those who search as a build takes itself."""
        self._knowledge, self._index, self._catalogue = knowledge, index, catalogue
        self._now, self._leases, self._resting = now, leases or MemoryLeases(), resting

    async def take(self, space: str, wanted: Wanted) -> AsyncGenerator[Taken]:
        """Builds one and tells how far it is. Dropped when nobody listens to the end.

        Raises UnknownDocument and UnknownVersion for `versions` that are not kept, ValueError for
        a time to come, NoRoom, and Unavailable.
        """
        if wanted.at and wanted.at > self._now():
            raise ValueError(f"{wanted.at:%Y-%m-%d %H:%M} is to come: choose a time that has been")
        await self._demand_kept(space, wanted.versions)
        try:
            async with self._leases.hold(f"snapshot.{space}"):
                await self._demand_room(space)
                async with contextlib.aclosing(self._build(space, wanted)) as steps:
                    async for progress in steps:
                        yield progress
        except Busy:
            raise NoRoom("a snapshot of this space is being made already: wait for it") from None

    async def drop(self, space: str, name: str) -> None:
        """Nothing happens when there is none."""
        if (kept := snapshot_of(space, name)) in await self._index.snapshots(space):
            await self._index.drop(kept)

    async def searched(self, space: str, name: str) -> str:
        """Under which name the index has it. Raises UnknownSnapshot and Unavailable."""
        kept = snapshot_of(space, name)
        if _expiry(name) <= self._now() or not (await self._index.state(kept)).serving:
            raise UnknownSnapshot(name)
        return kept

    async def keep(self, stop: asyncio.Event) -> None:
        """Drops what has expired, until the end."""
        while not stop.is_set():
            try:
                await self.look()
            except Unavailable as error:
                log.warning("could not look after snapshots", reason=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)

    async def look(self) -> None:
        """Once."""
        for kept in await self._index.snapshots():
            if _expiry(name_of_snapshot(kept)) <= self._now():
                await self._index.drop(kept)
                log.info("dropped a snapshot that nobody dropped", snapshot=kept)

    async def _build(self, space: str, wanted: Wanted) -> AsyncGenerator[Taken]:
        expires_at = self._now() + KEPT
        name = f"{int(expires_at.timestamp()):x}-{secrets.token_hex(8)}"
        shelf = await self._index.new_shelf(snapshot_of(space, name))
        taken = Taken()
        try:
            async with contextlib.aclosing(self._filled(shelf, space, wanted, taken)) as steps:
                async for _ in steps:
                    yield taken
            taken.snapshot, taken.expires_at = name, expires_at
            yield taken
        finally:
            if not taken.snapshot:
                await asyncio.shield(self._index.drop(shelf.generation.space))

    async def _filled(
        self, shelf: Shelf, space: str, wanted: Wanted, taken: Taken
    ) -> AsyncGenerator[None]:
        entries = await self._catalogue.entries(space)
        taken.total = len(entries)
        yield
        for entry in entries:
            async with self._knowledge.turn(space, entry.document):
                try:
                    taken.passages += await self._put(shelf, space, entry.document, wanted, taken)
                except NotKnown as error:
                    taken.left_out[entry.document] = error.reason
            taken.documents += 1
            yield
        if wanted.at:
            gone = await self._catalogue.deleted(space, wanted.at)
            taken.left_out |= dict.fromkeys(gone, "deleted")

    async def _put(
        self, shelf: Shelf, space: str, document: str, wanted: Wanted, taken: Taken
    ) -> int:
        """How many passages it has then, in the document's turn. Raises NotKnown."""
        record = await self._catalogue.record(space, document)
        if not record.versions:
            return 0  # deleted while this was built
        entry = _chosen(record, wanted)
        if not entry:
            taken.later += 1
            return 0
        tier = narrower(entry.tier, record.versions[0].tier)
        if tier is None:
            raise NotKnown("restricted")
        entry.tier = tier
        try:
            passages = await self._knowledge.indexed(space, entry)
        except (KeyError, InvalidDocument):
            raise NotKnown("unreadable") from None
        weighting, resting = self._knowledge.weighting, self._resting
        await fill(shelf, weighting, entry, passages, set(), resting=resting)
        return len(passages)

    async def _demand_kept(self, space: str, versions: Mapping[str, str]) -> None:
        for document, version in versions.items():
            if not (kept := await self._catalogue.versions(space, document)):
                raise UnknownDocument(document)
            of_version(kept, version)

    async def _demand_room(self, space: str) -> None:
        found: Collection[str] = await self._index.snapshots(space)
        if len(found) >= AT_ONCE:
            until = min(_expiry(name_of_snapshot(kept)) for kept in found)
            raise NoRoom(
                f"{space} has {AT_ONCE} snapshots: drop one, or wait until {until:%H:%M} UTC"
            )


def _chosen(record: ListVersionsResponse, wanted: Wanted) -> DocumentEntry | None:
    """The version that is wanted; None: the document came later. Raises NotKnown."""
    current = record.versions[0]
    if version := wanted.versions.get(current.document):
        return of_version(record.versions, version)
    return served.version_at(record, wanted.at) if wanted.at else current


def _expiry(name: str) -> dt.datetime:
    """Long ago for a name that was not made here."""
    found = _NAME.fullmatch(name)
    return dt.datetime.fromtimestamp(int(found[1], 16) if found else 0, dt.UTC)
