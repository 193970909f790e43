"""Originals of documents, and beside them what was read from those that are dear to read.

So neither a restart nor a new index converts them again, nor pays twice for pages that a model
read. Content that an older reader made is made anew from the original.
"""

import hashlib
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from palabre.chassis.blobs import Objects
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader
from palabre.retriever.documents import Document
from palabre.retriever.documents.formats import check_size, complete, is_isolated
from palabre.retriever.documents.isolation import InProcess, Reading

# To be raised when a reader has become better.
READERS = 2


@dataclass(frozen=True, slots=True)
class Original:
    """The bytes as they came; `content` is empty for what is read as fast as it is stored."""

    data: bytes
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class _Content:
    readers: int = 0
    front_matter: str = ""
    document: Document | None = None


_CONTENT = TypeAdapter(_Content)


class Contents:
    """By space, document and version."""

    def __init__(self, objects: Objects, reading: Reading | None = None) -> None:
        self._objects, self._reading = objects, reading or InProcess()

    async def read(
        self, header: DocumentHeader, data: bytes, max_bytes: int, language: str = ""
    ) -> tuple[Document, Original]:
        """The same bytes are not read again. Raises InvalidDocument and Unavailable."""
        name, front_matter = header.document, header.front_matter
        check_size(name, data, max_bytes)
        dear = bool(front_matter) or is_isolated(name, data, header.media_type)
        if dear:
            kept = await self._kept(header.space, name, version_of(data, front_matter))
            # Pages that nobody could read may be read by now.
            if kept.document and kept.readers == READERS and not kept.document.unread:
                return kept.document, Original(data, _CONTENT.dump_json(kept))
        spoken = header.language or language
        read = await self._reading.read(name, data, header.media_type, front_matter, spoken)
        document = complete(name, read)
        content = _CONTENT.dump_json(_Content(READERS, front_matter, document)) if dear else b""
        return document, Original(data, content)

    async def put(self, space: str, entry: DocumentEntry, original: Original) -> None:
        await self._objects.put(_data_key(space, entry.document, entry.version), original.data)
        if original.content:
            key = _content_key(space, entry.document, entry.version)
            await self._objects.put(key, original.content)

    async def get(self, space: str, entry: DocumentEntry) -> Original:
        """Raises KeyError."""
        data = await self._objects.get(_data_key(space, entry.document, entry.version))
        kept = await self._kept(space, entry.document, entry.version)
        return Original(data, _CONTENT.dump_json(kept) if kept.document else b"")

    async def document(self, space: str, entry: DocumentEntry) -> Document:
        """Raises KeyError, and what reading raises when its content has to be made again."""
        kept = await self._kept(space, entry.document, entry.version)
        if kept.document and kept.readers == READERS:
            return kept.document
        data = await self._objects.get(_data_key(space, entry.document, entry.version))
        header = DocumentHeader(
            space=space,
            document=entry.document,
            media_type=entry.media_type,
            front_matter=kept.front_matter,
        )
        document, original = await self.read(header, data, len(data), entry.language)
        if original.content:
            await self.put(space, entry, original)
        return document

    async def delete(self, space: str, document: str, version: str) -> None:
        await self._objects.delete(_data_key(space, document, version))
        await self._objects.delete(_content_key(space, document, version))

    async def _kept(self, space: str, document: str, version: str) -> _Content:
        """Empty when there is none, or of a shape that is no longer known."""
        try:
            return _CONTENT.validate_json(
                await self._objects.get(_content_key(space, document, version))
            )
        except (KeyError, ValidationError):
            return _Content()


def version_of(data: bytes, front_matter: str) -> str:
    """The same bytes with other words of their owner are another version."""
    said = hashlib.sha256(data)
    if front_matter:
        said.update(b"\0" + front_matter.encode())
    return said.hexdigest()


def _data_key(space: str, document: str, version: str) -> str:
    """Each document has its own copy, so that deleting one asks nothing of the others."""
    return f"{space}/{version}/{document}"


def _content_key(space: str, document: str, version: str) -> str:
    return f"{space}/{version}.json/{document}"
