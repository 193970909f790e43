"""Originals of documents, and beside them what was read from those that are dear to read.

So neither a restart nor a new index converts them again, nor pays twice for pages that a model
read. Content that an older reader made is made anew from the original.
"""

import hashlib
from dataclasses import dataclass

from pydantic import TypeAdapter

from palabre.chassis.blobs import Objects
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader
from palabre.retriever.documents import Document
from palabre.retriever.documents.formats import check_size, complete, is_isolated
from palabre.retriever.documents.isolation import InProcess, Reading

# To be raised when a reader has become better.
READERS = 1


@dataclass(frozen=True, slots=True)
class Original:
    """The bytes as they came; `content` is empty for what is read as fast as it is stored."""

    data: bytes
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class _Kept:
    readers: int = 0
    front_matter: str = ""
    document: Document | None = None


_KEPT = TypeAdapter(_Kept)


class Contents:
    """By space, document and version."""

    def __init__(self, objects: Objects, reading: Reading | None = None) -> None:
        self._objects, self._reading = objects, reading or InProcess()

    async def read(
        self, header: DocumentHeader, data: bytes, max_bytes: int
    ) -> tuple[Document, Original]:
        """Raises InvalidDocument and Unavailable."""
        name, front_matter = header.document, header.front_matter
        check_size(name, data, max_bytes)
        read = await self._reading.read(name, data, header.media_type, front_matter)
        document = complete(name, read)
        if not front_matter and not is_isolated(name, data, header.media_type):
            return document, Original(data)
        return document, Original(data, _KEPT.dump_json(_Kept(READERS, front_matter, document)))

    async def put(self, space: str, entry: DocumentEntry, original: Original) -> None:
        await self._objects.put(_original(space, entry.document, entry.version), original.data)
        if original.content:
            key = _content_key(space, entry.document, entry.version)
            await self._objects.put(key, original.content)

    async def get(self, space: str, entry: DocumentEntry) -> Original:
        """Raises KeyError."""
        data = await self._objects.get(_original(space, entry.document, entry.version))
        try:
            key = _content_key(space, entry.document, entry.version)
            return Original(data, await self._objects.get(key))
        except KeyError:
            return Original(data)

    async def document(self, space: str, entry: DocumentEntry) -> Document:
        """Raises KeyError, and what reading raises when its content has to be made again."""
        original = await self.get(space, entry)
        kept = _KEPT.validate_json(original.content) if original.content else _Kept()
        if kept.document and kept.readers == READERS:
            return kept.document
        header = DocumentHeader(
            document=entry.document, media_type=entry.media_type, front_matter=kept.front_matter
        )
        document, again = await self.read(header, original.data, len(original.data))
        if again.content:
            await self.put(space, entry, again)
        return document

    async def delete(self, space: str, document: str, version: str) -> None:
        await self._objects.delete(_original(space, document, version))
        await self._objects.delete(_content_key(space, document, version))


def version_of(data: bytes, front_matter: str) -> str:
    """The same bytes with other words of their owner are another version."""
    said = hashlib.sha256(data)
    if front_matter:
        said.update(b"\0" + front_matter.encode())
    return said.hexdigest()


def _original(space: str, document: str, version: str) -> str:
    """Each document has its own copy, so that deleting one asks nothing of the others."""
    return f"{space}/{version}/{document}"


def _content_key(space: str, document: str, version: str) -> str:
    return f"{space}/{version}.json/{document}"
