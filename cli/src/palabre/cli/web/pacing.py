"""One request at a time, with a pause in between, and a longer one when a server asks for it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from palabre.chassis.fetching import BadStatus, Fetched

TRIES = 3
# Who asks for more is taken up again by a later run.
LONGEST_S = 300.0
_FIRST_S = 5.0


@dataclass(slots=True)
class Pace:
    """For one host. Times in seconds; `now` is the time of day, for dates that servers name."""

    delay_s: float = 0.5
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    _last: float = field(default=float("-inf"))

    async def get(self, fetch: Callable[[], Awaitable[Fetched]]) -> Fetched:
        """Raises what `fetch` raises; a server that is busy is asked up to three times."""
        for tried in range(1, TRIES + 1):
            await self.sleep(max(0.0, self._last + self.delay_s - self.clock()))
            try:
                return await fetch()
            except BadStatus as error:
                wait = self._asked(error) or _FIRST_S * 2 ** (tried - 1)
                if error.status not in (429, 503) or tried == TRIES or wait > LONGEST_S:
                    raise
                await self.sleep(wait)
            finally:
                self._last = self.clock()
        raise AssertionError("unreachable")

    def _asked(self, error: BadStatus) -> float:
        """Seconds that the server names, as a number or a date; 0 when it names none."""
        said = error.retry_after
        if said.isascii() and said.isdigit():
            return float(said)
        try:
            return max(0.0, parsedate_to_datetime(said).timestamp() - self.now())
        except ValueError:
            return 0.0
