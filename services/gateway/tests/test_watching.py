"""Clocks, limits, cookies and phrases."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.types import Message

from palabre.chassis import events
from palabre.chassis.bus import Published, Stored
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.gateway import phrases, sse
from palabre.gateway.admission import Thread
from palabre.gateway.problems import Problem
from palabre.gateway.quotas import Limits
from palabre.gateway.stream import TurnView
from palabre.gateway.testing import completed
from palabre.gateway.visitors import Visitors, secret_in
from palabre.gateway.watching import Patience

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
        self.patience = Patience(bus, THREAD, 60, clock=lambda: self.now)

    async def told_after(self, seconds: float) -> list[str]:
        self.now += seconds
        return [wire.name for wire in await self.patience.look(self.view)]


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
    assert bus.kept[-1].turn_failed.reason == pb.FAILURE_REASON_EXPIRED
    answered = QuietBus(first, events.follow(first, completed("Oui")))
    assert await Waiting(answered, first).told_after(62) == ["completed"]


async def slowly() -> AsyncIterator[str]:
    yield "one"
    await asyncio.sleep(0.05)
    yield "two"


async def test_waiting_ticks_without_losing_what_comes() -> None:
    never: sse.Gone = asyncio.get_running_loop().create_future()
    items = [item async for item in sse.until_gone(slowly(), never, 0.02)]
    assert [item for item in items if item] == ["one", "two"]
    assert None in items


async def test_waiting_ends_when_the_client_goes() -> None:
    left = asyncio.Event()

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    heard = []
    with sse.departure(receive) as gone:
        async for item in sse.until_gone(slowly(), gone, 10):
            heard.append(item)
            left.set()
            await asyncio.sleep(0)
    assert heard == ["one"]


MIB = 1 << 20


@pytest.fixture
def limits() -> Limits:
    return Limits(
        per_minute=0,
        visitor_per_minute=5,
        streams=2,
        visitor_streams=1,
        image_bytes={"web": MIB, "api": 0},
    )


def test_a_minute_has_so_many_requests(limits: Limits) -> None:
    for _ in range(3):
        limits.hit("a", 3)
    with pytest.raises(Problem) as refusal:
        limits.hit("a", 3)
    assert refusal.value.status == 429
    limits.hit("b", 3)
    limits.hit("a", 0)


def test_an_hour_has_so_many_bytes_of_images(limits: Limits) -> None:
    limits.send_images("a", "web", MIB - 100)
    with pytest.raises(Problem, match="At most 1 MiB of images an hour") as refusal:
        limits.send_images("a", "web", 101)
    assert refusal.value.status == 429
    assert 3_500 < int(refusal.value.headers["Retry-After"]) <= 3_600


def test_an_image_that_was_refused_leaves_room_for_a_smaller_one(limits: Limits) -> None:
    limits.send_images("a", "web", MIB - 100)
    for _ in range(3):
        with pytest.raises(Problem):
            limits.send_images("a", "web", 101)
    limits.send_images("a", "web", 100)


def test_images_are_counted_for_each_caller_and_not_where_there_is_no_limit(
    limits: Limits,
) -> None:
    limits.send_images("a", "web", MIB)
    limits.send_images("b", "web", MIB)
    for _ in range(2):
        limits.send_images("c", "api", 1 << 40)


def test_a_stream_that_closes_makes_room(limits: Limits) -> None:
    with limits.stream("a", "web"), pytest.raises(Problem), limits.stream("a", "web"):
        pass
    with limits.stream("a", "web"), limits.stream("b", "web"):
        pass


def test_a_visitors_cookie_is_only_read_where_it_was_signed(tmp_path: Path) -> None:
    ours, theirs = Visitors(secret_in(tmp_path)), Visitors(b"another secret")
    cookie = ours.issue()
    assert ours.read(cookie)
    assert Visitors(secret_in(tmp_path)).read(cookie) == ours.read(cookie)
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0
    for other in (cookie[:-1], cookie + "x", cookie.partition(".")[0], ".", "", "é.é"):
        assert ours.read(other) is None
    assert theirs.read(cookie) is None


def test_people_are_told_in_their_language() -> None:
    assert phrases.phrase("expired", "fr-CA").startswith("Désolé")
    assert phrases.phrase("expired", "en").startswith("Sorry")
    assert phrases.phrase("expired", "de").startswith("Sorry")
    assert phrases.phrase("unheard of", "fr") == phrases.phrase("unavailable", "fr")
