"""RetrieverService over gRPC: for those who wait for an answer."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from functools import partial
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
from palabre.retriever.access import tiers_of, written_by
from palabre.retriever.building import Builder
from palabre.retriever.counting import counted
from palabre.retriever.documents.archives import ArchiveLimits, is_archive
from palabre.retriever.duplicates import LISTED, Group
from palabre.retriever.errors import ChangedMeanwhile, NoRoom, UnknownDocument, UnknownVersion
from palabre.retriever.handlers import Spaces
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.paging import Pages
from palabre.retriever.receiving import receive
from palabre.retriever.search import Question, Search
from palabre.retriever.snapshots import Snapshots, Taken, Wanted
from palabre.retriever.unpacking import delete_archive, ingest_archive

NAME = pb.DESCRIPTOR.services_by_name["RetrieverService"].full_name
MAX_LIMIT = 50
MAX_QUERY_CHARACTERS = 8_000
MAX_NAMES = 200
MAX_GROUPS = 500
MAX_LEFT_OUT = 500
# Documents in hand at once, each in memory as a whole; and archives, in part.
MAX_INGESTING = 4
_ARCHIVES = ArchiveLimits()

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
        snapshots: Snapshots,
        archives: ArchiveLimits = _ARCHIVES,
    ) -> None:
        self._search, self._knowledge, self._spaces = search, knowledge, spaces
        self._max_document_bytes, self._builder = max_document_bytes, builder
        self._archives, self._pages = archives, Pages(knowledge)
        self._snapshots = snapshots
        self._ingesting = asyncio.Semaphore(MAX_INGESTING)
        # The documents of an archive take turns with others: nobody waits for the whole of it.
        self._unpacking = asyncio.Semaphore(MAX_INGESTING)

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
        async with _translated(context):
            requests = aiter(request_iterator)
            header = (await anext(requests, pb.IngestRequest())).header
            async with self._unpacking if is_archive(header.document) else self._ingesting:
                steps = self._taken_in(header, requests)
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
            tiers, only = tiers_of(request.groups), request.documents
            listed = self._knowledge.listed(
                request.space, tiers, only, request.after, request.limit
            )
            return pb.ListDocumentsResponse(documents=await listed)

    async def GetDocument(
        self, request: pb.GetDocumentRequest, context: Context
    ) -> pb.GetDocumentResponse:
        async with _translated(context):
            self._spaces.get(request.space)
            entry = await self._knowledge.entry(request.space, request.document)
            if entry.tier not in tiers_of(request.groups):
                raise UnknownDocument(request.document)
            if request.version not in ("", entry.version):
                raise ChangedMeanwhile(request.document)
            page = await self._pages.page(request.space, entry, request.skip)
            return pb.GetDocumentResponse(entry=entry, passages=page)

    async def DeleteDocument(
        self, request: pb.DeleteDocumentRequest, context: Context
    ) -> pb.DeleteDocumentResponse:
        async with _translated(context):
            self._spaces.get(request.space)
            whole = is_archive(request.document)
            delete = partial(delete_archive, self._knowledge) if whole else self._knowledge.delete
            tiers = written_by(request.groups, request.bound)
            passages = await delete(request.space, request.document, tiers)
            return pb.DeleteDocumentResponse(passages=passages)

    async def ListVersions(
        self, request: pb.ListVersionsRequest, context: Context
    ) -> pb.ListVersionsResponse:
        async with _translated(context):
            self._spaces.get(request.space)
            tiers = tiers_of(request.groups)
            versions = await self._knowledge.versions(request.space, request.document, tiers)
            return pb.ListVersionsResponse(versions=versions)

    async def Rollback(self, request: pb.RollbackRequest, context: Context) -> pb.RollbackResponse:
        async with _translated(context), self._ingesting:
            self._spaces.get(request.space)
            tiers = written_by(request.groups, request.bound)
            wanted = (request.space, request.document, request.version, tiers)
            return pb.RollbackResponse(entry=await self._knowledge.rollback(*wanted))

    async def ListDuplicates(
        self, request: pb.ListDuplicatesRequest, context: Context
    ) -> pb.ListDuplicatesResponse:
        async with _translated(context):
            self._spaces.get(request.space)
            threshold, limit = request.threshold or LISTED, request.limit or 100
            if not 0.5 <= threshold <= 1 or limit > MAX_GROUPS:
                raise ValueError(f"choose a threshold of 0.5 to 1 and at most {MAX_GROUPS} groups")
            tiers = tiers_of(request.groups)
            look = self._knowledge.duplicates.groups
            groups, total = await look(request.space, tiers, threshold, limit)
            return pb.ListDuplicatesResponse(groups=_grouped(groups), groups_total=total)

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

    async def Snapshot(
        self, request: pb.SnapshotRequest, context: Context
    ) -> AsyncIterator[pb.SnapshotResponse]:
        async with _translated(context):
            self._spaces.get(request.space)
            at = request.at.ToDatetime(dt.UTC) if request.HasField("at") else None
            steps = self._snapshots.take(request.space, Wanted(at, dict(request.versions)))
            async with contextlib.aclosing(steps):
                async for taken in steps:
                    yield _told(taken)

    async def DropSnapshot(
        self, request: pb.DropSnapshotRequest, context: Context
    ) -> pb.DropSnapshotResponse:
        async with _translated(context):
            await self._snapshots.drop(request.space, request.snapshot)
            return pb.DropSnapshotResponse()

    async def _taken_in(
        self, header: pb.DocumentHeader, requests: AsyncIterator[pb.IngestRequest]
    ) -> AsyncGenerator[pb.IngestResponse]:
        with await receive(header, requests, self._max_document_bytes, self._archives) as file:
            language = self._spaces.get(header.space).languages[0]
            if is_archive(header.document):
                limits, turns = self._archives, self._ingesting
                steps = ingest_archive(self._knowledge, header, file, language, limits, turns)
            else:
                steps = counted(self._knowledge.ingest(header, file.read(), language))
            async with contextlib.aclosing(steps):
                async for progress in steps:
                    yield progress

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
            folder=request.folder.strip("/"),
        )


def _told(taken: Taken) -> pb.SnapshotResponse:
    told = pb.SnapshotResponse(
        documents=taken.documents,
        documents_total=taken.total,
        later=taken.later,
        passages=taken.passages,
        snapshot=taken.snapshot,
    )
    if taken.expires_at:
        told.expires_at.FromDatetime(taken.expires_at)
        told.left_out_total = len(taken.left_out)
        for document, reason in islice(sorted(taken.left_out.items()), MAX_LEFT_OUT):
            told.left_out.add(document=document, reason=reason)
    return told


def _grouped(groups: Iterable[Group]) -> Iterator[pb.DuplicateGroup]:
    """The first ones that one message holds."""
    left = rpc.MAX_MESSAGE // 2
    for group in groups:
        found = pb.DuplicateGroup(
            passages=group.passages, similarity=group.similarity, passages_total=group.total
        )
        left -= found.ByteSize()
        if left < 0:
            return
        yield found


@contextlib.asynccontextmanager
async def _translated(context: Context) -> AsyncIterator[None]:
    """Errors as gRPC codes."""
    try:
        yield
    except (UnknownDocument, UnknownVersion, UnknownSpace) as error:
        await context.abort(grpc.StatusCode.NOT_FOUND, str(error))
    except (ChangedMeanwhile, NoRoom) as error:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    except ValueError as error:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
    except Unavailable as error:
        await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
