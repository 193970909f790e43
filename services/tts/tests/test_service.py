"""The service as it runs: its own process, a real nats-server with production's permissions."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis import events
from palabre.chassis.bus import Bus
from palabre.chassis.ids import uuid7
from palabre.chassis.settings import WRONG_SETTINGS
from palabre.chassis.streams import OPERATOR
from palabre.chassis.testing import NatsServer, processes, service_process
from palabre.contracts.v1 import events_pb2 as pb

TEXTS = ("Oui, bien sûr,", "le délai est de 30 jours.", "")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path) as server:
        yield server


@pytest.fixture
async def bus(server: NatsServer) -> AsyncIterator[Bus]:
    bus = await server.bus(OPERATOR)
    yield bus
    await bus.close()


def segments(texts: tuple[str, ...] = TEXTS) -> list[pb.Event]:
    said = events.begin("demo", "web", uuid7(), pb.UtteranceReceived())
    bodies = [pb.SegmentReady(text=text, language="fr") for text in texts]
    bodies[-1].last = True
    return [events.follow(said, body, index=n, attempt=3) for n, body in enumerate(bodies)]


async def test_the_segments_of_a_turn_are_spoken(server: NatsServer, bus: Bus) -> None:
    ready = segments()
    thread = ("demo", "web", ready[0].conversation)
    found: list[pb.Event] = []
    async with (
        service_process(server, "tts") as process,
        asyncio.timeout(30),
        bus.follow(*thread) as stream,
    ):
        for segment in ready:
            await bus.publish(segment)
        async for event in stream:
            found.append(event)
            spoken = [e for e in found if e.HasField("speech_completed")]
            if len(spoken) == len(ready):
                break
        process.terminate()
        assert await process.wait() == 0
    frames = [e for e in found if e.HasField("speech_frame")]
    assert {e.attempt for e in frames} == {3}
    for completed in spoken:
        mine = [e for e in frames if e.index == completed.index and e.speech_frame.data]
        assert len(mine) == completed.speech_completed.frames
    assert next(e for e in spoken if e.index == 2).speech_completed.last


async def test_an_engine_that_is_not_installed_ends_the_start_with_a_sentence() -> None:
    process = await processes.start("tts", os.environ | {"PALABRE_TTS_ENGINES": "nobody"})
    _, said = await process.communicate()
    assert process.returncode == WRONG_SETTINGS
    assert said.decode().startswith("tts: PALABRE_TTS_ENGINES: no engine 'nobody': choose among")
