"""What a client sends, up to a limit: small files in memory, larger ones on disk."""

import tempfile
from collections.abc import AsyncIterator
from typing import BinaryIO, cast

from palabre.contracts.v1.retriever_pb2 import DocumentHeader, IngestRequest
from palabre.retriever.documents.archives import ArchiveLimits, is_archive
from palabre.retriever.errors import InvalidDocument
from palabre.retriever.headers import check_name

_IN_MEMORY = 32 << 20


async def receive(
    header: DocumentHeader,
    requests: AsyncIterator[IngestRequest],
    max_document_bytes: int,
    archives: ArchiveLimits,
) -> BinaryIO:
    """All bytes that follow a header, in a file that stands at its beginning.

    Raises InvalidDocument.

    Also what is refused is received to its end: a client that is still sending when the call ends
    is told INTERNAL instead of the reason.
    """
    limit, size = archives.packed if is_archive(header.document) else max_document_bytes, 0
    file = cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - the caller's
    async for request in requests:
        size += len(request.data)
        if size <= limit:
            file.write(request.data)
    try:
        check_name(header.document)
        if size > limit:
            raise InvalidDocument(
                header.document,
                f"is larger than {limit >> 20} MiB",
                "split it into several documents",
            )
    except InvalidDocument:
        file.close()
        raise
    file.seek(0)
    return file
