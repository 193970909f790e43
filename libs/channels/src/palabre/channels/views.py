"""A turn as a person sees it: put together from events in any order, told once and in order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from palabre.channels import answers
from palabre.chassis import events, replays
from palabre.contracts.v1 import events_pb2 as pb


class Position(NamedTuple):
    """How much of a turn was shown; as text `<turn>/<attempt>/<offset>`."""

    turn: str
    attempt: int = 0
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.turn}/{self.attempt}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """None for what is no position."""
        turn, _, rest = text.partition("/")
        attempt, _, offset = rest.partition("/")
        if turn and attempt.isdecimal() and offset.isdecimal():
            return cls(turn, int(attempt), int(offset))
        return None


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that whoever waits for a turn is told, and where they are after it.

    name        data
    accepted    turn, question
    delta       turn, attempt, offset, text: goes on where the last one ended
    restarted   turn, attempt: what was shown is void
    segment     turn, index, offset, length, duration_ms: a sentence that can be heard
    notice      turn, message: it takes longer than usual
    completed   `answers.completed`: the whole answer, whatever was shown before
    failed      `answers.failed`
    cancelled   turn, reason

    A turn ends with one of the last three. `event` is what happened; a notice has none.
    """

    name: str
    position: Position
    data: dict[str, Any]
    event: pb.Event | None = None


class TurnView:
    """Turns the events of one turn into what a person is told; nobody is told of a replay.

    Events may come twice, in any order, and from several attempts: a lower attempt than the one
    shown is ignored, a higher one begins again, pieces wait until what is before them is there,
    and the ending is authoritative. `seen` is what was shown before.
    """

    def __init__(self, turn: str, seen: Position | None = None) -> None:
        self.turn = turn
        self.ended = False
        self.first: pb.Event | None = None  # the utterance, when it was seen
        self.attempt = seen.attempt if seen else 0
        self.length = seen.offset if seen else 0  # code points that were told
        self._accepted = seen is not None
        self._waiting: dict[int, str] = {}
        self._segments: dict[tuple[int, int], pb.SegmentReady] = {}
        self._spoken: dict[tuple[int, int], pb.SpeechCompleted] = {}

    def feed(self, event: pb.Event) -> list[Told]:
        """What to tell now; usually one event, often none."""
        step = _STEPS.get(events.body_name(event))
        if event.turn != self.turn or step is None or replays.is_replay(event):
            return []
        return list(step(self, event))

    @property
    def running(self) -> "list[TurnView]":
        return [] if self.ended else [self]

    @property
    def language(self) -> str:
        return self.first.utterance_received.utterance.language if self.first else ""

    def tell(self, name: str, data: dict[str, Any], event: pb.Event | None = None) -> Told:
        return Told(name, Position(self.turn, self.attempt, self.length), data, event)

    def _received(self, event: pb.Event) -> Iterable[Told]:
        self.first = event
        if self._accepted:
            return
        self._accepted = True
        question = event.utterance_received.utterance.text
        yield self.tell("accepted", {"turn": self.turn, "question": question}, event)

    def _delta(self, event: pb.Event) -> Iterable[Told]:
        if self.ended or event.attempt < self.attempt:
            return
        yield from self._advance(event)
        offset, text = self.length, self._take(event.answer_delta)
        if text:
            data = {"turn": self.turn, "attempt": self.attempt, "offset": offset, "text": text}
            yield self.tell("delta", data, event)

    def _restarted(self, event: pb.Event) -> Iterable[Told]:
        if not self.ended and event.attempt > self.attempt:
            yield from self._advance(event)

    def _completed(self, event: pb.Event) -> Iterable[Told]:
        if not self.ended:
            self._end(max(self.attempt, event.attempt), len(event.answer_completed.text))
            yield self.tell("completed", answers.completed(event), event)

    def _failed(self, event: pb.Event) -> Iterable[Told]:
        if not self.ended:
            self._end(self.attempt, self.length)
            yield self.tell("failed", answers.failed(event, self.language), event)

    def _cancelled(self, event: pb.Event) -> Iterable[Told]:
        if not self.ended:
            self._end(self.attempt, self.length)
            reason = event.turn_cancelled.reason
            yield self.tell("cancelled", {"turn": self.turn, "reason": reason}, event)

    def _segment(self, event: pb.Event) -> Iterable[Told]:
        key = (event.attempt, event.index)
        if events.body_name(event) == "segment_ready":
            self._segments[key] = event.segment_ready
        else:
            self._spoken[key] = event.speech_completed
        if event.attempt < self.attempt or not (key in self._segments and key in self._spoken):
            return
        segment, spoken = self._segments.pop(key), self._spoken.pop(key)
        data = {
            "turn": self.turn,
            "index": event.index,
            "offset": segment.offset,
            "length": 0 if segment.notice else len(segment.text),
            "duration_ms": spoken.duration_ms,
        }
        yield self.tell("segment", data, event)

    def _advance(self, event: pb.Event) -> Iterable[Told]:
        """A higher attempt makes void what was shown of a lower one."""
        if event.attempt == self.attempt:
            return
        shown, self.attempt, self.length = self.length, event.attempt, 0
        self._waiting.clear()
        if shown:
            yield self.tell("restarted", {"turn": self.turn, "attempt": self.attempt}, event)

    def _take(self, delta: pb.AnswerDelta) -> str:
        """The text that this piece, and those that waited for it, add at the end."""
        waiting = self._waiting
        waiting[delta.offset] = max(waiting.get(delta.offset, ""), delta.text, key=len)
        gained = ""
        while fitting := [offset for offset in waiting if offset <= self.length]:
            new = waiting.pop(fitting[0])[self.length - fitting[0] :]
            gained, self.length = gained + new, self.length + len(new)
        return gained

    def _end(self, attempt: int, length: int) -> None:
        self.ended, self.attempt, self.length = True, attempt, length
        self._waiting.clear()


_STEPS: dict[str, Callable[[TurnView, pb.Event], Iterable[Told]]] = {
    "utterance_received": TurnView._received,
    "answer_delta": TurnView._delta,
    "answer_restarted": TurnView._restarted,
    "answer_completed": TurnView._completed,
    "turn_failed": TurnView._failed,
    "turn_cancelled": TurnView._cancelled,
    "segment_ready": TurnView._segment,
    "speech_completed": TurnView._segment,
}


class ConversationView:
    """The turns of a conversation, each from its utterance on; those in `past` are not told."""

    def __init__(self, past: Iterable[str] = (), seen: Position | None = None) -> None:
        self._past = set(past)
        self.turns: dict[str, TurnView] = {}
        if seen and seen.turn not in self._past:
            self.turns[seen.turn] = TurnView(seen.turn, seen)

    def feed(self, event: pb.Event) -> list[Told]:
        if replays.is_replay(event):
            return []
        view = self.turns.get(event.turn)
        if view is None:
            if event.turn in self._past or events.body_name(event) != "utterance_received":
                return []
            view = self.turns[event.turn] = TurnView(event.turn)
        return view.feed(event)

    @property
    def running(self) -> list[TurnView]:
        return [view for view in self.turns.values() if not view.ended]
