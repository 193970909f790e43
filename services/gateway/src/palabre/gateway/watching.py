"""Watching turns until they end: somebody always answers, the gateway itself if need be."""

import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Protocol

import structlog

from palabre.chassis import events
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Erased, Unavailable
from palabre.contracts.v1 import events_pb2 as pb
from palabre.gateway.phrases import phrase
from palabre.gateway.sse import Gone, until_gone
from palabre.gateway.stream import TurnView, Wire

log = structlog.get_logger()

TICK_S = 1.0
KEEP_ALIVE_S = 15.0
NOTICE_S = 20.0
GRACE_S = 1.0  # past the deadline a stage may say so itself


class View(Protocol):
    """One turn, or a conversation's."""

    def feed(self, event: pb.Event) -> list[Wire]: ...

    @property
    def running(self) -> list[TurnView]: ...


class Patience:
    """A notice after NOTICE_S without an event of a turn; at its deadline an apology."""

    def __init__(self, bus: Bus, deadline_s: float, clock: Callable[[], float] = time.time) -> None:
        self._bus, self._deadline_s, self._clock = bus, deadline_s, clock
        self._begun = clock()
        self._heard: dict[str, float] = {}

    def heard(self, turn: str) -> None:
        self._heard[turn] = self._clock()

    async def look(self, views: Iterable[TurnView]) -> list[Wire]:
        """What to tell those who wait for these turns."""
        told: list[Wire] = []
        for view in views:
            now = self._clock()
            if now > self._deadline(view) + GRACE_S:
                told += view.feed(await self._expire(view))
            elif now - self._heard.setdefault(view.turn, self._begun) > NOTICE_S:
                self.heard(view.turn)
                message = phrase("waiting", view.language)
                told.append(view.tell("notice", {"turn": view.turn, "message": message}))
        return told

    def _deadline(self, view: TurnView) -> float:
        if view.first is None:
            return self._begun + self._deadline_s
        return view.first.deadline.seconds + view.first.deadline.nanos / 1e9

    async def _expire(self, view: TurnView) -> pb.Event:
        """The ending that the bus holds; ours where it had none."""
        log.warning("turn expired at the gateway", turn=view.turn)
        failed = pb.TurnFailed(
            reason=pb.FAILURE_REASON_EXPIRED,
            message=phrase("expired", view.language),
            stage="gateway",
            retryable=True,
        )
        if view.first is None:
            return pb.Event(turn=view.turn, turn_failed=failed)
        ours = events.follow(view.first, failed)
        try:
            if not (await self._bus.publish(ours)).duplicate:
                return ours
            facts = await self._bus.facts(ours.space, ours.channel, ours.conversation)
        except (Unavailable, Erased):
            return ours
        endings = (e for e in facts if e.turn == view.turn and is_ending(e))
        return next(endings, ours)


async def watch(
    stream: AsyncIterator[pb.Event],
    view: View,
    patience: Patience,
    gone: Gone,
    over: Callable[[], bool],
) -> AsyncIterator[Wire | None]:
    """What to tell, until `over`; None when nothing was to tell for KEEP_ALIVE_S."""
    told_at = time.monotonic()
    async for event in until_gone(stream, gone, TICK_S):
        if event is None:
            wires = await patience.look(view.running)
        else:
            patience.heard(event.turn)
            wires = view.feed(event)
        for wire in wires:
            yield wire
        if over():
            return
        if wires:
            told_at = time.monotonic()
        elif time.monotonic() - told_at > KEEP_ALIVE_S:
            told_at = time.monotonic()
            yield None


def is_ending(event: pb.Event) -> bool:
    return events.body_name(event) in events.ENDINGS
