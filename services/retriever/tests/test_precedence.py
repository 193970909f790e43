import asyncio
import time

import pytest

from palabre.retriever.index.precedence import Precedence


@pytest.fixture
def precedence() -> Precedence:
    return Precedence(pause_s=0.02, patience_s=5)


async def test_a_write_does_not_wait_when_nobody_searches(precedence: Precedence) -> None:
    async with asyncio.timeout(0.01):
        await precedence.write()


async def test_a_write_waits_until_a_search_has_read(precedence: Precedence) -> None:
    with precedence.search():
        writing = asyncio.create_task(precedence.write())
        await asyncio.sleep(0.1)
        assert not writing.done()
    await writing


async def test_two_reads_with_a_short_pause_are_one_search(precedence: Precedence) -> None:
    with precedence.search():
        pass
    writing = asyncio.create_task(precedence.write())
    await asyncio.sleep(0)
    with precedence.search():
        await asyncio.sleep(0.1)
        assert not writing.done()
    await writing


async def test_a_write_goes_on_however_much_is_searched() -> None:
    precedence = Precedence(patience_s=0.05)
    with precedence.search():
        begun = time.monotonic()
        await precedence.write()
        assert time.monotonic() - begun >= 0.05


async def test_a_search_that_fails_stands_in_nobodys_way(precedence: Precedence) -> None:
    with pytest.raises(ValueError, match="broken"), precedence.search():
        raise ValueError("broken")
    await precedence.write()
