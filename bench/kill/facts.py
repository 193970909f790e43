"""What TURNS holds after a campaign, and what must be true of it whatever was killed meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from palabre.chassis import events, subjects
from palabre.chassis.bus import Bus, Stored
from palabre.contracts.v1 import events_pb2 as pb

PAUSE_S = 0.5
ONCE = frozenset({"utterance_received", "utterance_understood", "passages_retrieved"})


@dataclass(slots=True)
class Facts:
    """How often each fact of each turn, endings as one kind; the answers; what was out of order."""

    counted: dict[str, Counter[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    disorder: list[str] = field(default_factory=list)
    unspoken: list[str] = field(default_factory=list)

    @classmethod
    async def read(cls, bus: Bus, since: int = 1) -> Self:
        """Those from this sequence on."""
        found = cls()
        query = {"next_by_subj": subjects.every("turns"), "seq": since}
        conversations: dict[str, list[Stored]] = {}
        for stored in await bus.read("TURNS", query):
            conversations.setdefault(stored.event.conversation, []).append(stored)
            found._count(stored.event)
        for facts in conversations.values():
            found.disorder += _disorder([stored.event for stored in facts])
            found.unspoken += _unspoken([stored.event for stored in facts])
        return found

    @classmethod
    async def settled(cls, bus: Bus, since: int = 1, patience_s: float = 30) -> Self:
        """`read` once every sentence was spoken, or when patience ends.

        Whoever reads an answer is done before its last sentence has been spoken.
        """
        for _ in range(round(patience_s / PAUSE_S)):
            found = await cls.read(bus, since)
            if not found.unspoken:
                break
            await asyncio.sleep(PAUSE_S)
        return found

    def _count(self, event: pb.Event) -> None:
        name = events.body_name(event)
        kind = "ended" if name in events.ENDINGS else name
        self.counted.setdefault(event.turn, Counter())[kind] += 1
        if event.HasField("answer_completed"):
            self.texts[event.turn] = event.answer_completed.text

    @property
    def repeated(self) -> list[str]:
        """Turns that have a fact twice, or two endings."""
        of_each = self.counted.items()
        return [t for t, seen in of_each if any(seen[name] > 1 for name in ONCE | {"ended"})]


def _disorder(facts: list[pb.Event]) -> Iterator[str]:
    """A turn that began before the one before it had ended, or did not know its answer."""
    running, answered = "", []
    for event in facts:
        name = events.body_name(event)
        if name == "utterance_received":
            if running:
                yield f"{event.turn} began while {running} was being answered"
            running = event.turn
        elif name in events.ENDINGS and event.turn == running:
            running = ""
            if name == "answer_completed":
                answered.append(event.turn)
        elif name == "utterance_understood":
            known = [exchange.turn for exchange in event.utterance_understood.history]
            if known != answered[len(answered) - len(known) :] or bool(known) != bool(answered):
                yield f"{event.turn} knew {len(known)} turns, not the last of {len(answered)}"


def _unspoken(facts: list[pb.Event]) -> Iterator[str]:
    """Sentences of an answer, in the attempt that ended it, which nobody spoke to the end."""
    spoken = {(e.turn, e.attempt, e.index) for e in facts if e.HasField("speech_completed")}
    attempts = {e.turn: e.attempt for e in facts if e.HasField("answer_completed")}
    said = [e for e in facts if e.HasField("segment_ready") and e.attempt == attempts.get(e.turn)]
    for event in said:
        if (event.turn, event.attempt, event.index) not in spoken:
            yield f"{event.turn}, sentence {event.index}"
