"""Waiting for what a test expects."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable


async def collect[T](items: AsyncIterator[T]) -> list[T]:
    """All that a handler yields."""
    return [item async for item in items]


async def until(condition: Callable[[], bool | Awaitable[bool]], patience_s: float = 10.0) -> None:
    """Waits for a condition. Raises TimeoutError."""
    end = time.monotonic() + patience_s
    while True:
        met = condition()
        if met if isinstance(met, bool) else await met:
            return
        if time.monotonic() > end:
            raise TimeoutError(f"not within {patience_s} s")
        await asyncio.sleep(0.01)
