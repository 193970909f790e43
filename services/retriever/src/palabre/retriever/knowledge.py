"""The documents of all spaces: taken in, listed, deleted, and put right after a crash.

A new version is written beside the old one, hidden; the catalogue's entry decides; then the index
shows the new passages and forgets the old ones in one step. Whatever ends the process in between,
`recover` makes the index say again what the catalogue says, from the originals.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from weakref import WeakValueDictionary

import structlog

from palabre.chassis.blobs import Objects
from palabre.chassis.errors import Unavailable
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader, IngestResponse
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever import documents
from palabre.retriever.catalogue import Catalogue, Change
from palabre.retriever.errors import UnknownDocument
from palabre.retriever.headers import described
from palabre.retriever.index import Index
from palabre.retriever.passages import Indexed, cut

log = structlog.get_logger()

# Passages between two words about progress.
STEP = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """With a shared index, a change that another replica began this recently may still go on."""

    max_document_bytes: int = 20 << 20
    change_s: float = 0.0


class Knowledge:
    """Changes of one document wait for each other; those of several run side by side."""

    def __init__(
        self,
        index: Index,
        catalogue: Catalogue,
        originals: Objects,
        now: Callable[[], datetime],
        limits: Limits = Limits(),
    ) -> None:
        self._index, self._catalogue, self._originals = index, catalogue, originals
        self._now, self._limits = now, limits
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    async def ingest(
        self, header: DocumentHeader, data: bytes, language: str
    ) -> AsyncGenerator[IngestResponse]:
        """Steps, then the entry. `language` is for documents that do not say theirs.

        Raises InvalidDocument before anything is changed, and Unavailable.
        """
        async with self._lock(header.space, header.document):
            entry, passages = await asyncio.to_thread(self._read, header, data, language)
            steps = self._replace(header.space, entry, passages, data)
            async with contextlib.aclosing(steps):
                async for step in steps:
                    yield step

    async def documents(self, space: str, only: Collection[str] = ()) -> list[DocumentEntry]:
        """Ordered by name; those of `only` that exist, or all."""
        return await self._catalogue.entries(space, only)

    async def entry(self, space: str, document: str) -> DocumentEntry:
        """Raises UnknownDocument."""
        if entry := await self._catalogue.entry(space, document):
            return entry
        raise UnknownDocument(document)

    async def passages(self, space: str, entry: DocumentEntry) -> list[Passage]:
        """In reading order, from the original. Raises Unavailable when that is gone."""
        try:
            return [indexed.passage for indexed in await self._passages(space, entry)]
        except KeyError as error:
            raise Unavailable("the original is missing: ingest the document again") from error

    async def delete(self, space: str, document: str) -> int:
        """How many passages went. Raises UnknownDocument."""
        async with self._lock(space, document):
            entry = await self.entry(space, document)
            async with self._change(space, document, entry.version):
                await self._catalogue.remove(space, document)
                ids = await self._index.ids(space, document)
                await self._index.switch(space, [], "", "", sorted(ids))
            return len(ids)

    async def recover(self) -> None:
        """Puts right what a crash left, and indexes anew what the index has lost."""
        for space in await self._catalogue.spaces():
            for change in await self._catalogue.begun(space):
                if change.begun + self._limits.change_s <= self._now().timestamp():
                    await self._settle(space, change)
                    log.info("settled a change that was broken off", space=space)
            entries = await self._catalogue.entries(space)
            indexed = await self._index.count(space)
            if not indexed or (indexed != sum(e.passages for e in entries) and self._alone):
                await self.rebuild(space, entries)

    async def rebuild(self, space: str, entries: Sequence[DocumentEntry]) -> None:
        """Makes the space's index from the originals. Documents whose original is gone are lost."""
        log.info("indexing anew from the originals", space=space, documents=len(entries))
        await self._index.drop(space)
        for entry in entries:
            await self._reconcile(space, entry.document)

    @property
    def _alone(self) -> bool:
        return not self._limits.change_s

    def _lock(self, space: str, document: str) -> asyncio.Lock:
        return self._locks.setdefault((space, document), asyncio.Lock())

    def _read(
        self, header: DocumentHeader, data: bytes, language: str
    ) -> tuple[DocumentEntry, list[Indexed]]:
        """Blocking: about 0.3 ms a passage."""
        limit = self._limits.max_document_bytes
        document = documents.read(
            header.document, data, header.media_type, limit, header.front_matter
        )
        entry = described(header, document, language)
        entry.version = hashlib.sha256(data).hexdigest()
        entry.size_bytes = len(data)
        entry.ingested_at.FromDatetime(self._now())
        passages = _cut(document, entry)
        entry.passages = len(passages)
        return entry, passages

    async def _replace(
        self, space: str, entry: DocumentEntry, passages: Sequence[Indexed], data: bytes
    ) -> AsyncGenerator[IngestResponse]:
        existing = await self._index.ids(space, entry.document)
        current = await self._catalogue.entry(space, entry.document)
        yield _step("read", 0, len(passages))
        if current and _same(current, entry) and {p.passage.id for p in passages} == existing:
            current.changed = 0
            yield IngestResponse(done=current)
            return
        new = [p for p in passages if p.passage.id not in existing]
        entry.changed = len(new)
        versions = (current.version, entry.version) if current else (entry.version,)
        async with self._change(space, entry.document, *versions):
            await self._originals.put(_original(space, entry.document, entry.version), data)
            yield _step("stored", 0, len(passages))
            for number, batch in enumerate(batched(new, STEP)):
                await self._index.add(space, batch)
                yield _step("embedded", number * STEP + len(batch), len(new))
            await self._catalogue.commit(space, entry)
            await self._switch(space, entry, passages, existing)
            yield _step("switched", len(passages), len(passages))
        yield IngestResponse(done=entry)

    @contextlib.asynccontextmanager
    async def _change(self, space: str, document: str, *versions: str) -> AsyncIterator[None]:
        """A change that is broken off is settled by what the catalogue says at that moment."""
        change = Change(document, versions, self._now().timestamp())
        await self._catalogue.begin(space, change)
        ended = False
        try:
            yield
            ended = True
        finally:
            settling = self._finish(space, change) if ended else self._settle(space, change)
            await asyncio.shield(settling)

    async def _settle(self, space: str, change: Change) -> None:
        await self._reconcile(space, change.document)
        await self._finish(space, change)

    async def _finish(self, space: str, change: Change) -> None:
        """Deletes the originals that are not current; then the change has ended."""
        entry = await self._catalogue.entry(space, change.document)
        for version in set(change.versions) - {entry.version if entry else ""}:
            await self._originals.delete(_original(space, change.document, version))
        await self._catalogue.end(space, change.document)

    async def _switch(
        self,
        space: str,
        entry: DocumentEntry,
        passages: Sequence[Indexed],
        existing: set[str],
    ) -> None:
        shown = [p.passage.id for p in passages]
        removed = sorted(existing - set(shown))
        await self._index.switch(space, shown, entry.tier, entry.version, removed)

    async def _reconcile(self, space: str, document: str) -> None:
        """Makes the index have what the catalogue has of a document."""
        entry = await self._catalogue.entry(space, document)
        existing = await self._index.ids(space, document)
        if not entry:
            await self._index.switch(space, [], "", "", sorted(existing))
            return
        try:
            passages = await self._passages(space, entry)
        except KeyError:
            log.error("original is missing: ingest the document again", space=space)
            return
        await self._index.add(space, [p for p in passages if p.passage.id not in existing])
        await self._switch(space, entry, passages, existing)

    async def _passages(self, space: str, entry: DocumentEntry) -> list[Indexed]:
        data = await self._originals.get(_original(space, entry.document, entry.version))
        return await asyncio.to_thread(self._cut_original, entry, data)

    def _cut_original(self, entry: DocumentEntry, data: bytes) -> list[Indexed]:
        return _cut(documents.read(entry.document, data, entry.media_type, len(data)), entry)


def _cut(document: documents.Document, entry: DocumentEntry) -> list[Indexed]:
    common = Passage(
        document=entry.document,
        title=entry.title,
        url=entry.url,
        version=entry.version,
        language=entry.language,
        tier=entry.tier,
    )
    return cut(document.sections, common, document.keywords)


def _same(current: DocumentEntry, entry: DocumentEntry) -> bool:
    """Nothing has changed but the clock."""
    again = DocumentEntry()
    again.CopyFrom(entry)
    again.ingested_at.CopyFrom(current.ingested_at)
    again.changed = current.changed
    return again == current


def _original(space: str, document: str, version: str) -> str:
    """Each document has its own copy, so that deleting one asks nothing of the others."""
    return f"{space}/{version}/{document}"


def _step(name: str, passages: int = 0, total: int = 0) -> IngestResponse:
    response = IngestResponse()
    response.step.name = name
    response.step.passages = passages
    response.step.passages_total = total
    return response
