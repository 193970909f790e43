"""What is counted: facts that were new to SQL, once, and only once they are committed."""

import asyncio
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from palabre.channels.testing import completed
from palabre.chassis import events
from palabre.chassis.errors import Unavailable
from palabre.chassis.testing import Gains, collect
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.gateway import archive, database
from palabre.gateway.archive import Archive
from palabre.gateway.callers import Caller
from palabre.gateway.conversations import Conversations

ME = Caller("me", "api")


def begun(turn: str, space: str = "demo") -> pb.Event:
    utterance = turns_pb2.Utterance(text="Quand ?", author=turns_pb2.Author(id="me"))
    body = pb.UtteranceReceived(utterance=utterance)
    return events.begin(space, "api", f"c-{turn}", body, turn=turn)


def answered(first: pb.Event, *calls: Usage, mode: int = 1) -> pb.Event:
    done = completed("Le cinq.")
    done.mode = turns_pb2.AnswerMode.ValueType(mode)
    done.calls.extend(calls)
    done.utterance.CopyFrom(first.utterance_received.utterance)
    return events.follow(first, done)


def failed(first: pb.Event) -> pb.Event:
    return events.follow(first, pb.TurnFailed(reason=pb.FAILURE_REASON_BUDGET))


def cancelled(first: pb.Event) -> pb.Event:
    return events.follow(first, pb.TurnCancelled(reason="stop"))


async def archived(engine: AsyncEngine, *facts: pb.Event) -> list[BaseException | None]:
    """As the stage would have it, in one batch; what became of each."""
    kept, stop = Archive(engine, pause_s=0.01), asyncio.Event()
    stop.set()
    asked = [asyncio.ensure_future(collect(kept.handle(fact))) for fact in facts]
    await asyncio.sleep(0)
    await kept.write(stop)
    done = await asyncio.gather(*asked, return_exceptions=True)
    return [found if isinstance(found, BaseException) else None for found in done]


async def test_each_turn_counts_once_by_how_it_ended(engine: AsyncEngine) -> None:
    turns = [begun(f"t-{n}") for n in range(7)]
    endings = [answered(first, mode=mode) for mode, first in enumerate(turns[:5], 1)]
    endings += [failed(turns[5]), cancelled(turns[6])]
    gains = Gains()
    await archived(engine, *turns, *endings)
    assert gains.of("palabre_turns_received_total", space="demo", channel="api") == 7
    assert gains.of("palabre_turns_total", space="demo", channel="api") == 7
    for outcome in ("grounded", "no_knowledge", "refused", "story", "asks", "failed", "cancelled"):
        assert gains.of("palabre_turns_total", outcome=outcome) == 1, outcome
    assert gains.of("palabre_turn_failures_total", reason="budget", space="demo") == 1


async def test_a_fact_that_comes_again_counts_nothing(engine: AsyncEngine) -> None:
    first = begun("t-1")
    paid = Usage(call="answer/1/0", cost_micros=7, cost_known=True, currency="EUR")
    facts = [first, answered(first, paid)]
    gains = Gains()
    await archived(engine, facts[1])
    await archived(engine, *facts, *facts)
    await archived(engine, *facts)
    assert gains.of("palabre_turns_received_total") == 1
    assert gains.of("palabre_turns_total") == 1
    assert gains.of("palabre_cost_total") == pytest.approx(7e-6)


async def test_two_replicas_that_store_the_same_facts_at_once_count_them_once(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    other = database.connect(database.address("", tmp_path))
    turns = [begun(f"t-{n}") for n in range(40)]
    paid = Usage(call="answer/1/0", cost_micros=10, cost_known=True, currency="EUR")
    facts = [*turns, *(answered(first, paid) for first in turns)]
    gains = Gains()
    for _ in range(3):
        await asyncio.gather(archived(engine, *facts), archived(other, *reversed(facts)))
    await other.dispose()
    assert gains.of("palabre_turns_received_total") == 40
    assert gains.of("palabre_turns_total") == 40
    assert gains.of("palabre_cost_total") == pytest.approx(40 * 10e-6)


async def test_what_was_not_committed_counts_nothing(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        refusal = "BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'no'); END"
        await connection.execute(text(f"CREATE TRIGGER refusal {refusal}"))
    first = begun("t-1")
    gains = Gains()
    told = await archived(engine, answered(first))
    assert isinstance(told[0], Unavailable)
    assert gains.of("palabre_turns_total") == gains.of("palabre_cost_total") == 0
    async with engine.begin() as connection:
        await connection.execute(text("DROP TRIGGER refusal"))
    assert await archived(engine, answered(first)) == [None]
    assert gains.of("palabre_turns_total") == 1


async def test_money_counts_by_the_ledger_s_rows(engine: AsyncEngine) -> None:
    first = begun("t-1", "costly")
    shared = Usage(call="comprehend/1/0", cost_micros=1, cost_known=True, currency="EUR")
    calls = [
        shared,
        Usage(call="answer/1/0", cost_micros=1_234_567, cost_known=True, currency="EUR"),
        Usage(call="answer/1/1", cost_micros=500, cost_known=True, currency="USD"),
        Usage(call="answer/1/2", cost_known=True),
        Usage(call="answer/1/3"),
    ]
    told = pb.SpendingRecorded(calls=[shared], stage="comprehend")
    gains = Gains()
    await archived(engine, events.follow(first, told), answered(first, *calls))
    costs = {"space": "costly", "channel": "api"}
    assert gains.of("palabre_cost_total", currency="EUR", **costs) == pytest.approx(1.234568)
    assert gains.of("palabre_cost_total", currency="USD", **costs) == pytest.approx(0.0005)
    assert gains.of("palabre_calls_unpriced_total", space="costly") == 1


async def test_an_erased_conversation_counts_nothing(engine: AsyncEngine) -> None:
    first = begun("t-1")
    await Conversations(engine).mark_erased(first.conversation)
    gains = Gains()
    await archived(engine, first, answered(first))
    assert gains.of("palabre_turns_received_total") == gains.of("palabre_turns_total") == 0


async def test_a_verdict_counts_when_it_is_another_than_before(engine: AsyncEngine) -> None:
    conversations = Conversations(engine)
    made = await conversations.create(ME, "rated", "camille", "fr")
    gains = Gains()
    for score, comment in (
        (1, None),
        (1, "Merci"),
        (-1, "Faux"),
        (-1, "Faux !"),
        (0, None),
        (0, None),
    ):
        await conversations.rate("t-1", made, "me", score, comment)
    await conversations.rate("t-1", made, "me", -1, "Non")
    verdicts = {v: gains.of("palabre_feedback_total", space="rated", verdict=v)
                for v in ("good", "bad", "withdrawn")}  # fmt: skip
    assert verdicts == {"good": 1, "bad": 2, "withdrawn": 1}
    assert await conversations.ratings(made.id, "me") == {"t-1": (-1, "Non")}


async def test_the_same_verdict_without_a_comment_keeps_the_comment(engine: AsyncEngine) -> None:
    """A slow click may arrive after the form that it opened."""
    conversations = Conversations(engine)
    made = await conversations.create(ME, "rated", "camille", "fr")
    for comment in ("C'est le six.", None):
        await conversations.rate("t-1", made, "me", -1, comment)
    assert await conversations.ratings(made.id, "me") == {"t-1": (-1, "C'est le six.")}
    await conversations.rate("t-1", made, "me", 1, None)
    assert await conversations.ratings(made.id, "me") == {"t-1": (1, "")}


async def test_statements_are_measured_and_failures_are_named(engine: AsyncEngine) -> None:
    gains = Gains()
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
        in_use = REGISTRY.get_sample_value("palabre_sql_connections")
        with pytest.raises(OperationalError):
            await connection.execute(text("DELETE FROM nowhere"))
    assert (in_use, REGISTRY.get_sample_value("palabre_sql_connections")) == (1, 0)
    assert gains.of("palabre_sql_seconds_count", statement="select") == 1
    assert gains.of("palabre_sql_seconds_count", statement="delete") == 0
    assert gains.of("palabre_sql_failures_total", error="OperationalError") == 1


def test_every_fact_that_the_archive_takes_is_counted_or_costs_something() -> None:
    counted = {"utterance_received", "spending_recorded", *events.ENDINGS}
    assert counted == archive.WANTED
