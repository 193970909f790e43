"""Waiting for what comes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from palabre.channels.waiting import Gone, until_gone
from palabre.chassis.errors import Unavailable
from palabre.chassis.testing import no_circles_of


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


class Piece:
    """Of an answer."""


@pytest.mark.parametrize("breaks_off", [False, True], ids=["goes on", "breaks off"])
async def test_what_was_read_is_let_go_when_nobody_waits_any_more(breaks_off: bool) -> None:
    async def pieces() -> AsyncIterator[Piece]:
        kept = [Piece(), Piece()]
        for piece in kept:
            yield piece
        if breaks_off:
            raise ConnectionError
        await asyncio.sleep(60)

    async def read() -> int:
        gone: Gone = asyncio.get_running_loop().create_future()
        seen = 0
        with contextlib.suppress(ConnectionError):
            async for _ in until_gone(pieces(), gone, 0.01):
                seen += 1
                if seen == 3:
                    gone.set_result(None)
        return seen

    with no_circles_of(Piece):
        assert await read() == (2 if breaks_off else 3)
        await asyncio.sleep(0)
