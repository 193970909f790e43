"""Who searches goes before who writes: both hold the GIL of one process for milliseconds."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

# A search reads a few times; what is shorter than this between two reads is the same search.
PAUSE_S = 0.005
# A write waits no longer, so that it goes on however much is searched.
PATIENCE_S = 0.05


class Precedence:
    """Of one event loop."""

    def __init__(
        self,
        pause_s: float = PAUSE_S,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause_s, self._patience_s, self._clock = pause_s, patience_s, clock
        self._reading, self._quiet_at = 0, 0.0

    @contextlib.contextmanager
    def search(self) -> Iterator[None]:
        """A read of a search, while it lasts."""
        self._reading += 1
        try:
            yield
        finally:
            self._reading -= 1
            self._quiet_at = self._clock() + self._pause_s

    async def write(self) -> None:
        """Returns when nobody searches, or when it has waited long enough."""
        until = self._clock() + self._patience_s
        while (now := self._clock()) < until and (self._reading or now < self._quiet_at):
            await asyncio.sleep(self._pause_s / 2)
