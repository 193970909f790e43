"""What every registered engine promises, and the scripted one that tests use."""

from collections.abc import AsyncIterator

import pytest

from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm import engines
from palabre.llm.engines import Completion, Engine, Judge, Material, Message
from palabre.llm.engines.scripted import Scripted
from palabre.llm.settings import Settings
from tests.standins.model import Model

from .a_turn import DEPOSIT, NOTICE

QUESTION = "Quand le bailleur rend-il le dépôt de garantie ?"
ASKED = Completion(
    (Message("system", "Vous êtes Camille."), Message("user", QUESTION)),
    model="mock-len10",
    material=Material(QUESTION, (DEPOSIT, NOTICE), "fr"),
)


@pytest.fixture(params=["extractive", "openai", "scripted"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    async with Model().serving() as url:
        registered = engines.build(Settings(llm_base_url=url, llm_model="mock-len10"))
        found = {**registered, "scripted": Scripted()}[request.param]
        yield found
        await found.close()


def test_all_engines_are_registered_by_entry_points() -> None:
    settings = Settings(llm_base_url="http://127.0.0.1:1/v1", llm_model="m")
    assert set(engines.build(settings)) == {"extractive", "openai"}


def test_without_an_endpoint_only_the_extractive_engine_is_there() -> None:
    assert set(engines.build(Settings())) == {"extractive"}


async def test_an_engine_gives_text_and_then_exactly_one_usage(engine: Engine) -> None:
    pieces = [piece async for piece in engine.stream(ASKED)]
    assert isinstance(pieces[-1], Usage)
    assert all(isinstance(piece, str) and piece for piece in pieces[:-1])
    assert len(pieces) > 1


async def test_usage_names_the_engine_and_counts_tokens(engine: Engine) -> None:
    *_, usage = [piece async for piece in engine.stream(ASKED)]
    assert isinstance(usage, Usage)
    assert usage.engine == engine.name
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0


async def test_a_stream_may_be_closed_before_its_end(engine: Engine) -> None:
    pieces = engine.stream(ASKED)
    await anext(pieces)
    await pieces.aclose()
    assert [piece async for piece in engine.stream(ASKED)]


async def test_a_judge_answers_with_an_object() -> None:
    async with Model().serving() as url:
        found = engines.build(Settings(llm_base_url=url, llm_model="mock-json"))["openai"]
        assert isinstance(found, Judge)
        schema = {"type": "object", "properties": {"question": {"type": "string"}}}
        asked = Completion((Message("user", QUESTION),), model="mock-json")
        verdict = await found.judge(asked, schema)
        assert verdict.values == {"question": QUESTION}
        await found.close()
