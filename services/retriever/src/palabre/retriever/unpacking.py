"""An archive goes in: each document in it by itself, and what is no longer in it goes."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import BinaryIO

from palabre.contracts.v1.retriever_pb2 import DocumentFailure, DocumentHeader, IngestResponse
from palabre.retriever.access import EVERY, Tiers, written_by
from palabre.retriever.counting import counted
from palabre.retriever.documents.archives import Archive, ArchiveLimits
from palabre.retriever.errors import InvalidDocument, UnknownDocument
from palabre.retriever.headers import check_name
from palabre.retriever.knowledge import Knowledge


async def ingest_archive(
    knowledge: Knowledge,
    header: DocumentHeader,
    file: BinaryIO,
    language: str,
    limits: ArchiveLimits,
    turns: asyncio.Semaphore,
) -> AsyncGenerator[IngestResponse]:
    """Steps, and `done` or `failed` for each document, each of which waits for its turn.

    Raises InvalidDocument, before anything is changed, when the archive cannot be opened, and
    Unavailable: then the documents that are done stay, and sending it again goes on from there.
    """
    archive = await asyncio.to_thread(Archive, header.document, file, limits)
    for document in archive.documents:
        steps = _one(knowledge, header, archive, document, language)
        async with turns, contextlib.aclosing(steps):
            async for progress in steps:
                yield progress
    await _forget(knowledge, header, set(archive.documents))


async def delete_archive(
    knowledge: Knowledge, space: str, archive: str, tiers: Tiers = EVERY
) -> int:
    """All of these tiers that came from it; how many passages went. Raises UnknownDocument."""
    found = [name async for name in _members(knowledge, space, archive, tiers)]
    if not found:
        raise UnknownDocument(archive)
    return sum([await knowledge.delete(space, name, tiers) for name in found])


async def _one(
    knowledge: Knowledge, header: DocumentHeader, archive: Archive, document: str, language: str
) -> AsyncGenerator[IngestResponse]:
    try:
        check_name(document)
        data, front_matter = await asyncio.to_thread(archive.read, document)
        sent = DocumentHeader(
            space=header.space,
            document=document,
            language=header.language,
            tier=header.tier,
            url=header.url,
            front_matter=front_matter or header.front_matter,
            groups=header.groups,
            bound=header.bound,
        )
        steps = counted(knowledge.ingest(sent, data, language))
        async with contextlib.aclosing(steps):
            async for progress in steps:
                yield progress
    except InvalidDocument as error:
        failure = DocumentFailure(document=document, reason=error.reason, remedy=error.remedy)
        yield IngestResponse(failed=failure)


async def _forget(knowledge: Knowledge, header: DocumentHeader, kept: set[str]) -> None:
    """A document that is in the archive and could not be read keeps its earlier version."""
    tiers = written_by(header.groups, header.bound)
    async for name in _members(knowledge, header.space, header.document, tiers):
        if name not in kept:
            with contextlib.suppress(UnknownDocument):
                await knowledge.delete(header.space, name, tiers)


async def _members(
    knowledge: Knowledge, space: str, archive: str, tiers: Tiers
) -> AsyncIterator[str]:
    for entry in await knowledge.documents(space):
        if entry.document.startswith(f"{archive}/") and entry.tier in tiers:
            yield entry.document
