"""Streams, limits, cookies."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
from starlette.types import Message

from palabre.channels.views import Position, Told
from palabre.channels.waiting import until_gone
from palabre.chassis.errors import Unavailable
from palabre.gateway import sse
from palabre.gateway.problems import Problem
from palabre.gateway.quotas import Limits
from palabre.gateway.visitors import Visitors, secret_in


async def slowly() -> AsyncIterator[str]:
    yield "one"
    await asyncio.sleep(0.05)
    yield "two"


async def test_waiting_ends_when_the_client_goes() -> None:
    left = asyncio.Event()

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    heard = []
    with sse.departure(receive) as gone:
        async for item in until_gone(slowly(), gone, 10):
            heard.append(item)
            left.set()
            await asyncio.sleep(0)
    assert heard == ["one"]


async def test_a_stream_ends_where_the_bus_does_not_answer() -> None:
    """Not with a fault: half of it has been sent."""

    async def broken() -> AsyncGenerator[bytes]:
        yield b"one"
        raise Unavailable("JetStream does not answer")

    assert [piece async for piece in sse.resumable(broken())] == [b"one"]


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


def test_what_is_sent_is_one_event_with_one_line_of_data() -> None:
    told = Told("delta", Position("t", 1, 2), {"text": "a\nb\r\n« ç »"})
    assert sse.encode(told) == (
        'id: t/1/2\nevent: delta\ndata: {"text":"a\\nb\\r\\n« ç »"}\n\n'.encode()
    )
