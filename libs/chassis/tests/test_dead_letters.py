"""Dead letters are found, asked again once however many do it, and dropped with their bytes."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis import dead_letters, events, subjects
from palabre.chassis.bus import Bus
from palabre.chassis.dead_letters import AlreadyAsked, Letter, Wanted
from palabre.chassis.erasing import erase
from palabre.chassis.errors import Erased, Reject
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Exchange, Utterance

SECRET = "le secret de Marguerite"
ALL = Wanted()


@pytest.fixture
async def bus(server: NatsServer) -> AsyncIterator[Bus]:
    bus = await server.bus("operator")
    yield bus
    await bus.close()


async def died(
    bus: Bus, event: pb.Event, stage: str = "comprehend", error: str = "no persona 'x'"
) -> pb.Event:
    subject = subjects.of(event)
    headers = {
        "Palabre-Subject": subject, "Palabre-Stage": stage, "Palabre-Error": error,
        "Nats-Msg-Id": f"dead/{stage}/{event.id}",
    }  # fmt: skip
    await bus.js.publish(subjects.dead(subject), event.SerializeToString(), headers=headers)
    return event


def question(text: str = "Quand ?", space: str = "demo") -> pb.Event:
    return events.begin(space, "web", uuid7(), pb.UtteranceReceived(utterance=Utterance(text=text)))


async def only(bus: Bus, wanted: Wanted = ALL) -> Letter:
    [letter] = await dead_letters.found(bus, wanted)
    return letter


async def test_letters_are_found_by_what_is_known_of_them(bus: Bus) -> None:
    await died(bus, question())
    await died(bus, question(space="other"), "answer", "delivered 21 times")
    assert [r.number for r in await dead_letters.found(bus)] == [1, 2]
    assert (await only(bus, Wanted(stage="answer"))).space == "other"
    assert (await only(bus, Wanted(space="demo"))).event == "utterance_received"
    assert (await only(bus, Wanted(error="DELIVERED 21"))).cause == "delivered … times"
    later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    assert await dead_letters.found(bus, Wanted(since=later)) == []
    assert await dead_letters.found(bus, Wanted(numbers=frozenset({7}))) == []


async def test_a_letter_is_asked_again_as_a_turn_that_names_the_old_one(bus: Bus) -> None:
    dead = await died(bus, question())
    turn = await dead_letters.retry(bus, await only(bus))
    [again] = await bus.facts("demo", "web", dead.conversation)
    assert (again.turn, again.utterance_received.utterance.retries) == (turn, dead.turn)
    assert (await only(bus)).retried == (turn,)


async def test_nothing_is_asked_twice_unless_that_is_wanted(bus: Bus) -> None:
    await died(bus, question())
    first = await dead_letters.retry(bus, await only(bus))
    with pytest.raises(AlreadyAsked, match=first):
        await dead_letters.retry(bus, await only(bus))
    second = await dead_letters.retry(bus, await only(bus), again=True)
    assert (await only(bus)).retried == (first, second)


async def test_two_who_ask_a_letter_again_at_once_ask_it_once(bus: Bus) -> None:
    dead = await died(bus, question())
    letter = await only(bus)
    one, two = await asyncio.gather(*(dead_letters.retry(bus, letter) for _ in range(2)))
    assert one == two
    assert len(await bus.facts("demo", "web", dead.conversation)) == 1
    assert (await only(bus)).retried == (one,)


async def test_what_died_later_is_asked_again_with_its_history(bus: Bus) -> None:
    said = Utterance(text="Et quand ?", carries_history=True)
    begun = events.begin("demo", "api", uuid7(), pb.UtteranceReceived(utterance=said))
    past = [Exchange(turn="t-0", question="Qui paie ?", answer="Le bailleur.")]
    body = pb.PassagesRetrieved(utterance=said, history=past)
    await died(bus, events.follow(begun, body), "answer")
    await dead_letters.retry(bus, await only(bus))
    [again] = await bus.facts("demo", "api", begun.conversation)
    assert list(again.utterance_received.utterance.carried_history) == past


async def test_what_holds_no_question_cannot_be_asked_again(bus: Bus) -> None:
    ended = events.follow(question(), pb.AnswerCompleted(text="Le cinq."))
    await died(bus, ended, "archive")
    with pytest.raises(Reject, match="answer_completed"):
        await dead_letters.retry(bus, await only(bus))
    assert (await only(bus)).retried == ()


async def test_a_letter_of_an_erased_conversation_is_not_asked_again(bus: Bus) -> None:
    dead = await died(bus, question())
    letter = await only(bus)
    bus.erased.add(dead.conversation)
    with pytest.raises(Erased):
        await dead_letters.retry(bus, letter)
    await erase(bus, "demo", "web", dead.conversation)
    with pytest.raises(KeyError):
        await dead_letters.retry(bus, letter)


async def test_a_dropped_letter_leaves_no_bytes(bus: Bus, tmp_path: Path) -> None:
    await died(bus, question(SECRET))
    await died(bus, question("Une autre"))
    [first, second] = await dead_letters.found(bus)
    await dead_letters.drop(bus, first)
    assert await dead_letters.found(bus) == [second]
    files = [f for f in (tmp_path / "jetstream").rglob("*") if f.is_file()]
    assert not any(SECRET.encode() in f.read_bytes() for f in files)
