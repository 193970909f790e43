"""Waiting for what comes, without losing any of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

Gone = asyncio.Future[None]  # done once nobody waits any more


async def until_gone[T](
    items: AsyncIterator[T], gone: Gone, tick_s: float
) -> AsyncIterator[T | None]:
    """The items as they come, None after each `tick_s` without one; ends once `gone` is done.

    A wait is never cancelled before that: it would end the iterator.
    """
    following = asyncio.ensure_future(_next(items))
    try:
        while True:
            await asyncio.wait(
                (following, gone), timeout=tick_s, return_when=asyncio.FIRST_COMPLETED
            )
            if gone.done():
                return
            if not following.done():
                yield None
                continue
            try:
                item = following.result()
            except StopAsyncIteration:
                return
            following = asyncio.ensure_future(_next(items))
            yield item
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
            await following


async def _next[T](items: AsyncIterator[T]) -> T:
    return await anext(items)
