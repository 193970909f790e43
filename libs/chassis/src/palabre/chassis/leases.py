"""One answer at a time: the lease of a conversation, and the fencing number that it gives."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from nats.errors import Error as NatsError

from palabre.chassis.bus import Bus, Conflict
from palabre.chassis.errors import Busy, Unavailable
from palabre.chassis.streams import LEASE_TTL_S

RENEW_EVERY_S = 4.0
RELEASE_S = 1.0
MARGIN_S = 2.0  # what a last step may still take
_DELETE = "$JS.API.STREAM.MSG.DELETE.KV_leases"


class Leases(Protocol):
    """Held while an answer is written."""

    def hold(self, key: str) -> AbstractAsyncContextManager[int]:
        """Yields the attempt, which only grows. Raises Busy; Unavailable when it was lost.

        Where it ends by raising, the same holder may take it again at once.
        """


class NatsLeases:
    """In the bucket `leases`: the revision that made the entry is the attempt.

    Renewed with its own revision, released by deleting exactly its own entry: a holder that was
    stopped and goes on cannot renew or release the next one's.
    """

    def __init__(self, bus: Bus, renew_every_s: float = RENEW_EVERY_S) -> None:
        self._bus, self._renew_every_s = bus, renew_every_s

    @contextlib.asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[int]:
        async with self.lease(key) as lease:
            yield lease.attempt

    @contextlib.asynccontextmanager
    async def lease(self, key: str) -> AsyncIterator["Lease"]:
        """As `hold`, for who has to ask before each step whether it is still the holder."""
        begun = time.monotonic()
        lease = Lease(self._bus, key, await _write(self._bus, key, expected=0), begun)
        holder = asyncio.current_task()
        renewing = asyncio.create_task(lease.renew(self._renew_every_s))
        renewing.add_done_callback(lambda task: _stop(holder, task))
        done = False
        try:
            yield lease
            done = True
        except asyncio.CancelledError:
            if renewing.done() and not renewing.cancelled():
                if holder:
                    holder.uncancel()
                raise Unavailable("the lease was lost") from renewing.exception()
            raise
        finally:
            renewing.cancel()
            await lease.release(awaited=not done)


class MemoryLeases:
    """For tests without NATS: the same promises within one process."""

    def __init__(self) -> None:
        self._held: set[str] = set()
        self._revision = 0

    @contextlib.asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[int]:
        if key in self._held:
            raise Busy(key)
        self._held.add(key)
        self._revision += 1
        try:
            yield self._revision
        finally:
            self._held.discard(key)


class Lease:
    """A lease that is held. `attempt` only grows from holder to holder."""

    def __init__(self, bus: Bus, key: str, revision: int, begun: float) -> None:
        self._bus, self._key = bus, key
        self.attempt = self.revision = revision
        self._renewed = begun

    @property
    def is_sure(self) -> bool:
        """Nobody else can have it yet: false for a process that was stopped for long."""
        return time.monotonic() - self._renewed < LEASE_TTL_S - MARGIN_S

    async def renew(self, every_s: float) -> None:
        """Ends only by raising: the lease is another's, or could not be renewed in time."""
        while True:
            await asyncio.sleep(every_s)
            begun = time.monotonic()
            try:
                self.revision = await _write(self._bus, self._key, expected=self.revision)
                self._renewed = begun
            except Unavailable:
                if time.monotonic() - self._renewed > LEASE_TTL_S - every_s:
                    raise

    async def release(self, *, awaited: bool) -> None:
        """Deletes our own entry, by its sequence. If it fails, the bucket's TTL does it.

        The server deletes beside what it stores: who wants the lease again waits for its word.
        """
        request = json.dumps({"seq": self.revision}).encode()
        with contextlib.suppress(NatsError):
            if awaited:
                await self._bus.client.request(_DELETE, request, timeout=RELEASE_S)
            else:
                await self._bus.client.publish(_DELETE, request)


async def _write(bus: Bus, key: str, expected: int) -> int:
    try:
        return int((await bus.put(f"$KV.leases.{key}", b"", expected=expected)).seq)
    except Conflict as error:
        raise Busy(key) from error


def _stop(holder: asyncio.Task[object] | None, renewing: asyncio.Task[None]) -> None:
    if holder and not renewing.cancelled():
        holder.cancel()
