"""Gathers the pieces of an answer, so that a reader gets a few deltas a second and not hundreds."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass

SLUGGISHNESS = 4.0  # seconds of interval for each second that the loop is late
SMOOTHING = 0.2
MOST_PER_S = 500.0  # deltas of one process: each costs work in three more
EARLY_S = 0.01  # before a text is due, what came for it is read


@dataclass(slots=True)
class Pace:
    """How often a turn shows something: more seldom with many turns, or when the process is behind.

    One for all turns of a process: each tells how late its timer was, and all slow down.
    """

    shortest_s: float = 0.04
    longest_s: float = 0.25
    lateness_s: float = 0.0  # smoothed
    turns: int = 0  # that are being shown

    @property
    def interval_s(self) -> float:
        wanted = max(self.shortest_s, self.turns / MOST_PER_S) + SLUGGISHNESS * self.lateness_s
        return min(self.longest_s, wanted)

    @property
    def is_crowded(self) -> bool:
        """So many turns are being shown that each shows more seldom."""
        return self.turns / MOST_PER_S > self.shortest_s

    @contextlib.contextmanager
    def one_more(self) -> Iterator[None]:
        self.turns += 1
        try:
            yield
        finally:
            self.turns -= 1

    def was_late(self, seconds: float) -> None:
        self.lateness_s += SMOOTHING * (max(0.0, seconds) - self.lateness_s)


class Coalescer:
    """The first piece leaves at once, then what has gathered, once per interval; the end at once.

    One writer puts, one reader iterates.
    """

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace, self._clock = pace, clock
        self._pieces: list[str] = []
        self._some, self._closed = asyncio.Event(), asyncio.Event()
        self._error: BaseException | None = None
        self._due = clock()

    def put(self, text: str) -> None:
        self._pieces.append(text)
        self._some.set()

    async def rest(self) -> None:
        """For the writer, in a crowd: until shortly before the next text is due.

        To read each token as it comes costs more than all the rest of a turn; what came in the
        meantime is then read at once.
        """
        if self._pace.is_crowded and (left := self._due - EARLY_S - self._clock()) > 0:
            await asyncio.sleep(left)

    def close(self, error: BaseException | None = None) -> None:
        """No piece follows; with an error, what was not yet read is dropped."""
        self._error = error
        self._closed.set()
        self._some.set()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Raises the error with which it was closed."""
        with self._pace.one_more():
            while True:
                await self._some.wait()
                await self._wait_until(self._due)
                if self._error:
                    raise self._error
                text, self._pieces = "".join(self._pieces), []
                if text:
                    self._due = self._clock() + self._pace.interval_s
                    yield text
                elif self._closed.is_set():
                    return
                if not self._closed.is_set():
                    self._some.clear()

    async def _wait_until(self, due: float) -> None:
        remaining = due - self._clock()
        if remaining <= 0 or self._closed.is_set():
            return
        try:
            async with asyncio.timeout(remaining):
                await self._closed.wait()
        except TimeoutError:
            self._pace.was_late(self._clock() - due)
