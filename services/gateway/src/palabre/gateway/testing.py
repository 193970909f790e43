"""For tests: the gateway on a real bus, beside stand-ins of the services that it needs."""

import asyncio
import contextlib
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from palabre.chassis import rpc, stage
from palabre.chassis.bus import Bus
from palabre.chassis.cancellations import Cancellations
from palabre.chassis.directory import Spaces
from palabre.chassis.health import Health
from palabre.chassis.service import Context
from palabre.chassis.spaces import Space, parse
from palabre.chassis.testing import NatsServer, free_port
from palabre.contracts.v1 import (
    retriever_pb2,
    retriever_pb2_grpc,
    tts_pb2,
    tts_pb2_grpc,
    turns_pb2,
)
from palabre.gateway.assembly import assemble
from palabre.gateway.settings import GatewaySettings

TOKEN = "bootstrap-token-of-the-tests"  # noqa: S105
AUTH = {"Authorization": f"Bearer {TOKEN}"}


def demo_space(**changes: Any) -> Space:
    """A small space with one persona, open to visitors."""
    return parse(
        {
            "schema": 1,
            "name": "Démonstration",
            "languages": ["fr", "en"],
            "default_persona": "camille",
            "greeting": {"fr": "Bonjour !"},
            "disclaimer": {"fr": "Une IA vous répond."},
            "channels": {"web": {}},
            "personas": {"camille": {"name": "Camille", "identity": {"fr": "Vous êtes Camille."}}},
        }
        | changes
    )


class MemoryRetriever(retriever_pb2_grpc.RetrieverServiceServicer):
    """Keeps whole documents; a passage is a document, and only the current version is kept."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], tuple[retriever_pb2.DocumentHeader, bytes]] = {}
        self.snapshots: set[str] = set()

    async def Search(self, request: Any, context: Any) -> retriever_pb2.SearchResponse:
        found = [self._passage(h, d) for (s, _), (h, d) in self.kept.items() if s == request.space]
        hits = [p for p in found if request.queries[0].lower() in p.text.lower()]
        return retriever_pb2.SearchResponse(passages=hits[: request.limit])

    async def Ingest(
        self, request_iterator: Any, context: Any
    ) -> AsyncIterator[retriever_pb2.IngestResponse]:
        header, data = retriever_pb2.DocumentHeader(), b""
        async for part in request_iterator:
            if part.HasField("header"):
                header = part.header
            data += part.data
        if not data:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "The document is empty.")
        yield retriever_pb2.IngestResponse(step=retriever_pb2.IngestStep(name="stored"))
        if header.document.endswith(".zip"):
            for outcome in self._unpacked(header, data):
                yield outcome
            return
        self.kept[header.space, header.document] = (header, data)
        yield retriever_pb2.IngestResponse(done=self._entry(header, data))

    def _unpacked(self, header: Any, data: bytes) -> Iterator[retriever_pb2.IngestResponse]:
        """Empty members fail."""
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                inside = retriever_pb2.DocumentHeader()
                inside.CopyFrom(header)
                inside.document = f"{header.document}/{name}"
                if content := archive.read(name):
                    self.kept[header.space, inside.document] = (inside, content)
                    yield retriever_pb2.IngestResponse(done=self._entry(inside, content))
                    continue
                yield retriever_pb2.IngestResponse(
                    failed=retriever_pb2.DocumentFailure(
                        document=inside.document, reason="is empty", remedy="send text"
                    )
                )

    async def ListDocuments(
        self, request: Any, context: Any
    ) -> retriever_pb2.ListDocumentsResponse:
        kept = sorted(self.kept.items())
        found = [self._entry(h, d) for (s, _), (h, d) in kept if s == request.space]
        return retriever_pb2.ListDocumentsResponse(documents=found)

    async def GetDocument(self, request: Any, context: Any) -> retriever_pb2.GetDocumentResponse:
        header, data = await self._find(request, context)
        return retriever_pb2.GetDocumentResponse(
            entry=self._entry(header, data), passages=[self._passage(header, data)]
        )

    async def DeleteDocument(
        self, request: Any, context: Any
    ) -> retriever_pb2.DeleteDocumentResponse:
        await self._find(request, context)
        del self.kept[request.space, request.document]
        return retriever_pb2.DeleteDocumentResponse(passages=1)

    async def ListDuplicates(
        self, request: Any, context: Any
    ) -> retriever_pb2.ListDuplicatesResponse:
        """Documents with the same words."""
        alike: dict[bytes, list[turns_pb2.Passage]] = {}
        for (space, _), (header, data) in sorted(self.kept.items()):
            if space == request.space:
                alike.setdefault(data, []).append(self._passage(header, data))
        groups = [
            retriever_pb2.DuplicateGroup(passages=each, similarity=1.0)
            for each in alike.values()
            if len(each) > 1
        ]
        return retriever_pb2.ListDuplicatesResponse(groups=groups, groups_total=len(groups))

    async def ListVersions(self, request: Any, context: Any) -> retriever_pb2.ListVersionsResponse:
        entry = self._entry(*await self._find(request, context))
        return retriever_pb2.ListVersionsResponse(versions=[entry])

    async def Rollback(self, request: Any, context: Any) -> retriever_pb2.RollbackResponse:
        entry = self._entry(*await self._find(request, context))
        if not request.version or not entry.version.startswith(request.version):
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such version.")
        return retriever_pb2.RollbackResponse(entry=entry)

    async def Rebuild(
        self, request: Any, context: Any
    ) -> AsyncIterator[retriever_pb2.RebuildResponse]:
        count = sum(space == request.space for space, _ in self.kept)
        yield retriever_pb2.RebuildResponse(
            documents=count, documents_total=count, generation=request.space
        )

    async def Snapshot(
        self, request: Any, context: Any
    ) -> AsyncIterator[retriever_pb2.SnapshotResponse]:
        """That of version "dead" is never done."""
        self.snapshots.add("begun")
        count = sum(space == request.space for space, _ in self.kept)
        try:
            yield retriever_pb2.SnapshotResponse(documents_total=count)
            if "dead" in request.versions.values():
                await asyncio.Event().wait()
            done = retriever_pb2.SnapshotResponse(documents=count, documents_total=count)
            done.left_out.add(document=request.at.ToJsonString(), reason="deleted")
            done.left_out_total, done.snapshot, done.expires_at.seconds = 1, "abcd", 3_600
            self.snapshots.add("abcd")
            yield done
        finally:
            self.snapshots.discard("begun")

    async def DropSnapshot(self, request: Any, context: Any) -> retriever_pb2.DropSnapshotResponse:
        self.snapshots.discard(request.snapshot)
        return retriever_pb2.DropSnapshotResponse()

    async def ListGenerations(
        self, request: Any, context: Any
    ) -> retriever_pb2.ListGenerationsResponse:
        return retriever_pb2.ListGenerationsResponse()

    async def _find(self, request: Any, context: Any) -> Any:
        if (request.space, request.document) not in self.kept:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such document.")
        return self.kept[request.space, request.document]

    def _entry(self, header: Any, data: bytes) -> retriever_pb2.DocumentEntry:
        return retriever_pb2.DocumentEntry(
            document=header.document,
            version=hashlib.sha256(data).hexdigest(),
            title=header.title or header.document,
            tier=header.tier or "public",
            media_type=header.media_type,
            size_bytes=len(data),
            passages=1,
        )

    def _passage(self, header: Any, data: bytes) -> turns_pb2.Passage:
        return turns_pb2.Passage(
            document=header.document, title=header.title, text=data.decode(errors="replace")
        )


class ScriptedSpeech(tts_pb2_grpc.TtsServiceServicer):
    """Speaks a text as itself, a word at a time. The voice "hoarse" fails after one, "busy" first.

    After each word it waits for `may_go_on`.
    """

    def __init__(self) -> None:
        self.asked: list[tts_pb2.SynthesizeRequest] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def Synthesize(
        self, request: Any, context: Any
    ) -> AsyncIterator[tts_pb2.SynthesizeResponse]:
        self.asked.append(request)
        if request.voice.name == "nobody":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "voice: there is no 'nobody'")
        if request.voice.name == "busy":
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "the queue is full: try again")
        for word in request.text.split():
            yield tts_pb2.SynthesizeResponse(data=word.encode())
            await self.may_go_on.wait()
            if request.voice.name == "hoarse":
                await context.abort(grpc.StatusCode.UNAVAILABLE, "no engine can speak now")

    async def ListVoices(self, request: Any, context: Any) -> tts_pb2.ListVoicesResponse:
        return tts_pb2.ListVoicesResponse(voices=[tts_pb2.Voice(engine="scripted", name="camille")])


@dataclass
class RunningGateway:
    """A gateway that serves HTTP on `url` and gRPC at `address`, and its bus."""

    url: str
    address: str
    bus: Bus
    settings: GatewaySettings


@dataclass
class Surroundings:
    """The services that a gateway needs, on free ports."""

    retriever: MemoryRetriever
    speech: ScriptedSpeech
    address: str


@contextlib.asynccontextmanager
async def surroundings() -> AsyncIterator[Surroundings]:
    retriever, speech = MemoryRetriever(), ScriptedSpeech()

    def add(server: grpc.aio.Server) -> None:
        retriever_pb2_grpc.add_RetrieverServiceServicer_to_server(retriever, server)
        tts_pb2_grpc.add_TtsServiceServicer_to_server(speech, server)

    server, port = await rpc.serve([add], [], "127.0.0.1:0", reflect=False)
    try:
        yield Surroundings(retriever, speech, f"127.0.0.1:{port}")
    finally:
        await server.stop(grace=None)


@contextlib.asynccontextmanager
async def running(
    nats: NatsServer, folder: Path, spaces: dict[str, Space] | None = None, **settings: Any
) -> AsyncIterator[RunningGateway]:
    """A gateway in this process; several may share a bus and a folder, as replicas do."""
    port = free_port()
    fixed = {"data_dir": folder, "http_port": port, "bootstrap_token": TOKEN}
    chosen = GatewaySettings.model_validate(fixed | settings)
    bus = await nats.bus("gateway")
    known = Spaces(spaces or {"demo": demo_space()})
    context = Context(bus, known, Cancellations(), Health(), chosen)
    parts = await assemble(chosen, context)
    stop = asyncio.Event()
    work: list[Awaitable[None]] = [task(stop) for task in parts.tasks]
    work += [stage.run(each, bus, context.cancelled, stop) for each in parts.stages]
    served = asyncio.gather(*work)
    server, calls = await rpc.serve(parts.grpc, parts.grpc_names, "127.0.0.1:0", reflect=False)
    try:
        yield RunningGateway(f"http://127.0.0.1:{port}", f"127.0.0.1:{calls}", bus, chosen)
    finally:
        await server.stop(grace=None)
        stop.set()
        await served
        for close in parts.close:
            await close()
        await bus.close()
