"""RetrieverService over gRPC: for those who wait for an answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice

import grpc
from google.protobuf.message import Message

from palabre.chassis import rpc
from palabre.chassis.errors import Unavailable
from palabre.chassis.spaces import UnknownSpace
from palabre.contracts.v1 import retriever_pb2 as pb
from palabre.contracts.v1.retriever_pb2_grpc import (
    RetrieverServiceServicer,
    add_RetrieverServiceServicer_to_server,
)
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.access import tiers_of
from palabre.retriever.building import Builder
from palabre.retriever.errors import InvalidDocument, UnknownDocument, UnknownVersion
from palabre.retriever.handlers import Spaces
from palabre.retriever.headers import check_name
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.search import Question, Search

NAME = pb.DESCRIPTOR.services_by_name["RetrieverService"].full_name
MAX_LIMIT = 50
MAX_QUERY_CHARACTERS = 8_000
MAX_NAMES = 200
# Documents in hand at once: each is in memory as a whole.
MAX_INGESTING = 4

Context = grpc.aio.ServicerContext[Message, Message]


class Retriever(RetrieverServiceServicer):
    """Another tier's document is NOT_FOUND: nobody learns that it exists."""

    def __init__(
        self,
        search: Search,
        knowledge: Knowledge,
        spaces: Spaces,
        max_document_bytes: int,
        builder: Builder,
    ) -> None:
        self._search, self._knowledge, self._spaces = search, knowledge, spaces
        self._max_document_bytes, self._builder = max_document_bytes, builder
        self._ingesting = asyncio.Semaphore(MAX_INGESTING)

    def add_to(self, server: grpc.aio.Server) -> None:
        add_RetrieverServiceServicer_to_server(self, server)

    async def Search(self, request: pb.SearchRequest, context: Context) -> pb.SearchResponse:
        async with _translated(context):
            found = await self._search.find(self._question(request))
            return pb.SearchResponse(
                passages=found.passages, below_floor=found.below_floor, search_ms=found.search_ms
            )

    async def Ingest(
        self, request_iterator: AsyncIterator[pb.IngestRequest], context: Context
    ) -> AsyncIterator[pb.IngestResponse]:
        async with _translated(context), self._ingesting:
            header, data = await self._receive(request_iterator)
            language = self._spaces.get(header.space).languages[0]
            steps = self._knowledge.ingest(header, data, language)
            async with contextlib.aclosing(steps):
                async for progress in steps:
                    yield progress

    async def ListDocuments(
        self, request: pb.ListDocumentsRequest, context: Context
    ) -> pb.ListDocumentsResponse:
        async with _translated(context):
            self._spaces.get(request.space)
            if len(request.documents) > MAX_NAMES:
                raise ValueError(f"too many names: ask for at most {MAX_NAMES} documents at once")
            tiers = tiers_of(request.groups)
            entries = await self._knowledge.documents(request.space, request.documents)
            mine = (e for e in entries if e.tier in tiers and e.document > request.after)
            return pb.ListDocumentsResponse(documents=islice(mine, request.limit or None))

    async def GetDocument(
        self, request: pb.GetDocumentRequest, context: Context
    ) -> pb.GetDocumentResponse:
        async with _translated(context):
            self._spaces.get(request.space)
            entry = await self._knowledge.entry(request.space, request.document)
            if entry.tier not in tiers_of(request.groups):
                raise UnknownDocument(request.document)
            passages = await self._knowledge.passages(request.space, entry)
            wanted = _fitting(passages[request.skip :])
            return pb.GetDocumentResponse(entry=entry, passages=wanted)

    async def DeleteDocument(
        self, request: pb.DeleteDocumentRequest, context: Context
    ) -> pb.DeleteDocumentResponse:
        async with _translated(context):
            self._spaces.get(request.space)
            passages = await self._knowledge.delete(request.space, request.document)
            return pb.DeleteDocumentResponse(passages=passages)

    async def ListVersions(
        self, request: pb.ListVersionsRequest, context: Context
    ) -> pb.ListVersionsResponse:
        async with _translated(context):
            self._spaces.get(request.space)
            tiers = tiers_of(request.groups)
            versions = await self._knowledge.versions(request.space, request.document)
            if versions[0].tier not in tiers:
                raise UnknownDocument(request.document)
            return pb.ListVersionsResponse(versions=[v for v in versions if v.tier in tiers])

    async def Rollback(self, request: pb.RollbackRequest, context: Context) -> pb.RollbackResponse:
        async with _translated(context), self._ingesting:
            self._spaces.get(request.space)
            wanted = (request.space, request.document, request.version)
            return pb.RollbackResponse(entry=await self._knowledge.rollback(*wanted))

    async def Rebuild(
        self, request: pb.RebuildRequest, context: Context
    ) -> AsyncIterator[pb.RebuildResponse]:
        async with _translated(context):
            self._spaces.get(request.space)
            steps = self._builder.rebuild(request.space)
            async with contextlib.aclosing(steps):
                async for progress in steps:
                    yield pb.RebuildResponse(
                        documents=progress.documents,
                        documents_total=progress.total,
                        lost=progress.lost,
                        generation=progress.generation,
                    )

    async def ListGenerations(
        self, request: pb.ListGenerationsRequest, context: Context
    ) -> pb.ListGenerationsResponse:
        async with _translated(context):
            self._spaces.get(request.space)
            generations = await self._builder.generations(request.space)
            return pb.ListGenerationsResponse(generations=generations)

    def _question(self, request: pb.SearchRequest) -> Question:
        """Raises ValueError with a sentence that says what to do."""
        space = self._spaces.get(request.space)
        if not 1 <= request.limit <= MAX_LIMIT:
            raise ValueError(f"limit is {request.limit}: choose 1 to {MAX_LIMIT}")
        if not any(query.strip() for query in request.queries):
            raise ValueError("there is no query: say what to search for")
        if any(len(query) > MAX_QUERY_CHARACTERS for query in request.queries):
            raise ValueError(f"a query is too long: use at most {MAX_QUERY_CHARACTERS} characters")
        return Question(
            space=request.space,
            forms=request.queries,
            tiers=tiers_of(request.groups),
            languages=space.languages,
            limit=request.limit,
            floor=0.0 if request.without_floor else space.knowledge.floor,
        )

    async def _receive(
        self, requests: AsyncIterator[pb.IngestRequest]
    ) -> tuple[pb.DocumentHeader, bytes]:
        """The header and all bytes, of which not more are kept than may be. Raises InvalidDocument.

        Also what is refused is received to its end: a client that is still sending when the call
        ends is told INTERNAL instead of the reason.
        """
        header, data, size = pb.DocumentHeader(), bytearray(), 0
        async for request in requests:
            header = request.header if request.HasField("header") else header
            size += len(request.data)
            if size <= self._max_document_bytes:
                data += request.data
        check_name(header.document)
        if size > self._max_document_bytes:
            limit = f"{self._max_document_bytes >> 20} MiB"
            raise InvalidDocument(
                header.document, f"is larger than {limit}", "split it into several documents"
            )
        return header, bytes(data)


def _fitting(passages: Iterable[Passage]) -> Iterator[Passage]:
    """The first ones that one message holds; the entry says how many there are."""
    left = rpc.MAX_MESSAGE // 2
    for passage in passages:
        left -= passage.ByteSize()
        if left < 0:
            return
        yield passage


@contextlib.asynccontextmanager
async def _translated(context: Context) -> AsyncIterator[None]:
    """Errors as gRPC codes."""
    try:
        yield
    except (UnknownDocument, UnknownVersion, UnknownSpace) as error:
        await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
    except ValueError as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except Unavailable as error:
        await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
