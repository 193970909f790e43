"""Somebody always answers, the adapter itself if need be."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from palabre.channels.admission import Thread
from palabre.channels.testing import completed
from palabre.channels.views import TurnView
from palabre.channels.waiting import Gone, until_gone
from palabre.channels.watching import Patience
from palabre.chassis import events
from palabre.chassis.bus import Published, Stored
from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2

THREAD = Thread("demo", "web", "c-1")


class QuietBus:
    """Nothing comes on its own; `kept` is what a look finds."""

    def __init__(self, *kept: pb.Event) -> None:
        self.kept = list(kept)

    async def publish(self, event: pb.Event) -> Published:
        ended = any(kept.id == event.id for kept in self.kept)
        if not ended:
            self.kept.append(event)
        return Published(1, duplicate=ended)

    async def latest(self, space: str, channel: str, conversation: str) -> list[Stored]:
        return [Stored(n, event) for n, event in enumerate(self.kept, 1)]

    async def facts(self, space: str, channel: str, conversation: str) -> list[pb.Event]:
        return self.kept


def asked() -> pb.Event:
    utterance = turns_pb2.Utterance(text="?", language="fr")
    body = pb.UtteranceReceived(utterance=utterance)
    return events.begin(*THREAD, body, turn="t-1", deadline_s=60)


class Waiting:
    """Somebody who waits for a turn, with a clock of their own."""

    def __init__(self, bus: QuietBus, first: pb.Event) -> None:
        self.now = time.time()
        self.view = TurnView("t-1")
        self.view.feed(first)
        self.patience = Patience(bus, THREAD, 60, "discord", clock=lambda: self.now)

    async def told_after(self, seconds: float) -> list[str]:
        self.now += seconds
        return [told.name for told in await self.patience.look(self.view)]


async def test_an_ending_that_came_while_the_bus_was_away_is_found() -> None:
    first = asked()
    bus = QuietBus(first)
    waiting = Waiting(bus, first)
    assert await waiting.told_after(3) == []
    bus.kept.append(events.follow(first, completed("Oui")))
    assert await waiting.told_after(1) == []
    assert await waiting.told_after(2) == ["completed"]


async def test_who_waits_is_told_so_every_twenty_seconds() -> None:
    first = asked()
    waiting = Waiting(QuietBus(first), first)
    assert await waiting.told_after(19) == []
    assert await waiting.told_after(2) == ["notice"]
    assert await waiting.told_after(10) == []
    waiting.patience.heard("t-1")
    assert await waiting.told_after(15) == []
    assert await waiting.told_after(6) == ["notice"]


async def test_at_the_deadline_the_first_ending_counts() -> None:
    first = asked()
    bus = QuietBus(first)
    assert await Waiting(bus, first).told_after(62) == ["failed"]
    failed = bus.kept[-1].turn_failed
    assert (failed.reason, failed.stage) == (pb.FAILURE_REASON_EXPIRED, "discord")
    answered = QuietBus(first, events.follow(first, completed("Oui")))
    assert await Waiting(answered, first).told_after(62) == ["completed"]


async def slowly() -> AsyncIterator[str]:
    yield "one"
    await asyncio.sleep(0.05)
    yield "two"


async def test_waiting_ticks_without_losing_what_comes() -> None:
    never: Gone = asyncio.get_running_loop().create_future()
    items = [item async for item in until_gone(slowly(), never, 0.02)]
    assert [item for item in items if item] == ["one", "two"]
    assert None in items


async def test_what_came_before_a_fault_is_told_before_it() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "one"
        raise Unavailable("the bus is away")

    never: Gone = asyncio.get_running_loop().create_future()
    heard = until_gone(broken(), never, 10)
    assert await anext(heard) == "one"
    with pytest.raises(Unavailable):
        await anext(heard)


async def test_a_fault_that_comes_after_the_client_has_gone_concerns_nobody() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "one"
        raise Unavailable("the bus is away")

    gone: Gone = asyncio.get_running_loop().create_future()
    async for _ in until_gone(broken(), gone, 10):
        gone.set_result(None)
        await asyncio.sleep(0)
