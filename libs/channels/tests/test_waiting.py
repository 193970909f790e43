"""Waiting for what comes."""

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator, Iterator

import pytest

from palabre.channels.waiting import Gone, until_gone


class Piece:
    """Of an answer."""


@pytest.fixture
def no_full_collection() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_full_collection")
@pytest.mark.parametrize("breaks_off", [False, True], ids=["goes on", "breaks off"])
async def test_what_was_read_is_let_go_when_nobody_waits_any_more(breaks_off: bool) -> None:
    held: list[weakref.ref[Piece]] = []

    async def pieces() -> AsyncIterator[Piece]:
        kept = [Piece(), Piece()]
        held.extend(map(weakref.ref, kept))
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

    assert await read() == (2 if breaks_off else 3)
    await asyncio.sleep(0)
    assert [piece() for piece in held] == [None, None]
