"""Waiting for what comes, without losing any of it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

Gone = asyncio.Future[None]  # done once nobody waits any more


async def until_gone[T](
    items: AsyncIterator[T], gone: Gone, tick_s: float
) -> AsyncIterator[T | None]:
    """The items as they come, None after each `tick_s` without one; ends once `gone` is done.

    Their reader is not cancelled before that: it would end the iterator.
    """
    arrivals = _Arrivals(items)
    gone.add_done_callback(arrivals.wake)
    try:
        while not gone.done():
            if arrivals.found:
                yield arrivals.found.popleft()
            elif arrivals.reading.done():
                arrivals.reading.result()  # raises what the items raised
                return
            elif await arrivals.none_for(tick_s) and not gone.done():
                yield None
    finally:
        gone.remove_done_callback(arrivals.wake)
        await arrivals.close()


class _Arrivals[T]:
    """What one task reads while another waits for it, or for a moment.

    With a task for each item, and a wait for that or the client, an item cost twice as much.
    """

    def __init__(self, items: AsyncIterator[T]) -> None:
        self.found: deque[T] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self.reading = asyncio.create_task(self._read(items))
        self.reading.add_done_callback(self.wake)

    async def _read(self, items: AsyncIterator[T]) -> None:
        async for item in items:
            self.found.append(item)
            self.wake()

    def wake(self, _: object = None) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def none_for(self, seconds: float) -> bool:
        """Waits until something came, all was read, somebody woke it, or the time is over."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        over = loop.call_later(seconds, self.wake)
        try:
            await self._waiter
        finally:
            over.cancel()
        return not self.found and not self.reading.done()

    async def close(self) -> None:
        """What it raises now concerns nobody any more.

        Its error knows the frame, which knows us: all that was read would lie in that circle until
        the next full collection, minutes away.
        """
        reading = self.reading
        del self.reading
        reading.cancel()
        await asyncio.wait([reading])
        if not reading.cancelled():
            reading.exception()
