"""Watching turns until they end: somebody always answers, the adapter itself if need be."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import structlog
from nats.errors import Error as NatsError

from palabre.channels.admission import Thread
from palabre.channels.phrases import phrase
from palabre.channels.shown import Shown
from palabre.channels.views import Told, TurnView
from palabre.channels.waiting import Gone, until_gone
from palabre.channels.waits import WAITS
from palabre.chassis import events
from palabre.chassis.bus import Published, Stored
from palabre.chassis.errors import Erased, Unavailable
from palabre.contracts.v1 import events_pb2 as pb

log = structlog.get_logger()

TICK_S = 1.0
KEEP_ALIVE_S = 15.0
LOOK_S = 2.0
NOTICE_S = 20.0
GRACE_S = 1.0  # past the deadline a stage may say so itself


class View(Protocol):
    """One turn, or a conversation's."""

    def feed(self, event: pb.Event) -> list[Told]: ...

    @property
    def running(self) -> list[TurnView]: ...


class Facts(Protocol):
    """What patience needs of the bus."""

    async def publish(self, event: pb.Event) -> Published: ...

    async def latest(self, space: str, channel: str, conversation: str) -> list[Stored]: ...

    async def facts(self, space: str, channel: str, conversation: str) -> list[pb.Event]: ...


class Patience:
    """For those who wait for the turns of a conversation.

    After LOOK_S without an event, what the bus holds: it may have been away. After NOTICE_S a
    notice. At a turn's deadline an apology, in the name of `stage`.
    """

    def __init__(
        self,
        bus: Facts,
        thread: Thread,
        deadline_s: float,
        stage: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bus, self._thread = bus, thread
        self._deadline_s, self._stage, self._clock = deadline_s, stage, clock
        self._begun = self._looked = clock()
        self._heard: dict[str, float] = {}

    def heard(self, turn: str) -> None:
        self._heard[turn] = self._clock()

    async def look(self, view: View) -> list[Told]:
        """What to tell those who wait for these turns."""
        told = await self._missed(view)
        for turn in view.running:
            now = self._clock()
            if now > self._deadline(turn) + GRACE_S:
                told += turn.feed(await self._expire(turn))
            elif now - self._heard.setdefault(turn.turn, self._begun) > NOTICE_S:
                self.heard(turn.turn)
                message = phrase("waiting", turn.language)
                told.append(turn.tell("notice", {"turn": turn.turn, "message": message}))
        return told

    async def _missed(self, view: View) -> list[Told]:
        """Facts that came while the bus was away."""
        now = self._clock()
        heard = max((self._heard.get(turn.turn, 0.0) for turn in view.running), default=now)
        if now - max(heard, self._looked) < LOOK_S:
            return []
        self._looked = now
        try:
            latest = await self._bus.latest(*self._thread)
        except (Unavailable, NatsError):
            return []
        return [told for stored in latest for told in view.feed(stored.event)]

    def _deadline(self, view: TurnView) -> float:
        if view.first is None:
            return self._begun + self._deadline_s
        return view.first.deadline.seconds + view.first.deadline.nanos / 1e9

    async def _expire(self, view: TurnView) -> pb.Event:
        """The ending that the bus holds; ours where it had none."""
        log.warning("turn expired at its adapter", turn=view.turn, stage=self._stage)
        failed = pb.TurnFailed(
            reason=pb.FAILURE_REASON_EXPIRED,
            message=phrase("expired", view.language),
            stage=self._stage,
            retryable=True,
        )
        if view.first is None:
            return pb.Event(turn=view.turn, turn_failed=failed)
        ours = events.follow(view.first, failed)
        try:
            if not (await self._bus.publish(ours)).duplicate:
                return ours
            facts = await self._bus.facts(ours.space, ours.channel, ours.conversation)
        except (Unavailable, Erased, NatsError):
            return ours
        endings = (e for e in facts if e.turn == view.turn and is_ending(e))
        return next(endings, ours)


async def watch(
    stream: AsyncIterator[pb.Event],
    view: View,
    patience: Patience,
    gone: Gone,
    over: Callable[[], bool],
) -> AsyncIterator[Told | None]:
    """What to tell, until `over`; None when nothing was to tell for KEEP_ALIVE_S."""
    told_at = time.monotonic()
    with Shown() as shown:
        async for event in until_gone(stream, gone, TICK_S):
            if event is None:
                news = await patience.look(view)
            else:
                patience.heard(event.turn)
                news = view.feed(event)
            for told in news:
                WAITS.told(told)
                shown.told(told)
                yield told
            if over():
                return
            if news:
                told_at = time.monotonic()
            elif time.monotonic() - told_at > KEEP_ALIVE_S:
                told_at = time.monotonic()
                yield None


def is_ending(event: pb.Event) -> bool:
    return events.body_name(event) in events.ENDINGS
