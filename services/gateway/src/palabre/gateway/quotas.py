"""Limits: requests a minute, images an hour, open streams; refusing new questions under load."""

import asyncio
import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import structlog
from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, SlidingWindowCounterRateLimiter
from nats.errors import Error as NatsError

from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.gateway import metrics
from palabre.gateway.problems import Problem, retry_headers

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class Limits:
    """Counted per replica, in memory. A limit of 0 requests or bytes means none.

    `image_bytes` are those that a caller of the channel may send in an hour.
    """

    def __init__(
        self,
        per_minute: int,
        visitor_per_minute: int,
        streams: int,
        visitor_streams: int,
        image_bytes: Mapping[str, int],
    ) -> None:
        self.per_minute, self.visitor_per_minute = per_minute, visitor_per_minute
        self._streams = {"api": streams, "web": visitor_streams}
        self._image_bytes = image_bytes
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        # Its hour begins with the first image, so that it is known when there is room again.
        self._hours = FixedWindowRateLimiter(MemoryStorage())
        self._open: Counter[str] = Counter()

    def hit(self, caller: str, per_minute: int) -> None:
        """Raises Problem 429 when the caller's minute is full."""
        if not per_minute:
            return
        if not self._limiter.hit(RateLimitItemPerMinute(per_minute), caller):
            raise Problem(
                429,
                f"At most {per_minute} requests a minute: wait a moment and try again.",
                code="rate_limit_exceeded",
                headers={"Retry-After": "5"},
                refusal="quota",
            )

    def send_images(self, caller: str, channel: str, size: int) -> None:
        """Counts bytes of images that were sent. Raises Problem 429 when the hour is full.

        What is refused does not count: a smaller image may still go.
        """
        allowed = self._image_bytes[channel]
        if not (allowed and size):
            return
        hour = RateLimitItemPerHour(allowed)
        if not self._hours.test(hour, caller, cost=size):
            opens = self._hours.get_window_stats(hour, caller).reset_time
            raise _too_many_images(allowed, dt.datetime.fromtimestamp(opens, dt.UTC))
        self._hours.hit(hour, caller, cost=size)

    @contextlib.contextmanager
    def stream(self, caller: str, channel: str) -> Iterator[None]:
        """Holds one of the caller's streams. Raises Problem 429 when all are open."""
        allowed = self._streams[channel]
        if self._open[caller] >= allowed:
            raise Problem(
                429,
                f"At most {allowed} open streams: close one and try again.",
                code="rate_limit_exceeded",
                headers={"Retry-After": "1"},
                refusal="streams",
            )
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]


def _too_many_images(allowed: int, opens: dt.datetime) -> Problem:
    headers = retry_headers(opens)
    minutes = -(-int(headers["Retry-After"]) // 60)
    return Problem(
        429,
        f"At most {allowed / (1 << 20):.4g} MiB of images an hour: ask without, send smaller ones,"
        f" or try again in {minutes} min.",
        code="rate_limit_exceeded",
        headers=headers,
        refusal="images",
    )


class Load:
    """Looks every second whether a stage cannot follow; requests only read the answer."""

    def __init__(self, bus: Bus, durables: Sequence[str], limit: int) -> None:
        self._bus, self._durables, self._limit = bus, durables, limit
        metrics.OVERLOAD_LAG.set(limit)
        self.behind = ""  # the stage that cannot follow

    def check(self) -> None:
        """Raises Problem 503 while a stage cannot follow."""
        if self.behind:
            raise Problem(
                503,
                "Too many questions are waiting: try again in a few seconds.",
                headers={"Retry-After": "5"},
                refusal="overloaded",
            )

    async def watch(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(Unavailable, NatsError):
                self.behind = await self._slowest()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)

    async def _slowest(self) -> str:
        for durable in self._durables:
            lag = await self._bus.lag(durable)
            if lag > self._limit:
                log.warning("stage is behind", stage=durable, lag=lag)
                return durable
        return ""
