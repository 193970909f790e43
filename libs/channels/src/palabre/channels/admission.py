"""One running turn per conversation, exact across replicas."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from palabre.channels.waits import WAITS
from palabre.chassis import events, tracing
from palabre.chassis.bus import Conflict, Published, Stored
from palabre.chassis.ids import derived
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2

_TRIES, _AGAIN_S = 5, 0.02


class Thread(NamedTuple):
    """Where the events of a conversation are."""

    space: str
    channel: str
    conversation: str


class Facts(Protocol):
    """What admission needs of the bus."""

    async def publish(self, event: pb.Event, *, expected: int | None = None) -> Published: ...

    async def latest(self, space: str, channel: str, conversation: str) -> list[Stored]: ...

    async def facts(self, space: str, channel: str, conversation: str) -> list[pb.Event]: ...


class Running(Exception):
    """Another turn of the conversation is running."""

    def __init__(self, turn: str) -> None:
        super().__init__(turn)
        self.turn = turn


class OtherWords(Exception):
    """The idempotency key was used with another text, or other images."""


class State(NamedTuple):
    """The newest turn of a conversation, and what to expect of the next one's publication."""

    sequence: int
    newest: pb.Event | None
    running: bool


def state(latest: Iterable[Stored]) -> State:
    """From the last fact of each kind: a turn runs until it has an ending or its deadline."""
    facts = {events.body_name(stored.event): stored for stored in latest}
    received = facts.get("utterance_received")
    if received is None:
        return State(0, None, False)
    ended = {facts[name].event.turn for name in events.ENDINGS & facts.keys()}
    newest = received.event
    running = newest.turn not in ended and events.seconds_left(newest) > 0
    return State(received.sequence, newest, running)


def turn_of_key(caller: str, conversation: str, key: str) -> str | None:
    """The turn that an idempotency key stands for; None without a key."""
    return derived("turn", caller, conversation, key) if key else None


class Admission:
    """Admits turns. The bus refuses a publication that another one overtook."""

    def __init__(self, bus: Facts, deadline_s: float) -> None:
        self._bus, self._deadline_s = bus, deadline_s

    def begin(
        self, thread: Thread, utterance: turns_pb2.Utterance, turn: str | None = None
    ) -> pb.Event:
        """The event that admits a turn, not yet published."""
        body = pb.UtteranceReceived(utterance=utterance)
        return events.begin(*thread, body, turn=turn, deadline_s=self._deadline_s)

    async def open(self, first: pb.Event) -> bool:
        """Admits the first turn of a new conversation. False when that was done before."""
        tracing.about(first)
        try:
            return await self._publish(first, 0)
        except Conflict:
            return False

    async def admit(self, first: pb.Event, *, interrupt: bool = False) -> bool:
        """Admits a turn. False when the same turn had been admitted before.

        Raises Running unless `interrupt`, which cancels the running turn; OtherWords.
        """
        thread = Thread(first.space, first.channel, first.conversation)
        for _ in range(_TRIES):
            now = state(await self._bus.latest(*thread))
            if now.newest and await self._known(thread, first, now):
                return False
            tracing.about(first)
            if now.newest and now.running:
                if not interrupt:
                    raise Running(now.newest.turn)
                await self._bus.publish(cancellation(now.newest, "superseded"))
            try:
                return await self._publish(first, now.sequence)
            except Conflict:
                await asyncio.sleep(_AGAIN_S)  # another replica was faster, or a node behind
        raise Running(now.newest.turn if now.newest else first.turn)

    async def cancel(self, thread: Thread, reason: str, heard: int = 0) -> str | None:
        """Cancels the running turn and returns its id; None when nothing runs."""
        now = state(await self._bus.latest(*thread))
        if now.newest is None or not now.running:
            return None
        await self._bus.publish(cancellation(now.newest, reason, heard))
        return now.newest.turn

    async def _publish(self, first: pb.Event, expected: int) -> bool:
        """False for a double. Raises Conflict."""
        since = WAITS.clock()
        if (await self._bus.publish(first, expected=expected)).duplicate:
            return False
        WAITS.begin(first, since)
        return True

    async def _known(self, thread: Thread, first: pb.Event, now: State) -> bool:
        """The turn exists already: only one with an idempotency key can."""
        if not _is_derived(first.turn):
            return False
        same = now.newest
        if same is None or same.turn != first.turn:
            received = await self._bus.facts(*thread)
            same = next((e for e in received if _is_utterance_of(e, first.turn)), None)
        if same is None:
            return False
        if _asked(same) != _asked(first):
            raise OtherWords
        return True


def cancellation(received: pb.Event, reason: str, heard: int = 0) -> pb.Event:
    return events.follow(received, pb.TurnCancelled(reason=reason, heard=heard))


def _asked(received: pb.Event) -> tuple[str, ...]:
    said = received.utterance_received.utterance
    return said.text, *(image.blob for image in said.attachments)


def _is_derived(turn: str) -> bool:
    return turn[14:15] == "8"  # the version of the UUID: 7 for those that are drawn


def _is_utterance_of(event: pb.Event, turn: str) -> bool:
    return event.turn == turn and events.body_name(event) == "utterance_received"
