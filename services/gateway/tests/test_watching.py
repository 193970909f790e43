"""Clocks, limits, cookies and phrases."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.types import Message

from palabre.gateway import phrases, sse
from palabre.gateway.problems import Problem
from palabre.gateway.quotas import Limits
from palabre.gateway.visitors import Visitors, secret_in


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


def test_a_minute_has_so_many_requests() -> None:
    limits = Limits(per_minute=0, visitor_per_minute=5, streams=2, visitor_streams=1)
    for _ in range(3):
        limits.hit("a", 3)
    with pytest.raises(Problem) as refusal:
        limits.hit("a", 3)
    assert refusal.value.status == 429
    limits.hit("b", 3)
    limits.hit("a", 0)


def test_a_stream_that_closes_makes_room() -> None:
    limits = Limits(per_minute=0, visitor_per_minute=5, streams=2, visitor_streams=1)
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
