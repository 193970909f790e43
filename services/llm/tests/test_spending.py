"""What calls took is counted to the token, estimated where nobody counted, and told once."""

import asyncio
import datetime as dt
from contextlib import aclosing
from typing import Any

import pytest

from palabre.chassis.spaces import Price, Space
from palabre.chassis.testing import MemoryHistories, MemoryLeases, collect
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Understanding, Usage
from palabre.llm import counting, handlers, prices, tokens
from palabre.llm.answer import Answering
from palabre.llm.comprehend import Comprehension
from palabre.llm.engines import Engine
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted
from palabre.llm.errors import Broken, Overloaded
from palabre.llm.ladder import Ladder
from palabre.llm.prices import Prices
from palabre.llm.prompts import Prompting

from .a_turn import known, make_space, received, retrieved, spending, vision

OPENAI = {"openai": "https://api.openai.com/v1", "own": "http://127.0.0.1:11434/v1"}


def priced(
    engine: str,
    model: str,
    given: dict[str, Price] | None = None,
    ours: dict[str, Price] | None = None,
) -> Usage:
    known_prices = Prices(OPENAI, given, lambda: dt.date(2026, 11, 1))
    usage = Usage(
        engine=engine, model=model, prompt_tokens=2_000_000, completion_tokens=1_000_000,
        cached_tokens=500_000,
    )  # fmt: skip
    known_prices.fill(usage, ours or {})
    return usage


def test_a_price_of_the_table_is_told_with_its_version_and_date() -> None:
    usage = priced("openai", "gpt-4o-mini")
    assert usage.cost_known
    assert (usage.currency, usage.price_source) == ("USD", prices.table())
    assert usage.cost_micros == 1_500_000 * 0.15 + 500_000 * 0.075 + 1_000_000 * 0.6
    assert " of 20" in prices.table()  # renew prices.RELEASED together with genai-prices


def test_the_price_of_a_server_of_ones_own_is_not_made_up() -> None:
    usage = priced("own", "gpt-4o-mini")
    assert not usage.cost_known
    assert usage.price_source == ""


def test_a_space_s_price_goes_before_the_deployment_s_and_that_before_the_table_s() -> None:
    ours = {"gpt-4o-mini@openai": Price(input=1, cached=0.5, output=2, currency="EUR")}
    theirs = Price(input=3, output=3, currency="CHF")
    usage = priced("openai", "gpt-4o-mini", {"gpt-4o-mini": theirs}, ours)
    assert (usage.cost_micros, usage.currency) == (1_500_000 + 250_000 + 2_000_000, "EUR")
    assert usage.price_source == "space"
    usage = priced("openai", "gpt-4o-mini", {"gpt-4o-mini": theirs})
    assert (usage.cost_micros, usage.price_source) == (9_000_000, "deployment")


def test_one_s_own_server_may_be_said_to_cost_nothing() -> None:
    usage = priced("own", "llama", {"llama@own": Price(input=0, output=0)})
    assert usage.cost_known
    assert usage.cost_micros == 0


def test_a_name_without_its_endpoint_is_the_first_endpoint_s() -> None:
    assert not priced("own", "llama", {"llama": Price(input=1, output=1)}).cost_known


REPORTED: list[tuple[dict[str, Any], tuple[int, int, int, int]]] = [
    (  # OpenAI
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
         "prompt_tokens_details": {"cached_tokens": 4},
         "completion_tokens_details": {"reasoning_tokens": 3}},
        (10, 5, 4, 3),
    ),
    (  # Google: the total alone has the thoughts
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}, (10, 30, 0, 25),
    ),
    (  # xAI: reasoning is named, and beside the completion
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 22,
         "completion_tokens_details": {"reasoning_tokens": 7}},
        (10, 12, 0, 7),
    ),
    ({"prompt_tokens": 10, "completion_tokens": 5, "cached_tokens": 8}, (10, 5, 8, 0)),
    ({"prompt_tokens": 10, "completion_tokens": 5, "cache_read_input_tokens": 8}, (10, 5, 8, 0)),
    ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 99}, (10, 5, 10, 0)),
    (
        {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": None,
         "prompt_tokens_details": "?"},
        (10, 5, 0, 0),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("reported", "counts"), REPORTED)
def test_each_provider_s_names_are_read(
    reported: dict[str, Any], counts: tuple[int, int, int, int]
) -> None:
    usage = Usage()
    assert counting.is_usage(reported)
    counting.take(usage, reported)
    found = (
        usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens,
    )  # fmt: skip
    assert found == counts
    assert usage.measured


@pytest.mark.parametrize("reported", [None, [], {}, {"prompt_tokens": -1, "completion_tokens": 2}])
def test_nonsense_is_no_usage(reported: object) -> None:
    assert not counting.is_usage(reported)


def answering(*engines: Engine, space: Space | None = None) -> Answering:
    named = {f"e{place}": engine for place, engine in enumerate(engines)}
    ladder = Ladder(named | {"extractive": Extractive()}, tuple(named))

    async def unshown(event: pb.Event) -> bool:
        return False

    spaces = known(space or make_space())
    return Answering(
        spaces, MemoryLeases(), MemoryHistories(), ladder, vision(ladder), shown=unshown
    )


async def test_an_answer_tells_every_call_of_its_turn_comprehension_s_too() -> None:
    facts: list[pb.Event] = []
    before = Usage(engine="e", model="m", prompt_tokens=7, call="comprehend/1/0")
    event = retrieved(understanding=Understanding(language="fr", question="?", calls=[before]))
    handle = handlers.answerer(answering(Scripted([["Un mois [1]."]])), spending(facts))
    completed = (await collect(handle(event)))[-1].answer_completed
    assert [call.call for call in completed.calls] == ["comprehend/1/0", "answer/1/0"]
    assert completed.calls[1] == completed.usage
    assert facts == []


async def test_a_rung_that_broke_off_is_counted_by_what_it_had_written() -> None:
    broken = Scripted([["Un mois, ", 0.0, Broken("cut")]], name="first")
    handle = handlers.answerer(answering(broken, Scripted([["Deux mois."]])), spending())
    completed = (await collect(handle(retrieved())))[-1].answer_completed
    cut, whole = completed.calls
    assert (cut.engine, whole.engine) == ("first", "scripted")
    assert cut.completion_tokens == tokens.estimate("Un mois, ")
    assert cut.prompt_tokens > 0
    assert not cut.measured


async def test_a_request_that_was_turned_away_cost_nothing() -> None:
    busy = Scripted([[Overloaded("429")]], name="busy")
    handle = handlers.answerer(answering(busy, Scripted([["Un mois."]])), spending())
    completed = (await collect(handle(retrieved())))[-1].answer_completed
    assert [call.engine for call in completed.calls] == ["scripted"]


async def test_what_a_failed_call_was_counted_with_is_its_usage() -> None:
    empty = Broken("the answer is empty")
    empty.usage = Usage(engine="thinker", model="m", completion_tokens=900, measured=True)
    thinker = Scripted([[empty]], name="thinker")
    handle = handlers.answerer(answering(thinker, Scripted([["Un mois."]])), spending())
    completed = (await collect(handle(retrieved())))[-1].answer_completed
    assert completed.calls[0].completion_tokens == 900


async def test_a_cancelled_answer_s_calls_are_recorded_by_themselves() -> None:
    facts: list[pb.Event] = []
    handle = handlers.answerer(answering(Scripted([["Un mois", 30.0]])), spending(facts))

    async def follow() -> None:
        async with aclosing(handle(retrieved())) as results:
            async for _ in results:
                task.cancel()

    task = asyncio.create_task(follow())
    with pytest.raises(asyncio.CancelledError):
        await task
    [fact] = facts
    told = fact.spending_recorded
    assert (told.stage, told.persona) == ("answer", "camille")
    assert told.calls[0].completion_tokens == tokens.estimate("Un mois")
    assert fact.id == f"{fact.turn}/spending_recorded/answer.1"


async def test_an_answer_that_lost_to_another_ending_is_recorded() -> None:
    facts: list[pb.Event] = []
    handle = handlers.answerer(answering(Scripted([["Un mois."]])), spending(facts))
    async with aclosing(handle(retrieved())) as results:
        async for result in results:
            if result.HasField("answer_completed"):
                break  # as the stage does on a double
    assert [call.engine for call in facts[0].spending_recorded.calls] == ["scripted"]


async def test_the_engine_without_a_model_leaves_nothing_to_record() -> None:
    facts: list[pb.Event] = []
    handle = handlers.answerer(answering(), spending(facts))
    async with aclosing(handle(retrieved())) as results:
        await anext(results)
    assert facts == []


async def test_comprehension_s_calls_go_on_with_the_turn_and_are_recorded() -> None:
    facts: list[pb.Event] = []
    judge = Scripted(verdict={"question": "Quel délai ?", "guard": []})
    ladder = Ladder({"e0": judge}, ["e0"])
    space = make_space(comprehend="always")
    by = Comprehension(ladder, Prompting(), timeout_s=5.0)
    handle = handlers.comprehender(
        known(space), MemoryHistories(), by, vision(ladder), spending(facts)
    )
    [result] = await collect(handle(received("Quel délai ?")))
    [call] = result.utterance_understood.understanding.calls
    assert call.call == "comprehend/1/0"
    assert list(facts[0].spending_recorded.calls) == [call]


async def test_a_comprehension_that_came_too_late_was_paid_all_the_same() -> None:
    facts: list[pb.Event] = []
    judge = Scripted(verdict={}, verdict_after=5.0)
    ladder = Ladder({"e0": judge}, ["e0"])
    by = Comprehension(ladder, Prompting(), timeout_s=0.05)
    handle = handlers.comprehender(
        known(make_space(comprehend="always")), MemoryHistories(), by, vision(ladder),
        spending(facts),
    )  # fmt: skip
    await collect(handle(received("Quel délai ?")))
    [call] = facts[0].spending_recorded.calls
    assert not call.measured
    assert call.prompt_tokens > 0
