"""Who searches goes before who writes: both hold the GIL of one process for milliseconds."""

import asyncio
import contextlib
from collections.abc import Iterator

# A search reads a few times; what is shorter than this between two reads is the same search.
PAUSE_S = 0.005
# A write waits no longer, so that it goes on however much is searched.
PATIENCE_S = 0.05


class Precedence:
    """Of one event loop."""

    def __init__(self, pause_s: float = PAUSE_S, patience_s: float = PATIENCE_S) -> None:
        self._pause_s, self._patience_s = pause_s, patience_s
        self._reading = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._pause: asyncio.TimerHandle | None = None

    @contextlib.contextmanager
    def search(self) -> Iterator[None]:
        """A read of a search, while it lasts."""
        self._reading += 1
        self._quiet.clear()
        if self._pause:
            self._pause.cancel()
        try:
            yield
        finally:
            self._reading -= 1
            if not self._reading:
                loop = asyncio.get_running_loop()
                self._pause = loop.call_later(self._pause_s, self._quiet.set)

    async def write(self) -> None:
        """Returns when nobody searches, or when it has waited long enough."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await self._quiet.wait()
