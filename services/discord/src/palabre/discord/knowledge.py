"""The knowledge of a space, as this service uses it: solved posts go in and out, and are found."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import grpc

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import retriever_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Passage

if TYPE_CHECKING:  # this name is in the stubs' types only
    from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceAsyncStub

_PIECE = 64 << 10
_INGEST_S, _SEARCH_S = 60.0, 2.0
_QUERY_MOST = 2_000  # characters


@dataclass(frozen=True, slots=True)
class Document:
    """Markdown. `name` is its id in the space."""

    name: str
    title: str
    url: str
    tier: str
    language: str
    text: str


class NotTaken(Exception):
    """The retriever does not take a document; the message says why."""


class Knowledge(Protocol):
    """Everything raises Unavailable."""

    async def put(self, space: str, document: Document) -> None:
        """In the place of the one of this name. Raises NotTaken."""

    async def remove(self, space: str, name: str) -> None:
        """One that is not there is no error."""

    async def search(
        self, space: str, query: str, groups: Collection[str], folder: str, limit: int
    ) -> Sequence[Passage]:
        """Best first, below no floor: of documents below `folder` that these groups may read."""


class GrpcKnowledge:
    def __init__(self, retriever: "RetrieverServiceAsyncStub") -> None:
        self._retriever = retriever

    async def put(self, space: str, document: Document) -> None:
        header = pb.DocumentHeader(
            space=space,
            document=document.name,
            media_type="text/markdown",
            title=document.title,
            language=document.language,
            tier=document.tier,
            url=document.url,
        )
        try:
            pieces = _pieces(header, document.text.encode())
            async for _ in self._retriever.Ingest(pieces, timeout=_INGEST_S):
                pass
        except grpc.aio.AioRpcError as error:
            if error.code() in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}:
                raise NotTaken(error.details()) from error
            raise Unavailable(f"retriever: {error.code().name}") from error

    async def remove(self, space: str, name: str) -> None:
        request = pb.DeleteDocumentRequest(space=space, document=name)
        try:
            await self._retriever.DeleteDocument(request)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise Unavailable(f"retriever: {error.code().name}") from error

    async def search(
        self, space: str, query: str, groups: Collection[str], folder: str, limit: int
    ) -> Sequence[Passage]:
        request = pb.SearchRequest(
            space=space,
            queries=[query[:_QUERY_MOST]],
            groups=list(groups),
            limit=limit,
            without_floor=True,
            folder=folder,
        )
        try:
            return list((await self._retriever.Search(request, timeout=_SEARCH_S)).passages)
        except grpc.aio.AioRpcError as error:
            raise Unavailable(f"retriever: {error.code().name}") from error


async def _pieces(header: pb.DocumentHeader, data: bytes) -> AsyncIterator[pb.IngestRequest]:
    yield pb.IngestRequest(header=header)
    for start in range(0, len(data), _PIECE):
        yield pb.IngestRequest(data=data[start : start + _PIECE])
