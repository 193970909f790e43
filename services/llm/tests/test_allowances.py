"""What a spent budget changes in a turn, and that nothing changes without one."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from palabre.chassis.budgets import Bearer, Budgets, person_of
from palabre.chassis.discord_rules import Discord
from palabre.chassis.spaces import Price, Space
from palabre.chassis.stage import deliveries
from palabre.chassis.testing import MemoryCounters, MemoryHistories, MemoryLeases, collect
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Author, Understanding, Usage
from palabre.llm import handlers
from palabre.llm.allowances import worth
from palabre.llm.answer import Answering
from palabre.llm.comprehend import Comprehension
from palabre.llm.engines import Engine
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted, Step
from palabre.llm.errors import Broken
from palabre.llm.ladder import Ladder
from palabre.llm.prices import Prices
from palabre.llm.prompts import Prompting
from palabre.llm.spending import Payer, note
from palabre.llm.verification import Verification

from .a_turn import known, make_space, received, retrieved, spending, vision

ME = Author(id="me")
NOON = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
EACH = Price(input=0, output=1_000, currency="USD")  # a thousandth of a dollar for each token


class Counted(MemoryCounters):
    """Tells how often it was used at all."""

    def __init__(self) -> None:
        super().__init__()
        self.used = 0

    async def add(self, counter: str, amount: int, once: str) -> int:
        self.used += 1
        return await super().add(counter, amount, once)

    async def totals(self, counters: Sequence[str]) -> list[int]:
        self.used += 1
        return await super().totals(counters)


class House:
    """Both stages over one space; the persona's model says `words`."""

    def __init__(
        self, *engines: Engine, asks: str = "e0", each: Price | None = EACH, **budgets: Any
    ) -> None:
        named = {f"e{place}": engine for place, engine in enumerate(engines)}
        self.ladder = Ladder(named | {"extractive": Extractive()})
        self.space = make_space(budgets=budgets, persona={"models": [asks], "max_tokens": 100})
        self.counters = Counted()
        self.budgets = Budgets(self.counters, lambda: NOON)
        self.facts: list[pb.Event] = []
        self.verification: Verification | None = None
        given = {f"@{engine.name}": each for engine in engines} if each else {}
        self.spending = spending(self.facts, Prices({}, given), self.budgets)

    async def comprehended(self, event: pb.Event) -> Understanding:
        by = Comprehension(self.ladder, Prompting(), timeout_s=5.0)
        handle = handlers.comprehender(
            known(self.space), MemoryHistories(), by, vision(self.ladder), self.spending
        )
        [result] = await collect(handle(event))
        return result.utterance_understood.understanding

    def answer(self, event: pb.Event) -> handlers.Events:
        async def unshown(event: pb.Event) -> bool:
            return False

        answering = Answering(
            known(self.space), MemoryLeases(), MemoryHistories(), self.ladder,
            vision(self.ladder), shown=unshown, verification=self.verification,
        )  # fmt: skip
        return handlers.answerer(answering, self.spending)(event)

    async def answered(self, spent: str = "") -> pb.Event:
        understanding = Understanding(language="fr", question="Quand ?", spent=spent)
        event = retrieved(understanding=understanding, author=ME)
        *_, last = await collect(self.answer(event))
        return last

    async def counted(self) -> list[int]:
        bearer = Bearer("logement", self.space, "camille", person_of("web", ME.id))
        return await self.counters.totals([bearer.counter(each, NOON) for each in bearer.limits])


async def test_without_budgets_no_counter_is_touched() -> None:
    house = House(Scripted([["Un mois."]]))
    await house.comprehended(received("Quand ?", author=ME))
    await house.answered()
    assert house.counters.used == 0


async def test_a_turn_over_its_person_s_limit_is_refused_with_a_sentence_and_a_time() -> None:
    house = House(Scripted([["Un mois."]]), turns_per_person_per_day=1)
    first = await house.comprehended(received("Quand ?", author=ME))
    second = await house.comprehended(received("Et où ?", author=ME))
    assert (first.spent, second.spent) == ("", "turns_per_person_per_day")
    failed = (await house.answered(second.spent)).turn_failed
    assert failed.reason == pb.FAILURE_REASON_BUDGET
    assert "limite de questions pour aujourd'hui" in failed.message
    assert failed.retry_at.ToDatetime(dt.UTC).isoformat() == "2026-11-28T23:00:00+00:00"
    assert await house.counted() == [1]
    other = await house.comprehended(received("Quand ?", author=Author(id="you")))
    assert other.spent == ""


async def test_a_group_s_members_have_what_the_space_gives_them() -> None:
    house = House(
        Scripted(), turns_per_person_per_day=1, groups={"team": {"turns_per_person_per_day": 2}}
    )
    spent = {
        groups: [
            (
                await house.comprehended(received("Quand ?", author=Author(id="a", groups=groups)))
            ).spent
            for _ in range(3)
        ]
        for groups in (("public", "team"), ("public",))
    }
    limit = "turns_per_person_per_day"
    assert spent == {("public", "team"): ["", "", limit], ("public",): [limit] * 3}


async def test_a_person_in_danger_gets_the_help_line_whatever_was_spent() -> None:
    house = House(Scripted([["Un mois."]]), turns_per_person_per_day=1)
    for guard, line in (("self-harm", "3114"), ("violence", "3919")):
        spent = Understanding(
            language="fr", question="?", spent="turns_per_person_per_day", guard=[guard]
        )
        *_, last = await collect(house.answer(retrieved(understanding=spent, author=ME)))
        assert line in last.answer_completed.text
        assert last.answer_completed.calls == []


async def test_an_utterance_that_is_delivered_twice_is_counted_once() -> None:
    house = House(Scripted(), turns_per_person_per_day=5)
    event = received("Quand ?", author=ME)
    for number in (1, 2):
        token = deliveries.set(number)
        await house.comprehended(event)
        deliveries.reset(token)
    assert await house.counted() == [1]


async def test_a_spent_budget_steps_down_to_the_engine_without_a_model() -> None:
    dear = Scripted([["Un mois."]])
    house = House(dear, turns_per_space_per_day=1, when_spent="step-down")
    await house.comprehended(received("Quand ?", author=ME))
    second = await house.comprehended(received("Quand ?", author=ME))
    assert not second.read
    completed = (await house.answered(second.spent)).answer_completed
    assert completed.usage.engine == "extractive"
    assert dear.asked == []


async def test_or_to_the_models_that_the_space_names_whose_cost_is_counted_too() -> None:
    cheap = Scripted([["Un mois."]], name="cheap")
    house = House(
        Scripted([["Deux mois."]], name="dear"), cheap,
        cost_per_space_per_day=0.001, when_spent="step-down", models=["e1"],
    )  # fmt: skip
    await house.answered()
    once = await house.counted()
    completed = (await house.answered()).answer_completed
    assert completed.usage.engine == "cheap"
    assert await house.counted() == [once[0] + completed.usage.cost_micros]


async def test_a_chosen_model_does_not_get_around_a_spent_budget() -> None:
    own, chosen = Scripted([["Un mois."]], name="own"), Scripted([["Deux mois."]], name="chosen")
    house = House(own, chosen, cost_per_space_per_day=0.001, when_spent="step-down")
    house.space = house.space.model_copy(update={"discord": Discord(models=("e1",))})
    for engine in ("chosen", "extractive"):
        *_, last = await collect(house.answer(retrieved(author=ME, model="e1")))
        assert last.answer_completed.usage.engine == engine
    assert (len(own.asked), len(chosen.asked)) == (0, 1)


async def test_a_cost_is_held_while_the_answer_is_written_and_then_what_it_was() -> None:
    house = House(Scripted([["Un mois.", 0.05, " Au plus."]]), cost_per_space_per_day=1)
    held = []
    async with aclosing(house.answer(retrieved(author=ME))) as results:
        async for result in results:
            if result.HasField("answer_delta"):
                held.append((await house.counted())[0])
            last = result
    assert held[0] == 100 * 1_000
    assert await house.counted() == [last.answer_completed.usage.cost_micros]
    assert last.answer_completed.usage.cost_micros < 100 * 1_000


@pytest.mark.parametrize("ending", ["cancelled", "failed"])
async def test_a_turn_that_ends_early_costs_what_it_had_written(ending: str) -> None:
    script: list[Step] = (
        ["Un mois", 30.0] if ending == "cancelled" else ["Un mois", 0.0, Broken("cut")]
    )
    house = House(Scripted([script]), cost_per_space_per_day=1)

    async def follow() -> None:
        async with aclosing(house.answer(retrieved(author=ME, replaceable=False))) as results:
            async for result in results:
                if ending == "cancelled" and result.HasField("answer_delta"):
                    task.cancel()

    task = asyncio.create_task(follow())
    await asyncio.wait([task])
    [fact] = house.facts
    assert await house.counted() == [fact.spending_recorded.calls[0].cost_micros] == [2_000]


async def test_a_delivery_that_died_is_paid_for_by_the_next_and_in_the_ledger() -> None:
    each = Price(input=1_000, output=1_000, currency="USD")
    house = House(Scripted([["Un mois."]]), each=each, cost_per_space_per_day=1)
    event = retrieved(author=ME)
    dying = house.answer(event)
    await anext(dying)  # as a process that is killed leaves it: nothing is closed
    token = deliveries.set(2)
    *_, last = await collect(house.answer(event))
    deliveries.reset(token)
    lost, whole = last.answer_completed.calls
    assert (lost.call, lost.measured, lost.completion_tokens) == ("answer/1/lost", False, 0)
    assert await house.counted() == [lost.cost_micros + whole.cost_micros]
    await dying.aclose()
    assert await house.counted() == [lost.cost_micros + whole.cost_micros]


async def test_money_that_nobody_can_count_holds_nothing_up() -> None:
    house = House(Scripted([["Un mois."]]), each=None, cost_per_space_per_day=0.000_001)
    for _ in range(2):
        assert (await house.answered()).HasField("answer_completed")
    assert await house.counted() == [0]


async def test_a_spent_purse_holds_up_no_persona_without_a_model() -> None:
    house = House(Scripted(), asks="extractive", cost_per_space_per_day=0.001)
    bearer = Bearer("logement", house.space, "camille", "")
    await house.counters.add(bearer.counter(bearer.limits[0], NOON), 10**6, "x")
    assert (await house.comprehended(received("Quand ?", author=ME))).spent == ""
    assert (await house.answered()).HasField("answer_completed")


def test_a_currency_is_counted_at_the_space_s_rate() -> None:
    limits = _space(currency="EUR", rates={"USD": 0.9}).budgets
    dollars = Usage(cost_micros=1_000, currency="USD", cost_known=True)
    assert worth(limits, dollars) == 900
    assert worth(limits, Usage(cost_micros=1_000, currency="CHF", cost_known=True)) == 0


def _space(**budgets: Any) -> Space:
    return make_space(budgets=budgets)


async def test_what_nobody_held_is_counted_all_the_same() -> None:
    house = House(Scripted([["Un mois."]]), cost_per_space_per_day=1)
    event = received("Quand ?", author=ME)
    payer = Payer("logement", house.space, "camille", ME)
    async with house.spending.account("summarise", event, payer):
        note(Usage(engine="scripted", completion_tokens=3))
    assert await house.counted() == [3_000]
