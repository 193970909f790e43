"""What is counted of searches and documents, over a real gRPC connection on loopback."""

import asyncio
import datetime as dt
import io
import zipfile
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import grpc
import pytest
from prometheus_client import REGISTRY
from qdrant_client import AsyncQdrantClient

from palabre.chassis import rpc
from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.directory import Spaces
from palabre.chassis.errors import Unavailable
from palabre.chassis.spaces import parse
from palabre.chassis.testing import Gains, free_port, until
from palabre.contracts.v1 import retriever_pb2 as pb
from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceStub
from palabre.retriever import counting
from palabre.retriever.building import Builder
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.qdrant import QdrantIndex
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.search import Search
from palabre.retriever.servicer import NAME, Retriever
from palabre.retriever.snapshots import Snapshots

if TYPE_CHECKING:  # a name of the type stubs only
    from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceAsyncStub

DEMO = {
    "schema": 1,
    "name": "Démo",
    "languages": ["fr"],
    "default_persona": "camille",
    "greeting": {"fr": "Bonjour"},
    "personas": {"camille": {"name": "Camille", "identity": {"fr": "Une agente."}}},
}
LOYER = "# Loyer\n\nLe loyer est dû le cinq du mois.\n"


@pytest.fixture
async def stub(edge: EdgeIndex) -> AsyncIterator["RetrieverServiceAsyncStub"]:
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
    catalogue = Catalogue(MemoryBucket())
    knowledge = Knowledge(edge, catalogue, MemoryObjects(), lambda: now)
    builder = Builder(knowledge, edge, catalogue)
    snapshots = Snapshots(knowledge, edge, catalogue, lambda: now)
    servicer = Retriever(
        Search(edge), knowledge, Spaces({"demo": parse(DEMO)}), 1_000_000, builder, snapshots
    )
    server, port = await rpc.serve([servicer.add_to], [NAME], "127.0.0.1:0", reflect=False)
    async with rpc.channel(f"127.0.0.1:{port}") as channel:
        yield RetrieverServiceStub(channel)
    await server.stop(None)


async def send(stub: "RetrieverServiceAsyncStub", name: str, data: bytes) -> None:
    async def parts() -> AsyncIterator[pb.IngestRequest]:
        yield pb.IngestRequest(header=pb.DocumentHeader(space="demo", document=name))
        yield pb.IngestRequest(data=data)

    async for _ in stub.Ingest(parts()):
        pass


async def test_documents_count_by_what_became_of_them(stub: "RetrieverServiceAsyncStub") -> None:
    gains = Gains()
    await send(stub, "loyer.md", LOYER.encode())
    await send(stub, "loyer.md", LOYER.encode())
    with pytest.raises(grpc.aio.AioRpcError):
        await send(stub, "empty.md", b"")
    outcomes = ("ingested", "unchanged", "refused", "unavailable", "broken_off")
    counted = [gains.of("palabre_documents_total", outcome=outcome) for outcome in outcomes]
    assert counted == [1, 1, 1, 0, 0]


async def test_each_document_of_an_archive_counts(stub: "RetrieverServiceAsyncStub") -> None:
    packed, gains = io.BytesIO(), Gains()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.md", LOYER)
        archive.writestr("b.md", "# Charges\n\nLes charges sont régularisées en mars.\n")
        archive.writestr("c.md", "")
    await send(stub, "guide.zip", packed.getvalue())
    assert gains.of("palabre_documents_total", outcome="ingested") == 2
    assert gains.of("palabre_documents_total", outcome="refused") == 1


async def test_searches_are_measured_with_what_they_found(
    stub: "RetrieverServiceAsyncStub",
) -> None:
    await send(stub, "loyer.md", LOYER.encode())
    gains = Gains()
    for words in ("Quand le loyer est-il dû ?", "zzz"):
        await stub.Search(pb.SearchRequest(space="demo", queries=[words], limit=3))
    assert gains.of("palabre_search_seconds_count") == 2
    assert gains.of("palabre_search_passages_sum") == 1
    assert gains.of("palabre_search_passages_bucket", le="0.0") == 1


async def test_the_index_tells_its_passages_until_the_space_is_gone(
    stub: "RetrieverServiceAsyncStub", edge: EdgeIndex
) -> None:
    await send(stub, "loyer.md", LOYER.encode())
    spaces, stop = ["demo"], asyncio.Event()
    looking = asyncio.create_task(counting.watch_index(edge, lambda: spaces, stop, every_s=0.01))
    await until(lambda: passages() == 1)
    spaces.clear()
    await until(lambda: passages() is None)
    stop.set()
    await looking


def passages() -> float | None:
    return REGISTRY.get_sample_value("palabre_index_passages", {"space": "demo"})


async def answer_500(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while (await reader.readline()).strip():
        pass
    writer.write(b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


async def test_a_qdrant_server_that_is_away_or_broken_is_counted() -> None:
    gains = Gains()
    async with await asyncio.start_server(answer_500, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for address in (port, free_port()):
            url = f"http://127.0.0.1:{address}"
            index = QdrantIndex(AsyncQdrantClient(url=url, timeout=2, check_compatibility=False))
            with pytest.raises(Unavailable):
                await index.refresh()
            await index.close()
    for reason in ("refused", "unreachable"):
        assert gains.of("palabre_index_failures_total", reason=reason) == 1, reason
