"""The ledger: each call once, sums by what is asked, and nobody's name after erasing."""

import datetime as dt
import random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from palabre.channels import answers
from palabre.chassis import events
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.gateway import archive
from palabre.gateway.callers import Caller
from palabre.gateway.conversations import Conversations
from palabre.gateway.ledger import Key, Ledger, Query
from palabre.gateway.tables import CallRow

DAY = dt.date(2026, 11, 28)
PARIS = ZoneInfo("Europe/Paris")


def paid(call: str, micros: int = 100, **fields: Any) -> Usage:
    counted: dict[str, Any] = {
        "engine": "mistral", "model": "small", "prompt_tokens": 10, "completion_tokens": 5,
        "cost_micros": micros, "cost_known": True, "currency": "EUR", "measured": True,
    }  # fmt: skip
    return Usage(call=call, **(counted | fields))


def begun(turn: str, person: str = "me", conversation: str = "c-1") -> pb.Event:
    utterance = turns_pb2.Utterance(text="Quand ?", author=turns_pb2.Author(id=person))
    first = events.begin(
        "demo", "api", conversation, pb.UtteranceReceived(utterance=utterance), turn=turn
    )
    first.occurred_at.FromDatetime(dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC))
    return first


def completed(first: pb.Event, *calls: Usage) -> pb.Event:
    body = pb.AnswerCompleted(
        text="Le cinq.", persona="camille", calls=calls, usage=calls[-1] if calls else None,
        utterance=first.utterance_received.utterance,
    )  # fmt: skip
    return at(events.follow(first, body), first)


def spent(first: pb.Event, stage: str, *calls: Usage) -> pb.Event:
    author = first.utterance_received.utterance.author
    body = pb.SpendingRecorded(calls=calls, stage=stage, persona="camille", author=author)
    return at(events.follow(first, body), first)


def at(event: pb.Event, other: pb.Event) -> pb.Event:
    event.occurred_at.CopyFrom(other.occurred_at)
    return event


async def store(engine: AsyncEngine, *facts: pb.Event) -> None:
    async with engine.begin() as connection:
        await archive.store(connection, facts, lambda space: PARIS)


async def sums(engine: AsyncEngine, *by: Key) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    return await Ledger(engine).report(Query(DAY, DAY + dt.timedelta(days=1), by))


async def test_a_call_is_counted_once_however_often_and_by_whom_it_is_told(
    engine: AsyncEngine,
) -> None:
    first, second = begun("t-1"), begun("t-2", "you")
    understood = paid("comprehend/1/0", 20)
    facts = [
        spent(first, "comprehend", understood),
        completed(first, understood, paid("answer/1/0")),
        spent(second, "answer", paid("answer/1/0", 7)),
    ]
    chance = random.Random(7)  # noqa: S311
    for _ in range(4):
        order = facts + facts
        chance.shuffle(order)
        await store(engine, *order[:3])
        await store(engine, *order[3:])
    rows, total = await sums(engine, "person")
    assert [(r["person"], r["turns"], r["calls"], r["micros"]) for r in rows] == [
        ("me", 1, 2, {"EUR": 120}), ("you", 1, 1, {"EUR": 7}),
    ]  # fmt: skip
    assert (total["turns"], total["prompt_tokens"], total["micros"]) == (2, 30, {"EUR": 127})


async def test_an_unknown_cost_is_counted_as_unknown_and_never_as_nothing(
    engine: AsyncEngine,
) -> None:
    unknown = paid("answer/1/1", 0, cost_known=False, model="mine", measured=False)
    await store(engine, completed(begun("t-1"), paid("answer/1/0"), unknown))
    rows, total = await sums(engine, "model")
    assert [(r["model"], r["calls_of_unknown_cost"], r["micros"]) for r in rows] == [
        ("mine", 1, {}), ("small", 0, {"EUR": 100}),
    ]  # fmt: skip
    assert (total["estimated_tokens"], total["calls_of_unknown_cost"]) == (15, 1)


async def test_currencies_are_not_added_up(engine: AsyncEngine) -> None:
    dollars = paid("answer/1/1", 50, currency="USD")
    await store(engine, completed(begun("t-1"), paid("answer/1/0"), dollars))
    _, total = await sums(engine)
    assert (total["turns"], total["micros"]) == (1, {"EUR": 100, "USD": 50})


async def test_a_day_is_the_space_s_own(engine: AsyncEngine) -> None:
    late = begun("t-1")
    late.occurred_at.FromDatetime(dt.datetime(2026, 11, 28, 23, 30, tzinfo=dt.UTC))
    await store(engine, completed(late, paid("answer/1/0")))
    [row], _ = await sums(engine, "day")
    assert row["day"] == dt.date(2026, 11, 29)


async def test_a_turn_without_any_call_is_still_a_turn(engine: AsyncEngine) -> None:
    await store(engine, completed(begun("t-1")))
    _, total = await sums(engine)
    assert (total["turns"], total["micros"], total["estimated_tokens"]) == (1, {}, 0)


async def test_nothing_spent_is_no_row_and_an_empty_total(engine: AsyncEngine) -> None:
    rows, total = await sums(engine, "day", "model")
    assert rows == []
    assert (total["turns"], total["prompt_tokens"], total["micros"]) == (0, 0, {})


async def test_erasing_keeps_the_sums_and_no_way_back_to_the_person(engine: AsyncEngine) -> None:
    conversations = Conversations(engine)
    made = await conversations.create(Caller("me", "api"), "demo", "camille", "fr")
    first, other = begun("t-1", conversation=made.id), begun("t-2", "you")
    facts = [
        completed(first, paid("comprehend/1/0", 1), paid("answer/1/0")),
        completed(other, paid("answer/1/0", 7)),
    ]
    await store(engine, *facts)
    _, before = await sums(engine)
    await conversations.erase(made)
    await store(engine, *facts)  # as an archive that reads everything again
    _, after = await sums(engine)
    assert after == before
    async with engine.connect() as connection:
        found = [dict(r) for r in (await connection.execute(select(CallRow.__table__))).mappings()]
    left = [str(value) for row in found if row["person"] != "you" for value in row.values()]
    assert not {"me", "t-1", made.id} & set(left)


def test_the_cost_of_an_answer_is_that_of_all_calls_of_its_turn() -> None:
    done = completed(begun("t-1"), paid("comprehend/1/0", 20), paid("answer/1/0", 1_500_000))
    told = answers.usage(done.answer_completed)
    assert (told["cost"], told["currency"], told["prompt_tokens"]) == ("1.50002", "EUR", 10)
    done.answer_completed.calls[0].cost_known = False
    assert answers.usage(done.answer_completed)["cost"] is None
