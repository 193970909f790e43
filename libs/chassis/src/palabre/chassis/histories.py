"""The recent turns of a conversation: comprehend reads them, answer writes them."""

from typing import Protocol

from nats.js.errors import APIError

from palabre.chassis.bus import AWAY, WRONG_LAST_SEQUENCE, Bus
from palabre.chassis.errors import Erased, Unavailable
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Exchange, History

KEPT = 20  # exchanges
MAX_BYTES = 128 * 1024


class Histories(Protocol):
    async def read(self, event: pb.Event) -> list[Exchange]:
        """Oldest first; empty for a new conversation. Raises Unavailable."""

    async def append(self, event: pb.Event, exchange: Exchange) -> None:
        """Once per turn: a second exchange of the same turn replaces the first."""


def appended(history: History, exchange: Exchange) -> History:
    """The history with this exchange, the oldest dropped until it fits."""
    kept = [e for e in history.exchanges if e.turn != exchange.turn] + [exchange]
    result = History(exchanges=kept[-KEPT:])
    while len(result.exchanges) > 1 and result.ByteSize() > MAX_BYTES:
        del result.exchanges[0]
    return result


class NatsHistories:
    """In the bucket `histories`, one entry per conversation."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def read(self, event: pb.Event) -> list[Exchange]:
        history, _ = await self._load(event.conversation)
        return list(history.exchanges)

    async def append(self, event: pb.Event, exchange: Exchange) -> None:
        if event.conversation in self._bus.erased:
            raise Erased
        for _ in range(5):
            history, revision = await self._load(event.conversation)
            if await self._save(event.conversation, appended(history, exchange), revision):
                return
        raise Unavailable("histories: others keep writing")

    async def _load(self, conversation: str) -> tuple[History, int]:
        query: dict[str, object] = {"multi_last": [f"$KV.histories.{conversation}"]}
        found = await self._bus.raw("KV_histories", query)
        if not found:
            return History(), 0
        return History.FromString(found[-1].data), found[-1].sequence

    async def _save(self, conversation: str, history: History, revision: int) -> bool:
        headers = {"Nats-Expected-Last-Subject-Sequence": str(revision)}
        subject, data = f"$KV.histories.{conversation}", history.SerializeToString()
        try:
            await self._bus.js.publish(subject, data, headers=headers)
        except APIError as error:
            if error.err_code == WRONG_LAST_SEQUENCE:
                return False
            raise Unavailable(f"histories: {error.description}") from error
        except AWAY as error:
            raise Unavailable("histories: NATS does not answer") from error
        return True


class MemoryHistories:
    """For tests without NATS."""

    def __init__(self) -> None:
        self._kept: dict[str, History] = {}

    async def read(self, event: pb.Event) -> list[Exchange]:
        return list(self._kept.get(event.conversation, History()).exchanges)

    async def append(self, event: pb.Event, exchange: Exchange) -> None:
        history = self._kept.get(event.conversation, History())
        self._kept[event.conversation] = appended(history, exchange)
