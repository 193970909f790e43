"""Turns that were cancelled in the last ten minutes, as every stage must know them."""

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

from nats.aio.msg import Msg

from palabre.chassis import subjects
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import events_pb2 as pb

MEMORY_S = 600.0


class Cancellations:
    """Follows `turn_cancelled`; tells whoever works on the turn."""

    def __init__(self) -> None:
        self._turns: dict[str, tuple[float, int]] = {}  # when, and how much had been heard
        self._listeners: dict[str, set[Callable[[], Any]]] = {}

    async def follow(self, bus: Bus) -> None:
        """Subscribes first, then reads what was cancelled before."""
        told = subjects.every("stored", "turn_cancelled")
        await bus.client.subscribe(told, cb=self._received)
        since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=MEMORY_S)
        with contextlib.suppress(Unavailable):
            subject = subjects.every("turns", "turn_cancelled")
            query = {"next_by_subj": subject, "start_time": since.isoformat(), "seq": 0}
            for stored in await bus.read("TURNS", query):
                self.add(stored.event.turn, stored.event.turn_cancelled.heard)

    def add(self, turn: str, heard: int = 0) -> None:
        """`heard`: code points of the answer that had reached the person; 0 when unknown."""
        now = time.monotonic()
        self._turns[turn] = now, heard
        for old in list(self._expired(now)):
            del self._turns[old]
        for tell in list(self._listeners.get(turn, ())):
            tell()

    def __contains__(self, turn: str) -> bool:
        return turn in self._turns

    def heard(self, turn: str) -> int:
        """Code points that had reached the person by then; 0 when unknown."""
        return self._turns.get(turn, (0.0, 0))[1]

    def on_cancel(self, turn: str, tell: Callable[[], Any]) -> Callable[[], None]:
        """Calls `tell` when the turn is cancelled. Returns how to forget it again."""
        self._listeners.setdefault(turn, set()).add(tell)
        return lambda: self._forget(turn, tell)

    def _forget(self, turn: str, tell: Callable[[], Any]) -> None:
        listeners = self._listeners.get(turn, set())
        listeners.discard(tell)
        if not listeners:
            self._listeners.pop(turn, None)

    def _expired(self, now: float) -> Iterator[str]:
        for turn, (at, _) in self._turns.items():  # oldest first
            if now - at < MEMORY_S:
                return
            yield turn

    async def _received(self, msg: Msg) -> None:
        event = pb.Event.FromString(msg.data)
        self.add(event.turn, event.turn_cancelled.heard)
