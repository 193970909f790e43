"""The OpenAI engine against a server that misbehaves over real HTTP."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from palabre.contracts.v1.turns_pb2 import Sampling, Usage
from palabre.llm.engines import Completion, Message, Piece
from palabre.llm.engines.openai import OpenAi, Patience
from palabre.llm.errors import (
    Broken,
    EngineError,
    OutOfQuota,
    Overloaded,
    Refused,
    TooSlow,
    UnknownModel,
    Unreachable,
    WrongKey,
)
from palabre.llm.settings import Endpoint
from tests.standins.model import Model, deaf


def asked(model: str, **sampling: float) -> Completion:
    messages = (Message("system", "Vous êtes Camille."), Message("user", "Quel est le délai ?"))
    return Completion(messages, model=model, sampling=Sampling(**sampling))  # type: ignore[arg-type]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def engine(model: Model) -> AsyncIterator[OpenAi]:
    async with model.serving() as url:
        patience = Patience(connect=1.0, first_token=0.3, between_tokens=0.3)
        engine = OpenAi("openai", Endpoint(base_url=url), patience)
        yield engine
        await engine.close()


async def read(engine: OpenAi, model: str) -> tuple[str, list[Piece], EngineError | None]:
    pieces: list[Piece] = []
    try:
        async for piece in engine.stream(asked(model)):
            pieces.append(piece)
    except EngineError as error:
        return _text(pieces), pieces, error
    return _text(pieces), pieces, None


def _text(pieces: list[Piece]) -> str:
    return "".join(piece for piece in pieces if isinstance(piece, str))


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("mock-error500", Broken),
        ("mock-error502", Broken),
        ("mock-error503", Overloaded),
        ("mock-429", Overloaded),
        ("mock-429-google", Overloaded),
        ("mock-429-quota", OutOfQuota),
        ("mock-error402", OutOfQuota),
        ("mock-error401", WrongKey),
        ("mock-error403", WrongKey),
        ("mock-error400", Refused),
        ("mock-error404", UnknownModel),
        ("gpt-unknown", UnknownModel),
        ("mock-html", Broken),
        ("mock-error502-html", Broken),
        ("mock-nonsense", Broken),
        ("mock-empty", Broken),
        ("mock-drop", Unreachable),
        ("mock-silence", TooSlow),
        ("mock-ttft900", TooSlow),
    ],
)
async def test_a_fault_before_the_first_word_has_a_name(
    engine: OpenAi, name: str, error: type[EngineError]
) -> None:
    text, _, raised = await read(engine, name)
    assert text == ""
    assert type(raised) is error


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("mock-cut20", Broken),
        ("mock-cut20-itl1", Broken),
        ("mock-reset20-itl1", Broken),
        ("mock-fault20", Broken),
        ("mock-garbage20", Broken),
        ("mock-stall20", TooSlow),
    ],
)
async def test_a_fault_after_the_first_word_comes_after_what_was_written(
    engine: OpenAi, name: str, error: type[EngineError]
) -> None:
    text, _, raised = await read(engine, name)
    assert text.startswith("Le bailleur dispose d'un mois")
    assert type(raised) is error


@pytest.mark.parametrize("key", ["", "k"])
async def test_an_address_with_a_name_and_a_password_is_asked_with_them(
    model: Model, key: str
) -> None:
    async with model.serving() as url:
        there = url.replace("//", "//camille:a%40b@")
        engine = OpenAi("openai", Endpoint(base_url=there, api_key=SecretStr(key)))
        text, _, raised = await read(engine, "mock-len5")
        await engine.close()
    assert text
    assert not raised
    assert model.authorization == f"Basic {b64encode(b'camille:a@b').decode()}"


async def test_nobody_listens_is_unreachable() -> None:
    engine = OpenAi("openai", Endpoint(base_url="http://127.0.0.1:9/v1"))
    _, _, raised = await read(engine, "mock")
    assert isinstance(raised, Unreachable)
    await engine.close()


async def test_a_server_that_takes_no_connection_is_too_slow() -> None:
    with deaf() as url:
        engine = OpenAi("openai", Endpoint(base_url=url), Patience(connect=0.2, first_token=5))
        _, _, raised = await read(engine, "mock")
        await engine.close()
    assert isinstance(raised, TooSlow)


@pytest.mark.parametrize("vendor", ["openai", "groq", "mistral", "anthropic", "google", "none"])
async def test_the_wish_of_a_busy_server_is_passed_on(engine: OpenAi, vendor: str) -> None:
    _, _, raised = await read(engine, f"mock-429-after70-{vendor}")
    assert isinstance(raised, Overloaded)
    assert raised.retry_after == 70


@pytest.mark.parametrize("vendor", ["openai", "groq", "mistral", "anthropic"])
async def test_a_server_that_has_nothing_left_says_until_when(engine: OpenAi, vendor: str) -> None:
    text, _, raised = await read(engine, f"mock-left0-after70-{vendor}")
    assert text
    assert raised is None
    assert 60 < engine.closed_for(f"mock-left0-after70-{vendor}") <= 70
    assert engine.closed_for("another") == 0


async def test_counts_that_cannot_be_are_estimated(engine: OpenAi) -> None:
    _, pieces, raised = await read(engine, "mock-len10-badusage")
    usage = pieces[-1]
    assert raised is None
    assert isinstance(usage, Usage)
    assert not usage.measured
    assert 8 <= usage.completion_tokens <= 20


async def test_the_servers_list_of_models_is_read(engine: OpenAi) -> None:
    assert await engine.models() == ["mock"]


@pytest.mark.parametrize("name", ["mock-len10-shred", "mock-len10-crlf", "mock-len10-shred-crlf"])
async def test_chunks_may_end_anywhere(engine: OpenAi, name: str) -> None:
    text, _, raised = await read(engine, name)
    assert raised is None
    assert text == "Le bailleur dispose d'un mois pour rendre le dépôt."


async def test_the_events_of_one_read_are_one_piece(engine: OpenAi) -> None:
    _, pieces, _ = await read(engine, "mock-len40")
    assert len(pieces) < 5


async def test_measured_usage_is_taken_from_the_server(engine: OpenAi) -> None:
    _, pieces, _ = await read(engine, "mock-len10")
    usage = pieces[-1]
    assert isinstance(usage, Usage)
    assert usage.measured
    assert usage.completion_tokens == 10
    assert not usage.cost_known


async def test_a_server_that_knows_no_usage_is_asked_again_once_and_then_estimated(
    engine: OpenAi, model: Model
) -> None:
    for _ in range(2):
        _, pieces, raised = await read(engine, "mock-len10-plain")
        assert raised is None
    usage = pieces[-1]
    assert isinstance(usage, Usage)
    assert not usage.measured
    assert 8 <= usage.completion_tokens <= 20
    assert model.asked["mock-len10-plain"] == 3


async def test_a_judge_falls_back_from_schema_to_object_to_words(
    engine: OpenAi, model: Model
) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    with pytest.raises(Broken):
        await engine.judge(asked("mock-echo-plain"), schema)
    assert model.asked["mock-echo-plain"] == 4
    question = Completion((Message("user", 'Voici : ```json\n{"a": "b"}\n```'),), "mock-echo-plain")
    assert (await engine.judge(question, schema)).values == {"a": "b"}
    assert model.asked["mock-echo-plain"] == 5  # it is remembered
    first = model.last["messages"][0]
    assert first["role"] == "system"
    assert '"properties"' in first["content"]


async def test_a_preset_says_how_a_server_is_asked(model: Model) -> None:
    async with model.serving() as url:
        engine = OpenAi("cohere", Endpoint(base_url=url, preset="cohere"))
        await engine.judge(asked("mock-json", temperature=1.5), {"type": "object"})
        schema = {"type": "object"}
        assert model.last["response_format"] == {"type": "json_object", "schema": schema}
        assert [message["role"] for message in model.last["messages"]] == ["developer", "user"]
        await engine.close()
        engine = OpenAi("mistral", Endpoint(base_url=url, preset="mistral"))
        async for _ in engine.stream(asked("mock-len3", seed=3, max_tokens=9, temperature=1.5)):
            pass
        assert model.last["temperature"] == 1.0
        assert model.last["random_seed"] == 3
        assert model.last["max_tokens"] == 9
        assert not {"seed", "stream_options"} & model.last.keys()
        await engine.close()


async def test_broken_json_is_a_fault_of_the_engine(engine: OpenAi) -> None:
    with pytest.raises(Broken):
        await engine.judge(asked("mock-badjson"), {"type": "object"})


async def test_sampling_is_passed_on(engine: OpenAi, model: Model) -> None:
    wanted = Sampling(temperature=0.5, top_p=0.25, max_tokens=7, seed=3, stop=["FIN"])
    async for _ in engine.stream(Completion((Message("user", "a"),), "mock-len3", wanted)):
        pass
    sent = {key: model.last[key] for key in ("temperature", "top_p", "max_tokens", "seed", "stop")}
    assert sent == {
        "temperature": 0.5, "top_p": 0.25, "max_tokens": 7, "seed": 3, "stop": ["FIN"]
    }  # fmt: skip


async def test_a_stream_that_is_closed_hangs_up(engine: OpenAi, model: Model) -> None:
    pieces = engine.stream(asked("mock-itl5-len1000"))
    await anext(pieces)
    assert model.open_streams == 1
    await pieces.aclose()
    await asyncio.sleep(0.05)
    assert model.open_streams == 0


async def test_a_hundred_answers_are_written_at_the_same_time(model: Model) -> None:
    async with model.serving() as url, asyncio.TaskGroup() as group:
        engine = OpenAi("openai", Endpoint(base_url=url))
        tasks = [group.create_task(read(engine, "mock-ttft50-itl1-len5")) for _ in range(100)]
        await asyncio.wait(tasks)
        await engine.close()
    assert all(task.result()[2] is None for task in tasks)
