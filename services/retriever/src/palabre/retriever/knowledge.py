"""The documents of all spaces: taken in, listed, rolled back, deleted, put right after a crash.

A new version is written beside the old one, hidden; the catalogue's entry decides; then the index
shows the new passages and forgets the old ones in one step. Whatever ends the process in between,
`recover` makes the index say again what the catalogue says, from the originals. Earlier versions
keep their originals.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from weakref import WeakValueDictionary

import structlog

from palabre.chassis.blobs import Objects
from palabre.chassis.errors import Busy, Unavailable
from palabre.chassis.leases import Leases, MemoryLeases
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader, IngestResponse
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.access import EVERY, Tiers, demand_writable, tiers_of, written_by
from palabre.retriever.catalogue import Catalogue, Change, key_of, of_version
from palabre.retriever.contents import Contents, Original, version_of
from palabre.retriever.documents import Document
from palabre.retriever.documents.isolation import Reading
from palabre.retriever.duplicates import Duplicates
from palabre.retriever.errors import InvalidDocument, UnknownDocument
from palabre.retriever.headers import described
from palabre.retriever.index.generations import Generations, Shelf
from palabre.retriever.passages import TARGET, Indexed, cut
from palabre.retriever.weighting import Weighting
from palabre.retriever.writing import Written, fill, same, step, withdraw

log = structlog.get_logger()

# How long a change waits for another replica's of the same document, and between two looks.
_PATIENCE_S, _LOOK_S = 60.0, 0.2
# Documents that are put right at once at the start.
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """`passage_characters` is what a passage aims at; the index's shape has to say the same."""

    max_document_bytes: int = 20 << 20
    passage_characters: int = TARGET


class Knowledge:
    """Changes of one document wait for each other, also those of other replicas where `leases` are
    shared; those of several documents run side by side."""

    def __init__(
        self,
        index: Generations,
        catalogue: Catalogue,
        originals: Objects,
        now: Callable[[], datetime],
        limits: Limits = Limits(),
        leases: Leases | None = None,
        reading: Reading | None = None,
        weighting: Weighting | None = None,
    ) -> None:
        self._index, self._catalogue = index, catalogue
        self._contents = Contents(originals, reading)
        self.weighting = weighting or Weighting(cores=1)
        self.duplicates = Duplicates(index)
        self._now, self._limits, self._leases = now, limits, leases or MemoryLeases()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def ingest(
        self, header: DocumentHeader, data: bytes, language: str
    ) -> AsyncGenerator[IngestResponse]:
        """Steps, then the entry. `language` is for documents that do not say theirs.

        Raises InvalidDocument before anything is changed, and Unavailable.
        """
        async with self.turn(header.space, header.document) as attempt:
            limit = self._limits.max_document_bytes
            document, original = await self._contents.read(header, data, limit, language)
            entry = self._entry(header, original, document, language)
            current = await self._catalogue.entry(header.space, header.document)
            demand_writable(written_by(header.groups, header.bound), entry, current)
            passages = await asyncio.to_thread(self._cut, document, entry)
            entry.passages = len(passages)
            written = Written(entry.document, passages, self.weighting)
            steps = self._replace(header.space, entry, written, original, attempt)
            async with contextlib.aclosing(steps):
                async for progress in steps:
                    if progress.done.changed:
                        tiers, kept = tiers_of(header.groups), written.passages
                        same = await self.duplicates.remarks(header.space, tiers, entry, kept)
                        progress.done.remarks.extend(same)
                    yield progress

    async def documents(self, space: str, only: Collection[str] = ()) -> list[DocumentEntry]:
        """Ordered by name; those of `only` that exist, or all."""
        return await self._catalogue.entries(space, only)

    async def listed(
        self,
        space: str,
        tiers: Collection[str],
        only: Collection[str] = (),
        after: str = "",
        limit: int = 0,
    ) -> list[DocumentEntry]:
        """`documents` of these tiers that come after this one; `limit` 0: all of them."""
        return await self._catalogue.listed(space, tiers, only, after, limit)

    async def entry(self, space: str, document: str) -> DocumentEntry:
        """Raises UnknownDocument."""
        if entry := await self._catalogue.entry(space, document):
            return entry
        raise UnknownDocument(document)

    async def passages(self, space: str, entry: DocumentEntry) -> list[Passage]:
        """In reading order, from the original. Raises Unavailable when that is gone."""
        try:
            return [indexed.passage for indexed in await self.indexed(space, entry)]
        except KeyError as error:
            raise Unavailable("the original is missing: ingest the document again") from error

    async def indexed(self, space: str, entry: DocumentEntry) -> list[Indexed]:
        """From the original. Raises KeyError when that is gone, and what reading it raises."""
        document = await self._contents.document(space, entry)
        return await asyncio.to_thread(self._cut, document, entry)

    async def versions(
        self, space: str, document: str, tiers: Tiers = EVERY
    ) -> list[DocumentEntry]:
        """Newest first, of which the first one is current; those of these tiers.

        Raises UnknownDocument, also when the current one is of another tier.
        """
        versions = await self._catalogue.versions(space, document)
        if not versions or versions[0].tier not in tiers:
            raise UnknownDocument(document)
        return [version for version in versions if version.tier in tiers]

    async def rollback(
        self, space: str, document: str, version: str, tiers: Tiers = EVERY
    ) -> DocumentEntry:
        """Makes a version current that was kept, with the title and the tier that it had.

        The beginning of a version is enough. Raises UnknownDocument, UnknownVersion, Unavailable.
        """
        async with self.turn(space, document) as attempt:
            entry = of_version(await self.versions(space, document, tiers), version)
            original = await self._original_of(space, entry)
            passages = await self.indexed(space, entry)
            entry.ingested_at.FromDatetime(self._now())
            entry.passages = len(passages)
            written = Written(document, passages, self.weighting)
            steps = self._replace(space, entry, written, original, attempt)
            async with contextlib.aclosing(steps):
                async for progress in steps:
                    entry = progress.done if progress.HasField("done") else entry
            return entry

    async def delete(self, space: str, document: str, tiers: Tiers = EVERY) -> int:
        """With its earlier versions. How many passages went. Raises UnknownDocument."""
        async with self.turn(space, document) as attempt:
            await self.versions(space, document, tiers)
            versions = await self._catalogue.versions(space, document)
            ids = await self._index.ids(space, document)
            async with self._change(space, document, attempt, versions):
                shelves = await self._index.shelves(space)
                await self._catalogue.remove(space, document)
                for shelf in shelves:
                    await shelf.switch([], "", "", sorted(await shelf.ids(document)))
            return len(ids)

    async def recover(self) -> list[str]:
        """Puts right what a crash left, and indexes anew what the index has lost.

        Gives the spaces that could not be put right in place: they have to be built anew.
        """
        await self._index.refresh()
        await self.settle()
        return [s for s in await self._catalogue.spaces() if not await self._is_right(s)]

    async def settle(self) -> None:
        """Ends changes that were broken off; those that go on, here or elsewhere, are let be."""
        for space, change in await self._catalogue.pending():
            lock = self._lock(space, change.document)
            if lock.locked():
                continue
            try:
                async with lock, self._leases.hold(key_of("document", space, change.document)):
                    await self._settle(space, change)
                    log.info("settled a change that was broken off", space=space)
            except Busy:
                continue
            except Unavailable as error:
                log.warning("could not settle a change yet", space=space, reason=str(error))

    async def align(self, shelf: Shelf, document: str, *, resting: bool = True) -> bool:
        """Makes a generation have what the catalogue has of a document, in the document's turn.

        False when the original is gone: then it keeps what it has, or has what serves. `resting`
        leaves as much time to those who search as it takes itself.
        """
        space = shelf.generation.space
        entry = await self._catalogue.entry(space, document)
        existing = await shelf.ids(document)
        if not entry:
            await shelf.switch([], "", "", sorted(existing))
            return True
        try:
            passages, whole = await self.indexed(space, entry), True
        except (KeyError, InvalidDocument):
            log.error("original is missing or unreadable: ingest it again", space=space)
            passages, whole = await self._served(space, entry), False
        await fill(shelf, self.weighting, entry, passages, existing, resting=resting)
        if shelf.serves:
            await self.recount(shelf, document)
        return whole

    async def recount(self, shelf: Shelf, document: str) -> None:
        """Passages may be cut otherwise than when the document came; in the document's turn."""
        entry = await self._catalogue.entry(shelf.generation.space, document)
        passages = await shelf.whole(entry) if entry else 0
        if entry and passages not in (0, entry.passages):
            entry.passages = passages
            await self._catalogue.amend(shelf.generation.space, entry)

    @contextlib.asynccontextmanager
    async def turn(self, space: str, document: str) -> AsyncIterator[int]:
        """Nobody else changes this document meanwhile. Yields what only grows from turn to turn.

        Raises Unavailable when another replica goes on for too long.
        """
        async with self._lock(space, document), contextlib.AsyncExitStack() as stack:
            deadline = time.monotonic() + _PATIENCE_S
            while True:
                lease = self._leases.hold(key_of("document", space, document))
                try:
                    attempt = await stack.enter_async_context(lease)
                    break
                except Busy:
                    if time.monotonic() > deadline:
                        raise Unavailable("another replica is changing this document") from None
                    await asyncio.sleep(_LOOK_S)
            yield attempt

    def _lock(self, space: str, document: str) -> asyncio.Lock:
        return self._locks.setdefault((space, document), asyncio.Lock())

    def _entry(
        self, header: DocumentHeader, original: Original, document: Document, language: str
    ) -> DocumentEntry:
        """Raises InvalidDocument."""
        entry = described(header, document, language)
        entry.version = version_of(original.data, header.front_matter)
        entry.size_bytes = len(original.data)
        entry.ingested_at.FromDatetime(self._now())
        return entry

    async def _replace(
        self,
        space: str,
        entry: DocumentEntry,
        written: Written,
        original: Original,
        attempt: int,
    ) -> AsyncGenerator[IngestResponse]:
        passages = written.passages
        existing = await self._index.ids(space, entry.document)
        versions = await self._catalogue.versions(space, entry.document)
        yield step("read", 0, len(passages))
        if versions and same(versions[0], entry) and {p.passage.id for p in passages} == existing:
            versions[0].changed = 0
            yield IngestResponse(done=versions[0])
            return
        entry.changed = sum(p.passage.id not in existing for p in passages)
        async with self._change(space, entry.document, attempt, [*versions, entry]):
            shelves = await self._index.shelves(space)
            await self._contents.put(space, entry, original)
            yield step("stored", 0, len(passages))
            async with contextlib.aclosing(written.into(shelves)) as steps:
                async for progress in steps:
                    yield progress
            await self._catalogue.commit(space, entry)
            await written.show(entry)
            yield step("switched", len(passages), len(passages))
        yield IngestResponse(done=entry)

    @contextlib.asynccontextmanager
    async def _change(
        self, space: str, document: str, attempt: int, versions: Sequence[DocumentEntry]
    ) -> AsyncIterator[None]:
        """A change that is broken off is settled by what the catalogue says at that moment."""
        told = Change(document, tuple({entry.version for entry in versions}), attempt)
        change = await self._catalogue.begin(space, told)
        ended = False
        try:
            yield
            ended = True
        finally:
            settling = self._finish(space, change) if ended else self._settle(space, change)
            await asyncio.shield(settling)

    async def _settle(self, space: str, change: Change) -> None:
        """Not what has been taken over by another change meanwhile."""
        if await self._catalogue.begun(space, change.document) != change:
            return
        for shelf in await self._index.shelves(space):
            try:
                await self.align(shelf, change.document)
            except Unavailable:
                if shelf.serves:
                    raise
        await self._finish(space, change)

    async def _finish(self, space: str, change: Change) -> None:
        """Deletes what is not to be read any more; then the change has ended."""
        versions = await self._catalogue.versions(space, change.document)
        tier = versions[0].tier if versions else None
        await withdraw(self._index, space, change.document, tier)
        for version in set(change.versions) - {entry.version for entry in versions}:
            await self._contents.delete(space, change.document, version)
        await self._catalogue.end(space, change.document)

    async def _is_right(self, space: str) -> bool:
        """Now. False for a document that cannot be indexed, and for what the catalogue lacks."""
        entries = await self._catalogue.entries(space)
        indexed = await self._index.count(space)
        if indexed == sum(entry.passages for entry in entries):
            return True
        log.warning("index and catalogue differ", space=space, passages=indexed)
        changing = {c.document for of, c in await self._catalogue.pending() if of == space}
        try:
            known = await self._aligned(space, [e for e in entries if e.document not in changing])
        except Unavailable as error:
            log.warning("could not be put right in place", space=space, reason=str(error))
            return False
        if changing or entries != await self._catalogue.entries(space):
            return True  # other replicas are at work
        return await self._index.count(space) <= known

    async def _aligned(self, space: str, entries: Sequence[DocumentEntry]) -> int:
        """The passages that the index then has of these documents."""
        [serving, *_] = await self._index.shelves(space)
        passages = 0
        for batch in batched(entries, _AT_ONCE):
            passages += sum(await asyncio.gather(*(self._kept(serving, each) for each in batch)))
        return passages

    async def _kept(self, serving: Shelf, entry: DocumentEntry) -> int:
        """Passages of a document that is put right if need be; nobody searches yet."""
        if not await serving.whole(entry):
            async with self.turn(serving.generation.space, entry.document):
                await self.align(serving, entry.document, resting=False)
        return len(await serving.ids(entry.document))

    async def _served(self, space: str, entry: DocumentEntry) -> list[Indexed]:
        """The document's passages as searches find them."""
        ids = sorted(await self._index.ids(space, entry.document))
        found = (await self._index.fetch(space, ids)).values()
        return [indexed for indexed in found if indexed.passage.version == entry.version]

    async def _original_of(self, space: str, entry: DocumentEntry) -> Original:
        """Raises Unavailable when it is gone."""
        try:
            return await self._contents.get(space, entry)
        except KeyError as error:
            raise Unavailable("the original is missing: ingest the document again") from error

    def _cut(self, document: Document, entry: DocumentEntry) -> list[Indexed]:
        common = Passage(
            document=entry.document,
            title=entry.title,
            url=entry.url,
            version=entry.version,
            language=entry.language,
            tier=entry.tier,
        )
        target = self._limits.passage_characters
        return cut(document.sections, common, document.keywords, target, self._index.window)
