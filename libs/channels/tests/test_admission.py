"""One running turn per conversation."""

import pytest

from palabre.channels.admission import (
    Admission,
    OtherWords,
    Running,
    Thread,
    cancellation,
    state,
    turn_of_key,
)
from palabre.channels.testing import completed
from palabre.chassis import events
from palabre.chassis.bus import Conflict, Published, Stored
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2

THREAD = Thread("demo", "web", "c-1")


class MemoryFacts:
    """Keeps facts as the stream does: once by id, in order, refusing what was overtaken."""

    def __init__(self) -> None:
        self.kept: list[pb.Event] = []

    async def publish(self, event: pb.Event, *, expected: int | None = None) -> Published:
        for sequence, kept in enumerate(self.kept, 1):
            if kept.id == event.id:
                return Published(sequence, duplicate=True)
        name = events.body_name(event)
        same = [n for n, e in enumerate(self.kept, 1) if events.body_name(e) == name]
        if expected is not None and expected != max(same, default=0):
            raise Conflict(name)
        self.kept.append(event)
        return Published(len(self.kept), duplicate=False)

    async def latest(self, space: str, channel: str, conversation: str) -> list[Stored]:
        last = {events.body_name(e): Stored(n, e) for n, e in enumerate(self.kept, 1)}
        return sorted(last.values(), key=lambda stored: stored.sequence)

    async def facts(self, space: str, channel: str, conversation: str) -> list[pb.Event]:
        return list(self.kept)


class SlowFacts(MemoryFacts):
    """Another replica admits its own turn between our look and our publication."""

    def __init__(self, other: pb.Event) -> None:
        super().__init__()
        self._other: pb.Event | None = other

    async def publish(self, event: pb.Event, *, expected: int | None = None) -> Published:
        if self._other and event.HasField("utterance_received"):
            other, self._other = self._other, None
            await super().publish(other)
        return await super().publish(event, expected=expected)


def first(text: str = "Quand ?", turn: str | None = None, deadline_s: float = 60) -> pb.Event:
    utterance = turns_pb2.Utterance(text=text)
    return Admission(MemoryFacts(), deadline_s).begin(THREAD, utterance, turn)


async def test_a_turn_runs_until_it_ends() -> None:
    bus = MemoryFacts()
    admission = Admission(bus, 60)
    one = first()
    assert await admission.admit(one)
    with pytest.raises(Running) as refusal:
        await admission.admit(first())
    assert refusal.value.turn == one.turn
    await bus.publish(events.follow(one, completed("Oui")))
    assert await admission.admit(first())


async def test_a_turn_past_its_deadline_no_longer_runs() -> None:
    bus = MemoryFacts()
    await bus.publish(first(deadline_s=-1))
    assert await Admission(bus, 60).admit(first())


async def test_an_interruption_cancels_what_runs() -> None:
    bus = MemoryFacts()
    admission, one, two = Admission(bus, 60), first(), first()
    await admission.admit(one)
    assert await admission.admit(two, interrupt=True)
    [cancelled] = [e for e in bus.kept if e.HasField("turn_cancelled")]
    assert (cancelled.turn, cancelled.turn_cancelled.reason) == (one.turn, "superseded")
    assert await admission.cancel(THREAD, "stop", heard=4) == two.turn
    assert await admission.cancel(THREAD, "stop") is None


async def test_who_is_overtaken_by_another_replica_is_refused() -> None:
    other = first("Autre chose")
    bus = SlowFacts(other)
    with pytest.raises(Running) as refusal:
        await Admission(bus, 60).admit(first())
    assert refusal.value.turn == other.turn
    assert len(bus.kept) == 1


async def test_an_idempotency_key_admits_one_turn_however_often_it_comes() -> None:
    bus = MemoryFacts()
    admission = Admission(bus, 60)
    turn = turn_of_key("me", "c-1", "key")
    assert await admission.admit(first(turn=turn))
    assert not await admission.admit(first(turn=turn))
    await bus.publish(cancellation(bus.kept[0], "stop"))
    await admission.admit(first("Et après ?"))
    assert not await admission.admit(first(turn=turn))
    with pytest.raises(OtherWords):
        await admission.admit(first("Autre chose", turn=turn))


async def test_a_new_conversation_opens_once() -> None:
    admission = Admission(MemoryFacts(), 60)
    assert await admission.open(first())
    assert not await admission.open(first())


def test_keys_of_different_people_and_conversations_are_different_turns() -> None:
    keys = {turn_of_key(who, where, "k") for who in ("a", "b") for where in ("c", "d")}
    assert len(keys) == 4
    assert turn_of_key("a", "c", "") is None


def test_a_conversation_without_facts_has_nothing_running() -> None:
    assert state([]) == (0, None, False)
