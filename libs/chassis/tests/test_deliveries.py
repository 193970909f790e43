"""Asking a durable for events, on a real nats-server."""

import asyncio
import time

from palabre.chassis import events
from palabre.chassis.bus import Bus
from palabre.chassis.deliveries import Message
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance


async def publish(bus: Bus, count: int) -> None:
    for number in range(count):
        body = pb.UtteranceReceived(utterance=Utterance(text=str(number)))
        await bus.publish(events.begin("demo", "web", uuid7(), body))


def texts(messages: list[Message]) -> list[str]:
    return [events.decode(m.data).utterance_received.utterance.text for m in messages]


async def test_no_more_come_than_were_asked_for(gateway: Bus, llm: Bus) -> None:
    await publish(gateway, 5)
    found: list[Message] = []
    async with llm.pull("comprehend", found.append) as pull:
        await pull.ask(3, 5)
        assert texts(found) == ["0", "1", "2"]
        await pull.ask(3, 0.2)
        assert texts(found) == ["0", "1", "2", "3", "4"]


async def test_a_delivery_is_taken_as_it_comes_while_more_are_asked_for(
    gateway: Bus, llm: Bus
) -> None:
    found: list[Message] = []
    async with llm.pull("comprehend", found.append) as pull:
        asking = asyncio.create_task(pull.ask(64, 5))
        await publish(gateway, 1)
        await until(lambda: len(found) == 1)
        assert not asking.done()
        await publish(gateway, 63)
        await asking
    assert len(found) == 64


async def test_asking_ends_when_nothing_comes(llm: Bus) -> None:
    begun = time.monotonic()
    async with llm.pull("comprehend", lambda _: None) as pull:
        await pull.ask(16, 0.2)
    assert time.monotonic() - begun >= 0.2


async def test_nothing_is_swallowed_by_who_stopped_asking(gateway: Bus, llm: Bus) -> None:
    async with llm.pull("comprehend", lambda _: None) as pull:
        await pull.ask(16, 0.1)
    await publish(gateway, 3)
    found: list[Message] = []
    async with llm.pull("comprehend", found.append) as pull:
        await pull.ask(3, 5)
    assert [m.deliveries for m in found] == [1, 1, 1]


async def test_asking_goes_on_after_the_server_was_killed(
    server: NatsServer, gateway: Bus, llm: Bus
) -> None:
    found: list[Message] = []
    async with llm.pull("comprehend", found.append) as pull:
        await pull.ask(4, 0.1)
        await server.kill()
        await pull.ask(4, 0.1)
        await server.start()
        await publish(gateway, 2)
        async with asyncio.timeout(10):
            while len(found) < 2:
                await pull.ask(2 - len(found), 1)
    assert texts(found) == ["0", "1"]
