"""Somebody always answers, the adapter itself if need be."""

import time

from palabre.channels.admission import Thread
from palabre.channels.testing import completed
from palabre.channels.views import TurnView
from palabre.channels.watching import Patience
from palabre.chassis import events
from palabre.chassis.bus import Published, Stored
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
