"""The retriever with models that it asks over HTTP, and without one that it was told of."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis import rpc
from palabre.chassis.settings import WRONG_SETTINGS
from palabre.chassis.spaces import parse
from palabre.chassis.testing import NatsServer, free_port, service_process
from palabre.chassis.testing.processes import environment, start
from palabre.contracts.v1 import retriever_pb2 as pb
from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceStub
from tests.standins.vectors import Vectors

SPACE = {
    "schema": 1,
    "name": "Démo",
    "languages": ["fr"],
    "default_persona": "camille",
    "greeting": {"fr": "Bonjour"},
    "personas": {"camille": {"name": "Camille", "identity": {"fr": "Une agente."}}},
}


@pytest.fixture
async def nats(nats: NatsServer) -> NatsServer:
    await nats.apply("demo", parse(SPACE))
    return nats


@pytest.fixture
async def models() -> AsyncIterator[tuple[Vectors, str]]:
    standin = Vectors()
    async with standin.serving() as url:
        yield standin, url


async def test_passages_get_vectors_and_the_best_are_judged(
    nats: NatsServer, models: tuple[Vectors, str], tmp_path: Path
) -> None:
    standin, url = models
    port = free_port()
    settings = {
        "PALABRE_DATA_DIR": str(tmp_path),
        "PALABRE_GRPC_PORT": str(port),
        "PALABRE_EMBEDDING_BASE_URL": url,
        "PALABRE_EMBEDDING_API_KEY": "secret",
        "PALABRE_EMBEDDING_MODEL": "bge-m3",
        "PALABRE_EMBEDDING_DIMENSIONS": "64",
        "PALABRE_RERANKER_BASE_URL": url,
        "PALABRE_RERANKER_API": "tei",
    }
    async with (
        service_process(nats, "retriever", settings),
        rpc.channel(f"127.0.0.1:{port}") as channel,
    ):
        await asyncio.wait_for(channel.channel_ready(), 20)
        stub = RetrieverServiceStub(channel)
        header = pb.DocumentHeader(space="demo", document="bail.md")
        sent = [
            pb.IngestRequest(header=header),
            pb.IngestRequest(data=b"# Bail\n\nLe bail dure trois ans."),
        ]
        assert [p async for p in stub.Ingest(iter(sent))][-1].done.passages == 1
        request = pb.SearchRequest(space="demo", queries=["le bail dure"], limit=3)
        [found] = (await stub.Search(request)).passages
    assert found.relevance == pytest.approx(1.0)
    embedded, asked, judged = standin.asked
    assert embedded["input"] == ["Bail\nLe bail dure trois ans."]
    assert asked["input"] == ["le bail dure"]
    assert judged["texts"] == ["Bail\nLe bail dure trois ans."]
    assert set(standin.keys[:2]) == {"Bearer secret"}


async def test_a_model_that_is_missing_is_refused_at_the_start(
    nats: NatsServer, tmp_path: Path
) -> None:
    settings = {
        "PALABRE_DATA_DIR": str(tmp_path),
        "PALABRE_RERANKER_ENGINE": "none-such",
    }
    process = await start("retriever", environment(nats, "retriever", settings))
    _, said = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == WRONG_SETTINGS
    assert (
        said.decode()
        .splitlines()[-1]
        .startswith("retriever: there is no engine 'none-such': choose one of")
    )
