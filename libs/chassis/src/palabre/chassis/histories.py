"""The recent turns of a conversation: comprehend reads them, answer writes them."""

import asyncio
from typing import Protocol

from palabre.chassis import replays
from palabre.chassis.bus import Bus, Conflict
from palabre.chassis.direct_get import Raw
from palabre.chassis.errors import Erased, Unavailable
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Exchange, History

KEPT = 20  # exchanges
MAX_BYTES = 128 * 1024
_TRIES, _AGAIN_S = 50, 0.02


class Histories(Protocol):
    async def read(self, event: pb.Event) -> list[Exchange]:
        """Oldest first; empty for a new conversation. Raises Unavailable."""

    async def append(self, event: pb.Event, exchange: Exchange) -> None:
        """Once per turn: a second exchange of the same turn replaces the first.

        Nothing remembers a replay.
        """


def appended(history: History, exchange: Exchange) -> History:
    """The history with this exchange, the oldest dropped until it fits."""
    kept = [e for e in history.exchanges if e.turn != exchange.turn] + [exchange]
    result = History(exchanges=kept[-KEPT:])
    while len(result.exchanges) > 1 and result.ByteSize() > MAX_BYTES:
        del result.exchanges[0]
    return result


class NatsHistories:
    """In the bucket `histories`, one entry per turn, so that each can be overwritten when erased:
    an entry that is only superseded would stay in the files.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def read(self, event: pb.Event) -> list[Exchange]:
        subject = f"$KV.histories.{event.conversation}.*"
        entries, newest = await asyncio.gather(
            self._entries(subject), self._bus.newest("KV_histories", subject)
        )
        for _ in range(_TRIES):
            if newest <= max((entry.sequence for entry in entries), default=0):
                break
            await asyncio.sleep(_AGAIN_S)  # the node that answered is behind
            entries = await self._entries(subject)
        history = History()
        for entry in entries:
            history = appended(history, Exchange.FromString(entry.data))
        return list(history.exchanges)

    async def _entries(self, subject: str) -> list[Raw]:
        return await self._bus.raw("KV_histories", {"multi_last": [subject]})

    async def append(self, event: pb.Event, exchange: Exchange) -> None:
        if replays.is_replay(event):
            return
        if event.conversation in self._bus.erased:
            raise Erased
        subject = f"$KV.histories.{event.conversation}.{exchange.turn}"
        if await self._write(subject, exchange):
            return
        for entry in await self._bus.raw("KV_histories", {"multi_last": [subject]}):
            await self._bus.overwrite("KV_histories", entry.sequence)
        if not await self._write(subject, exchange):
            raise Unavailable("histories: somebody else writes this turn")

    async def _write(self, subject: str, exchange: Exchange) -> bool:
        """False when the turn has an exchange already."""
        try:
            await self._bus.put(subject, exchange.SerializeToString(), expected=0)
        except Conflict:
            return False
        return True


class MemoryHistories:
    """For tests without NATS."""

    def __init__(self) -> None:
        self._kept: dict[str, History] = {}

    async def read(self, event: pb.Event) -> list[Exchange]:
        return list(self._kept.get(event.conversation, History()).exchanges)

    async def append(self, event: pb.Event, exchange: Exchange) -> None:
        if replays.is_replay(event):
            return
        history = self._kept.get(event.conversation, History())
        self._kept[event.conversation] = appended(history, exchange)
