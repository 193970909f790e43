"""The retriever as a process: asked over the bus and gRPC, killed, robbed of its index."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from palabre.chassis import events, rpc
from palabre.chassis.ids import uuid7
from palabre.chassis.spaces import parse
from palabre.chassis.testing import NatsServer, free_port, service_process, until
from palabre.contracts.v1 import events_pb2 as pb, retriever_pb2
from palabre.contracts.v1.retriever_pb2_grpc import RetrieverServiceStub
from palabre.contracts.v1.turns_pb2 import Passage, Understanding, Utterance

SPACE = {
    "schema": 1,
    "name": "Démo",
    "languages": ["fr"],
    "default_persona": "camille",
    "greeting": {"fr": "Bonjour"},
    "personas": {"camille": {"name": "Camille", "identity": {"fr": "Une agente."}}},
}
GUIDE = "# Bail\n\nLe bail dure trois ans.\n\n## Préavis\n\nLe préavis est d'un mois.\n"


@pytest.fixture
async def nats(nats: NatsServer) -> NatsServer:
    await nats.apply("demo", parse(SPACE))
    return nats


@contextlib.asynccontextmanager
async def running(
    nats: NatsServer, folder: Path, **more: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, grpc.aio.Channel]]:
    port = free_port()
    settings = {"PALABRE_DATA_DIR": str(folder), "PALABRE_GRPC_PORT": str(port), **more}
    async with (
        service_process(nats, "retriever", settings) as process,
        rpc.channel(f"127.0.0.1:{port}") as channel,
    ):
        await asyncio.wait_for(channel.channel_ready(), 20)
        yield process, channel


async def ingest(channel: grpc.aio.Channel, text: str) -> retriever_pb2.DocumentEntry:
    header = retriever_pb2.DocumentHeader(space="demo", document="bail.md")
    sent = [
        retriever_pb2.IngestRequest(header=header),
        retriever_pb2.IngestRequest(data=text.encode()),
    ]
    progress = [p async for p in RetrieverServiceStub(channel).Ingest(iter(sent))]
    return progress[-1].done


async def search(channel: grpc.aio.Channel, question: str) -> list[Passage]:
    request = retriever_pb2.SearchRequest(space="demo", queries=[question], limit=3)
    response = await RetrieverServiceStub(channel).Search(request)
    return list(response.passages)


async def test_a_turn_gets_its_passages_over_the_bus(nats: NatsServer, tmp_path: Path) -> None:
    async with running(nats, tmp_path / "data") as (_, channel):
        await ingest(channel, GUIDE)
        said = pb.UtteranceUnderstood(
            utterance=Utterance(text="et le préavis ?"),
            understanding=Understanding(language="fr", question="le préavis du bail"),
        )
        event = events.begin("demo", "web", uuid7(), said)
        bus = await nats.bus("llm")
        await bus.publish(event)

        async def retrieved() -> list[pb.Event]:
            facts = await bus.facts("demo", "web", event.conversation)
            return [f for f in facts if f.HasField("passages_retrieved")]

        async def answered() -> bool:
            return bool(await retrieved())

        await until(answered)
        [result] = await retrieved()
        assert result.passages_retrieved.passages[0].text == "Le préavis est d'un mois."
        await bus.close()


async def test_a_killed_retriever_has_everything_when_it_is_back(
    nats: NatsServer, tmp_path: Path
) -> None:
    async with running(nats, tmp_path / "data") as (process, channel):
        await ingest(channel, GUIDE)
        process.kill()
        await process.wait()
    async with running(nats, tmp_path / "data") as (_, channel):
        assert (await search(channel, "la durée du préavis"))[0].title == "Bail"


async def test_a_lost_index_is_made_again_from_the_originals(
    nats: NatsServer, tmp_path: Path
) -> None:
    async with running(nats, tmp_path / "data") as (process, channel):
        entry = await ingest(channel, GUIDE)
        process.terminate()
        assert await process.wait() == 0
    shutil.rmtree(tmp_path / "data" / "index")
    async with running(nats, tmp_path / "data") as (_, channel):
        assert {p.version for p in await search(channel, "le préavis")} == {entry.version}
        assert (await ingest(channel, GUIDE)).changed == 0


async def test_another_embedding_model_is_taken_into_use_without_a_pause(
    nats: NatsServer, tmp_path: Path
) -> None:
    async with running(nats, tmp_path / "data") as (process, channel):
        await ingest(channel, GUIDE)
        assert await embedders(channel) == [("serving", "")]
        process.terminate()
        await process.wait()
    words = {"PALABRE_EMBEDDING_ENGINE": "words", "PALABRE_EMBEDDING_DIMENSIONS": "32"}
    async with running(nats, tmp_path / "data", **words) as (_, channel):
        while ("serving", "words-32") not in await embedders(channel):
            assert (await search(channel, "la durée du préavis"))[0].title == "Bail"
        assert (await search(channel, "la durée du préavis"))[0].title == "Bail"


async def embedders(channel: grpc.aio.Channel) -> list[tuple[str, str]]:
    """Each generation's state and model."""
    wanted = retriever_pb2.ListGenerationsRequest(space="demo")
    found = await RetrieverServiceStub(channel).ListGenerations(wanted)
    return [(generation.state, generation.embedder) for generation in found.generations]
