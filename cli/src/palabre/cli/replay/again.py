"""Turns that are asked again, otherwise or the same: as replays, of which nobody hears."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from palabre.chassis import events, histories, replays
from palabre.chassis.bus import Bus
from palabre.chassis.spaces import Space
from palabre.cli.replay.knowledge import RECORDED
from palabre.cli.replay.recorded import Turn, past
from palabre.cli.server import Trouble
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Exchange, History, Utterance

GRACE_S = 5.0  # past the deadline a stage may say so itself
LATE_S = 1.0  # what a turn without an answer cost is told after its ending
CROWDED, LOOK_S = 20, 1.0  # so many of people's turns wait: they go first
STAGES = ("comprehend", "retrieve", "answer")


@dataclass(frozen=True, slots=True)
class Variation:
    """What is otherwise than then; nothing: the same again, as everything is set up now."""

    model: str = ""
    persona: str = ""
    knowledge: str = ""  # as it names itself
    space_revision: int = 0

    @property
    def name(self) -> str:
        said = {
            "model": self.model,
            "persona": self.persona,
            "knowledge": self.knowledge,
            "space revision": str(self.space_revision or ""),
        }
        return ", ".join(f"{key} {value}" for key, value in said.items() if value) or "the same"


class Again:
    """Asks turns again. Several may run at once."""

    def __init__(
        self,
        bus: Bus,
        spaces: Callable[[str], Space],
        variation: Variation,
        snapshot: str = "",
        deadline_s: float = events.DEADLINE_S,
    ) -> None:
        """`snapshot` is what was built of the knowledge as it was."""
        self._bus, self._spaces, self._variation = bus, spaces, variation
        self._snapshot, self._deadline_s = snapshot, deadline_s

    async def ask(self, turn: Turn, history: Sequence[Exchange]) -> Turn:
        """What came of it; without an ending when none came in time.

        Raises Trouble for what cannot be asked so, Reject, Erased, Unavailable. Cancelled, it
        cancels the turn.
        """
        first = self._first(turn, history)
        heard = Turn(first.turn)
        thread = first.space, first.channel, first.conversation
        async with self._bus.follow(*thread) as stream:
            await self._bus.publish(first)
            try:
                await self._hear(stream, heard, events.seconds_left(first) + GRACE_S)
            except asyncio.CancelledError:
                stop = events.follow(first, pb.TurnCancelled(reason="stop"))
                await asyncio.shield(self._bus.publish(stop))
                raise
        return heard

    async def quiet(self) -> None:
        """Waits while people wait. Raises Unavailable."""
        while True:
            if sum([await self._bus.lag(stage) for stage in STAGES]) <= CROWDED:
                return
            await asyncio.sleep(LOOK_S)

    async def _hear(self, stream: AsyncIterator[pb.Event], heard: Turn, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds) as patience:
                async for event in stream:
                    if event.turn != heard.id:
                        continue
                    heard.take(event)
                    if heard.completed:
                        return
                    if heard.ended:
                        patience.reschedule(asyncio.get_running_loop().time() + LATE_S)

    def _first(self, turn: Turn, history: Sequence[Exchange]) -> pb.Event:
        original = turn.any
        utterance = self._utterance(turn, history)
        body: pb.UtteranceReceived | pb.PassagesRetrieved = pb.UtteranceReceived(
            utterance=utterance
        )
        if self._variation.knowledge == RECORDED:
            body = _found_then(turn, utterance)
        where = replays.conversation_of(original.conversation)
        return events.begin(
            original.space, replays.CHANNEL, where, body, deadline_s=self._deadline_s
        )

    def _utterance(self, turn: Turn, history: Sequence[Exchange]) -> Utterance:
        """Nobody's: it counts against no quota, and may read what the asker might."""
        said, wanted = Utterance(), self._variation
        said.CopyFrom(turn.utterance)
        for name in ("carried_history", "speech", "speech_encoding"):
            said.ClearField(name)
        said.author.id = ""
        said.carries_history = said.replay = True
        said.carried_history.extend(_bounded(history))
        said.retries, said.persona = turn.id, self._persona(turn)
        said.model = wanted.model or said.model
        said.space_revision, said.snapshot = wanted.space_revision, self._snapshot
        return said

    def _persona(self, turn: Turn) -> str:
        """Who answered then: the channel of a replay has no persona of its own."""
        space, event = self._spaces(turn.any.space), turn.any
        answered = turn.completed.persona if turn.completed else ""
        name = self._variation.persona or answered
        name = name or space.persona_name(turn.utterance.persona, event.channel)
        if name not in space.personas:
            known = ", ".join(sorted(space.personas))
            raise Trouble(f"{event.space} has no persona {name!r}: choose one of {known}")
        return name


def history_of(turn: Turn, turns: Sequence[Turn]) -> list[Exchange]:
    """What the turn had before it, of its conversation's `turns`: as it was given to it while the
    log keeps that, else as the earlier turns tell it."""
    if turn.understood:
        return list(turn.understood.utterance_understood.history)
    if turn.utterance.carries_history:
        return list(turn.utterance.carried_history)
    return past(each for each in turns if each.id < turn.id)


def _bounded(history: Sequence[Exchange]) -> list[Exchange]:
    kept = History()
    for exchange in history:
        kept = histories.appended(kept, exchange)
    return list(kept.exchanges)


def _found_then(turn: Turn, utterance: Utterance) -> pb.PassagesRetrieved:
    """Raises Trouble where the log has forgotten it."""
    if turn.retrieved is None:
        raise Trouble(
            f"turn {turn.id}: what was found is kept for a day: leave out --knowledge {RECORDED}"
        )
    body = pb.PassagesRetrieved()
    body.CopyFrom(turn.retrieved.passages_retrieved)
    body.utterance.CopyFrom(utterance)
    for name in ("calls", "images_usage", "spent"):  # paid for then
        body.understanding.ClearField(name)
    return body
