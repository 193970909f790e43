"""The ladder: each rung once, a broken connection once more, and what was written counts."""

import time

import pytest

from palabre.chassis import tracing
from palabre.chassis.breaker import Breaker
from palabre.chassis.testing import recorded
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm.engines import Completion, Engine, Message, Piece
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted
from palabre.llm.errors import (
    Broken,
    Exhausted,
    Interrupted,
    OutOfQuota,
    Overloaded,
    Refused,
    TooSlow,
    Unreachable,
)
from palabre.llm.ladder import Ladder

ASKED = Completion((Message("user", "Quel délai ?"),))


def ladder(*engines: Scripted, breaker: Breaker | None = None) -> Ladder:
    for place, engine in enumerate(engines):
        engine.name = f"e{place}"
    named = {engine.name: engine for engine in engines}
    return Ladder(named, tuple(named), breaker)


async def read(ladder: Ladder) -> list[Piece]:
    return [piece async for piece in ladder.stream(ASKED, ladder.rungs())]


def said(pieces: list[Piece]) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


@pytest.mark.parametrize("error", [Broken("x"), Refused("x"), TooSlow("x"), Overloaded("x")])
async def test_a_rung_that_fails_gives_way_to_the_next_one_at_once(error: Exception) -> None:
    first, second = Scripted([[error]]), Scripted([["Oui."]])  # type: ignore[list-item]
    pieces = await read(ladder(first, second))
    assert said(pieces) == "Oui."
    assert isinstance(pieces[-1], Usage)
    assert len(first.asked) == len(second.asked) == 1


async def test_a_connection_that_failed_is_tried_once_more_at_once() -> None:
    engine = Scripted([[Unreachable("x")], ["Oui."]])
    assert said(await read(ladder(engine))) == "Oui."
    assert len(engine.asked) == 2


async def test_a_connection_that_failed_twice_gives_way() -> None:
    first, second = Scripted([[Unreachable("x")]]), Scripted([["Oui."]])
    assert said(await read(ladder(first, second))) == "Oui."
    assert len(first.asked) == 2


async def test_when_no_rung_answers_the_ladder_is_exhausted() -> None:
    with pytest.raises(Exhausted):
        await read(ladder(Scripted([[Broken("x")]]), Scripted([[Refused("x")]])))


async def test_a_rung_that_breaks_off_says_which_ones_are_left() -> None:
    second = Scripted()
    climbing = ladder(Scripted([["Un dé", Broken("cut")]]), second)
    pieces: list[Piece] = []
    with pytest.raises(Interrupted) as caught:  # noqa: PT012
        async for piece in climbing.stream(ASKED, climbing.rungs()):
            pieces.append(piece)
    assert pieces == ["Un dé"]
    assert [rung.engine for rung in caught.value.rest] == [second]
    assert not second.asked


async def test_a_stream_that_is_closed_closes_the_engine() -> None:
    engine = Scripted([["Un", " mois", "."]])
    climbing = ladder(engine)
    pieces = climbing.stream(ASKED, climbing.rungs())
    await anext(pieces)
    await pieces.aclose()
    assert engine.closed == 1


async def test_a_rung_that_keeps_failing_is_left_alone_and_then_tried_by_one() -> None:
    now = [0.0]
    breaker = Breaker(failures=2, pause_s=10.0, clock=lambda: now[0])
    first, second = Scripted([[Broken("x")]]), Scripted()
    climbing = ladder(first, second, breaker=breaker)
    for _ in range(5):
        await read(climbing)
    assert len(first.asked) == 2
    now[0] = 11.0
    await read(climbing)
    await read(climbing)
    assert len(first.asked) == 3


async def test_a_rung_that_answers_again_is_trusted_again() -> None:
    now = [0.0]
    breaker = Breaker(failures=1, pause_s=10.0, clock=lambda: now[0])
    first = Scripted([[Broken("x")], ["Oui."]])
    climbing = ladder(first, Scripted([["Non."]]), breaker=breaker)
    assert said(await read(climbing)) == "Non."
    now[0] = 11.0
    assert said(await read(climbing)) == said(await read(climbing)) == "Oui."


async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks() -> None:
    now = [0.0]
    breaker = Breaker(failures=3, pause_s=10.0, clock=lambda: now[0])
    first = Scripted([[Overloaded("429", retry_after=2.0)], ["Oui."]])
    climbing = ladder(first, Scripted([["Non."]]), breaker=breaker)
    assert [said(await read(climbing)) for _ in range(2)] == ["Non.", "Non."]
    now[0] = 2.1
    assert said(await read(climbing)) == "Oui."


def test_models_name_their_endpoint_and_the_engine_without_a_model_comes_last() -> None:
    openai, albert, quoting = Scripted(name="openai"), Scripted(name="albert"), Extractive()
    engines: dict[str, Engine] = {"openai": openai, "albert": albert, "extractive": quoting}
    rungs = Ladder(engines, ["small"]).rungs(["big", "llama3:8b@albert", "org/model@v2"])
    assert [(rung.engine.name, rung.model) for rung in rungs] == [
        ("openai", "big"), ("albert", "llama3:8b"), ("openai", "org/model@v2"), ("extractive", ""),
    ]  # fmt: skip
    assert [rung.model for rung in Ladder(engines, ["small"]).rungs()] == ["small", ""]


def test_a_model_without_an_endpoint_is_left_out() -> None:
    rungs = Ladder({"extractive": Extractive()}, []).rungs(["gpt-5", "x@nowhere"])
    assert [rung.engine.name for rung in rungs] == ["extractive"]


async def test_a_judge_that_fails_gives_way_too() -> None:
    first, second = Scripted(verdict=Broken("x")), Scripted(verdict={"a": 1})
    climbing = ladder(first, second)
    verdict = await climbing.judge(ASKED, {}, climbing.judges())
    assert verdict.values == {"a": 1}


async def test_a_judge_that_is_left_alone_gives_its_place_to_the_next_one() -> None:
    first, second = Scripted(verdict=OutOfQuota("402")), Scripted(verdict={"a": 1})
    climbing = ladder(first, second)
    assert [rung.engine for rung in climbing.judges()] == [first, second]
    await climbing.judge(ASKED, {}, climbing.judges())
    assert [rung.engine for rung in climbing.judges()] == [second]


async def test_a_model_that_cannot_judge_still_answers() -> None:
    model = Scripted([["Oui."]], verdict=Broken("no JSON object"))
    climbing = ladder(model, breaker=Breaker(failures=1))
    with pytest.raises(Exhausted):
        await climbing.judge(ASKED, {}, climbing.judges())
    assert said(await read(climbing)) == "Oui."


async def test_an_answer_has_to_have_begun_well_before_the_turns_deadline() -> None:
    climbing = Ladder({}, clock=lambda: 100.0, budget_s=30.0)
    assert climbing.until() == climbing.until(3_600.0) == 130.0
    assert climbing.until(10.0) == 108.0


async def test_the_rungs_that_are_left_share_the_time_that_is_left() -> None:
    slow = Scripted([[5.0, "Trop tard."]])
    engines: dict[str, Engine] = {"slow": slow, "quick": Scripted([["Oui."]])}
    climbing = Ladder(engines, ["slow", "quick"])
    begun = time.monotonic()
    rungs = climbing.rungs()
    pieces = [piece async for piece in climbing.stream(ASKED, rungs, begun + 0.4)]
    assert said(pieces) == "Oui."
    assert slow.closed == 1


async def test_when_no_time_is_left_nobody_is_asked_but_the_engine_without_a_model() -> None:
    model, quoting = Scripted([["Oui."]]), Scripted([["Extrait."]], name="extractive")
    climbing = Ladder({"e": model, "extractive": quoting}, ["e"])
    pieces = [p async for p in climbing.stream(ASKED, climbing.rungs(), time.monotonic() - 1)]
    assert said(pieces) == "Extrait."
    assert not model.asked


async def test_each_call_has_a_span_with_its_engine_its_first_token_or_why_it_failed() -> None:
    first, second = Scripted([[Overloaded("x")]]), Scripted([["Oui."]])
    with recorded() as kept, tracing.span("process answer"):
        await read(ladder(first, second))
    failed, answered = [span for span in kept.spans if span.name.startswith("chat ")]
    [stage] = kept.named("process answer")
    assert failed.attributes
    assert answered.attributes
    assert stage.context
    assert [s.parent and s.parent.span_id for s in (failed, answered)] == [
        stage.context.span_id
    ] * 2
    assert failed.attributes["error.type"] == Overloaded("x").reason
    assert answered.attributes["gen_ai.provider.name"] == "e1"
    assert [event.name for event in answered.events] == ["first token"]
    assert "gen_ai.usage.output_tokens" in answered.attributes
    assert [event.name for event in stage.events] == ["engine failed"]
