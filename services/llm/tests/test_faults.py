"""Every fault of a provider over real HTTP: it costs one rung and no more, and is counted."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY

from palabre.chassis.breaker import Breaker
from palabre.contracts.v1.turns_pb2 import Sampling, Usage
from palabre.llm import meters
from palabre.llm.engines import Completion, Message
from palabre.llm.engines.openai import OpenAi, Patience
from palabre.llm.engines.scripted import Scripted
from palabre.llm.errors import Exhausted, Interrupted
from palabre.llm.ladder import Ladder
from palabre.llm.settings import Endpoint
from palabre.llm.slots import Slots
from tests.standins.model import Model, deaf

ASKED = Completion((Message("user", "Quel délai ?"),), sampling=Sampling(max_tokens=50))
GOOD = "mock-len10"
TEXT = "Le bailleur dispose d'un mois pour rendre le dépôt."
PATIENCE = Patience(connect=0.5, first_token=0.8, between_tokens=0.8)

# What is asked, what it is counted as, and whether it is left alone after this one failure.
BEFORE_TEXT = [
    ("mock-silence", "too_slow", False),
    ("mock-ttft9000", "too_slow", False),
    ("mock-drop", "unreachable", False),
    ("mock-error400", "refused", False),
    ("mock-error401", "wrong_key", True),
    ("mock-error402", "out_of_quota", True),
    ("mock-429-quota", "out_of_quota", True),
    ("mock-error404", "unknown_model", True),
    ("mock-429-openai", "overloaded", True),
    ("mock-429-groq", "overloaded", True),
    ("mock-429-mistral", "overloaded", True),
    ("mock-429-anthropic", "overloaded", True),
    ("mock-429-google", "overloaded", True),
    ("mock-error500", "broken", False),
    ("mock-error503-after30", "overloaded", True),
    ("mock-nonsense", "broken", False),
    ("mock-empty", "broken", False),
    ("mock-html", "broken", False),
    ("mock-error502-html", "broken", False),
    ("mock-fault0", "broken", False),
]
AFTER_TEXT = [
    ("mock-cut4-itl1", "broken"),
    ("mock-reset4-itl1", "broken"),
    ("mock-stall4-itl1", "too_slow"),
    ("mock-fault4-itl1", "broken"),
    ("mock-garbage4-itl1", "broken"),
]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def url(model: Model) -> AsyncIterator[str]:
    async with model.serving() as url:
        yield url


async def text(ladder: Ladder, models: list[str]) -> str:
    pieces = [piece async for piece in ladder.stream(ASKED, ladder.rungs(models))]
    assert isinstance(pieces[-1], Usage)
    return "".join(piece for piece in pieces if isinstance(piece, str))


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"palabre_engine_{name}", labels) or 0.0


@pytest.mark.parametrize(("fault", "reason", "alone"), BEFORE_TEXT)
async def test_a_fault_before_the_first_word_costs_one_rung(
    model: Model, url: str, fault: str, reason: str, alone: bool
) -> None:
    first, second = (OpenAi(name, Endpoint(base_url=url), PATIENCE) for name in ("bad", "good"))
    ladder = Ladder({"bad": first, "good": second})
    rungs = [f"{fault}@bad", f"{GOOD}@good"]
    meters.watch(["bad", "good"], ladder.left_alone)
    failures, lost = count("failures_total", engine="bad", reason=reason), lost_s()
    assert await text(ladder, rungs) == TEXT
    assert count("failures_total", engine="bad", reason=reason) == failures + 1
    assert 0 < lost_s() - lost < 10
    assert model.asked[fault] == (2 if reason == "unreachable" else 1)
    assert model.asked[GOOD] == 1
    assert count("open_circuits", engine="bad") == alone
    assert count("open_circuits", engine="good") == 0
    asked = model.asked[fault]
    assert await text(ladder, rungs) == TEXT
    assert (model.asked[fault] == asked) == alone
    await first.close()
    await second.close()


def lost_s() -> float:
    return count("lost_seconds_total", engine="bad")


@pytest.mark.parametrize(("fault", "reason"), AFTER_TEXT)
async def test_a_fault_after_the_first_word_leaves_the_rungs_after_it(
    url: str, fault: str, reason: str
) -> None:
    engine = OpenAi("bad", Endpoint(base_url=url), PATIENCE)
    ladder = Ladder({"bad": engine})
    failures = count("failures_total", engine="bad", reason=reason)
    with pytest.raises(Interrupted) as raised:
        await text(ladder, [f"{fault}@bad", f"{GOOD}@bad"])
    assert [rung.model for rung in raised.value.rest] == [GOOD]
    assert count("failures_total", engine="bad", reason=reason) == failures + 1
    await engine.close()


async def test_a_provider_that_always_cuts_its_stream_is_left_alone_after_three(
    model: Model, url: str
) -> None:
    engine = OpenAi("bad", Endpoint(base_url=url), PATIENCE)
    ladder = Ladder({"bad": engine})
    for _ in range(3):
        with pytest.raises(Interrupted):
            await text(ladder, ["mock-cut4-itl1@bad", f"{GOOD}@bad"])
    assert await text(ladder, ["mock-cut4-itl1@bad", f"{GOOD}@bad"]) == TEXT
    assert model.asked["mock-cut4-itl1"] == 3
    await engine.close()


async def test_a_provider_that_takes_no_connection_costs_one_rung(url: str) -> None:
    with deaf() as nowhere:
        first = OpenAi("bad", Endpoint(base_url=nowhere), PATIENCE)
        second = OpenAi("good", Endpoint(base_url=url), PATIENCE)
        ladder = Ladder({"bad": first, "good": second})
        assert await text(ladder, ["m@bad", f"{GOOD}@good"]) == TEXT
        await first.close()
        await second.close()


async def test_an_account_without_money_closes_all_its_models_and_is_told_once(
    model: Model, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    engine = OpenAi("bad", Endpoint(base_url=url), PATIENCE)
    ladder = Ladder({"bad": engine}, breaker=Breaker(clock=lambda: now[0]))
    for _ in range(3):
        with pytest.raises(Exhausted):
            await text(ladder, ["mock-429-quota@bad", f"{GOOD}@bad"])
        now[0] += 301.0  # it is tried again from time to time, without another word
    assert model.asked["mock-429-quota"] == 3
    assert model.asked[GOOD] == 0
    assert capsys.readouterr().out.count("out_of_quota") == 1
    await engine.close()


@pytest.mark.parametrize("vendor", ["openai", "groq", "mistral", "anthropic"])
async def test_a_provider_that_has_nothing_left_is_not_asked_until_its_reset(
    model: Model, url: str, vendor: str
) -> None:
    now = [0.0]
    engine = OpenAi("bad", Endpoint(base_url=url), PATIENCE)
    ladder = Ladder({"bad": engine}, breaker=Breaker(clock=lambda: now[0]))
    spent = f"mock-left0-after90-len10-{vendor}"
    for asked, seconds in ((1, 85.0), (1, 6.0), (2, 0.0)):
        assert await text(ladder, [f"{spent}@bad", f"{GOOD}@bad"]) == TEXT
        assert model.asked[spent] == asked
        now[0] += seconds
    await engine.close()


async def test_the_last_model_is_waited_for_where_it_asks_for_a_moment(
    model: Model, url: str
) -> None:
    engine = OpenAi("bad", Endpoint(base_url=url), PATIENCE)
    ladder = Ladder({"bad": engine, "extractive": Scripted([["Extrait."]], name="extractive")})
    soon, late = "mock-left0-after1-len10-mistral", "mock-left0-after30-len10-mistral"
    assert [await text(ladder, [f"{soon}@bad"]) for _ in range(2)] == [TEXT, TEXT]
    assert [await text(ladder, [f"{late}@bad"]) for _ in range(2)] == [TEXT, "Extrait."]
    assert (model.asked[soon], model.asked[late]) == (2, 1)
    await engine.close()


async def test_a_long_wish_is_obeyed_in_full_but_looked_at_again_each_hour(
    model: Model, url: str
) -> None:
    now = [0.0]
    engine = OpenAi("bad", Endpoint(base_url=url), PATIENCE)
    ladder = Ladder({"bad": engine}, breaker=Breaker(clock=lambda: now[0]))
    for fault, until in (("mock-429-after600", 599.0), ("mock-429-after86400", 3_599.0)):
        for asked, seconds in ((1, until), (1, 2.0), (2, 4_000.0)):
            assert await text(ladder, [f"{fault}@bad", f"{GOOD}@bad"]) == TEXT
            assert model.asked[fault] == asked
            now[0] += seconds
    await engine.close()


async def test_a_provider_bounded_to_eight_calls_never_has_more_in_hand(
    model: Model, url: str
) -> None:
    engine = OpenAi("bounded", Endpoint(base_url=url))
    ladder = Ladder({"bounded": engine}, slots=Slots({"bounded": 8}))
    waits = count("slot_wait_seconds_count", engine="bounded")
    asking = [text(ladder, ["mock-ttft5-len10@bounded"]) for _ in range(200)]
    assert await asyncio.gather(*asking) == [TEXT] * 200
    assert model.most_in_hand == 8
    assert count("slot_wait_seconds_count", engine="bounded") == waits + 200
    await engine.close()


async def test_who_waits_longer_than_a_share_for_a_slot_takes_the_next_rung(
    model: Model, url: str
) -> None:
    slow, good = (OpenAi(name, Endpoint(base_url=url)) for name in ("slow", "good"))
    ladder = Ladder({"slow": slow, "good": good}, slots=Slots({"slow": 1}), budget_s=2.0)
    rungs = ["mock-itl20-len80@slow", f"{GOOD}@good"]
    first = asyncio.create_task(text(ladder, rungs))
    await asyncio.sleep(0.05)
    assert await text(ladder, rungs) == TEXT
    assert model.asked["mock-itl20-len80"] == 1
    assert count("failures_total", engine="slow", reason="no_slot") == 1
    assert ladder.left_alone("slow") == 0
    assert len(await first) > len(TEXT)
    await slow.close()
    await good.close()


async def test_a_slow_rung_leaves_the_others_their_share_of_the_turns_time(url: str) -> None:
    engine = OpenAi("slow", Endpoint(base_url=url))  # would wait for 20 s
    ladder = Ladder({"slow": engine}, budget_s=2.4)
    rungs = ["mock-silence@slow", "mock-ttft5000@slow", f"{GOOD}@slow"]
    assert await text(ladder, rungs) == TEXT
    await engine.close()
