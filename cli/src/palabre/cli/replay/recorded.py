"""Turns as the log of events has them: one conversation's, or all of them in bounded memory."""

import datetime as dt
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field

from palabre.chassis import events, replays, subjects
from palabre.chassis.bus import Bus
from palabre.chassis.direct_get import Raw
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Exchange, Understanding, Usage, Utterance

# What a turn's row in the archive is made of: the rest is read only where it is shown.
TOLD = frozenset({"utterance_received", *events.ENDINGS})
LATE_S = 60  # after its deadline a turn has no ending any more


@dataclass(slots=True)
class Turn:
    """What is known of one turn; a part is None once the log has forgotten it, or before it came.

    What was understood and found is kept for a day, the rest as long as TURNS keeps it.
    """

    id: str
    received: pb.Event | None = None
    understood: pb.Event | None = None
    retrieved: pb.Event | None = None
    ended: pb.Event | None = None
    spent: list[pb.Event] = field(default_factory=list)

    def take(self, event: pb.Event) -> None:
        match events.body_name(event):
            case "utterance_received":
                self.received = event
            case "utterance_understood":
                self.understood = event
            case "passages_retrieved":
                self.retrieved = event
            case "spending_recorded":
                self.spent.append(event)
            case name if name in events.ENDINGS:
                self.ended = event

    @property
    def told(self) -> list[pb.Event]:
        """What the archive makes a row of."""
        return [event for event in (self.received, self.ended) if event]

    @property
    def any(self) -> pb.Event:
        """Any of its events: they agree on where it belongs."""
        parts = (self.received, self.understood, self.retrieved, self.ended, *self.spent)
        return next(event for event in parts if event)

    @property
    def utterance(self) -> Utterance:
        """Empty when nothing tells any more what was said."""
        if self.received:
            return self.received.utterance_received.utterance
        if self.ended and self.ended.HasField("answer_completed"):
            return self.ended.answer_completed.utterance
        return Utterance()

    @property
    def understanding(self) -> Understanding | None:
        return self.understood.utterance_understood.understanding if self.understood else None

    @property
    def completed(self) -> pb.AnswerCompleted | None:
        ended = self.ended
        return ended.answer_completed if ended and ended.HasField("answer_completed") else None

    @property
    def calls(self) -> list[Usage]:
        """Every call of an engine, each once."""
        told = list(self.completed.calls or [self.completed.usage]) if self.completed else []
        told += [call for event in self.spent for call in event.spending_recorded.calls]
        return list({call.call or str(place): call for place, call in enumerate(told)}.values())

    @property
    def seconds(self) -> float | None:
        """From the utterance to the ending."""
        if not (self.received and self.ended):
            return None
        return (_at(self.ended) - _at(self.received)).total_seconds()

    @property
    def asked_at(self) -> dt.datetime:
        return _at(self.any)

    @property
    def deliveries(self) -> int:
        """How often the answering stage was given it, as far as its calls tell."""
        given = [call.call.split("/") for call in self.calls]
        return max((int(g[1]) for g in given if len(g) == 3 and g[1].isdecimal()), default=1)


def _at(event: pb.Event) -> dt.datetime:
    return event.occurred_at.ToDatetime(dt.UTC)


async def conversation(bus: Bus, name: str) -> list[Turn]:
    """Its turns, oldest first; none when the log has nothing of it. Raises Unavailable, Reject."""
    subjects.thread("any", "any", name)
    found = await bus.raw("TURNS", {"next_by_subj": subjects.anywhere("turns", name)})
    return gathered(events.decode(raw.data) for raw in found)


def gathered(facts: Iterable[pb.Event]) -> list[Turn]:
    turns: dict[str, Turn] = {}
    for event in facts:
        turns.setdefault(event.turn, Turn(event.turn)).take(event)
    return list(turns.values())


async def ended(
    bus: Bus, space: str = "", since: dt.datetime | None = None
) -> AsyncIterator[list[Turn]]:
    """All turns in the order in which they ended, a page at a time; then those that have not.

    Of each only `told` is there. Memory holds a page and the turns that were running then; a turn
    that lost its ending is given once its deadline has passed. Raises Unavailable.
    """
    query: dict[str, object] = {"next_by_subj": subjects.within("turns", space)}
    if since:
        query["start_time"] = since.astimezone(dt.UTC).isoformat()
    running: dict[str, Turn] = {}
    async for page in bus.pages("TURNS", query):
        if over := list(_over(page, running)):
            yield over
    if running:
        yield list(running.values())


def _over(page: list[Raw], running: dict[str, Turn]) -> Iterator[Turn]:
    newest = 0
    for raw in page:
        told = subjects.parse(raw.subject)
        if told.event not in TOLD or told.channel == replays.CHANNEL:
            continue
        event = events.decode(raw.data)
        newest = max(newest, event.occurred_at.seconds)
        turn = running.setdefault(event.turn, Turn(event.turn))
        turn.take(event)
        if turn.ended:
            yield running.pop(turn.id)
    for turn in [t for t in running.values() if t.any.deadline.seconds + LATE_S < newest]:
        yield running.pop(turn.id)


def past(turns: Iterable[Turn]) -> list[Exchange]:
    """What a history remembers of these turns, oldest first."""
    return [exchange for turn in turns if (exchange := _exchange(turn))]


def _exchange(turn: Turn) -> Exchange | None:
    """None where nothing was shown, or nobody knows what."""
    if turn.completed:
        answer, partial = turn.completed.text, False
    elif turn.ended and turn.ended.turn_failed.shown:
        answer, partial = turn.ended.turn_failed.shown, True
    else:
        return None
    images = [text for text in turn.understanding.images if text] if turn.understanding else []
    return Exchange(
        turn=turn.id,
        question=turn.utterance.text,
        answer=answer,
        partial=partial,
        images=images,
    )
