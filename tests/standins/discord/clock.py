"""Time that tests can move, and the ids made of it."""

import itertools
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

EPOCH_MS = 1_420_070_400_000  # Discord's, the first second of 2015


@dataclass(slots=True)
class Clock:
    """The real time, and what a test let pass on top of it."""

    ahead: float = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.ahead

    def advance(self, seconds: float) -> None:
        """Deadlines, tokens and rate limits age by this much at once; nobody is woken up."""
        self.ahead += seconds


@dataclass(slots=True)
class Snowflakes:
    """Ids: 42 bits of milliseconds since Discord's epoch, then 22 that make them unique.

    https://docs.discord.com/developers/reference#snowflakes
    """

    clock: Clock
    _count: "itertools.count[int]" = field(default_factory=itertools.count)

    def new(self, at: float | None = None) -> int:
        """Greater than every one before it, unless an earlier moment is asked for."""
        moment = self.clock.now() if at is None else at
        return int(moment * 1000 - EPOCH_MS) << 22 | next(self._count) & 0x3FFFFF


def seconds_of(snowflake: int) -> float:
    return ((snowflake >> 22) + EPOCH_MS) / 1000


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
