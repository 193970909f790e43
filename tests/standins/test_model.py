"""The official client takes the stand-in for a model."""

import json
from collections.abc import AsyncIterator

import openai
import pytest
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletionMessageParam

from tests.standins.model import Model

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Quel est le délai ?"}]


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def client(model: Model) -> AsyncIterator[openai.AsyncOpenAI]:
    async with (
        model.serving() as url,
        openai.AsyncOpenAI(api_key="x", base_url=url, max_retries=0, timeout=2) as client,
    ):
        yield client


async def stream(client: openai.AsyncOpenAI, model: str) -> tuple[str, CompletionUsage | None]:
    chunks = await client.chat.completions.create(
        model=model, messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    text, usage = "", None
    async for chunk in chunks:
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
        usage = chunk.usage or usage
    return text, usage


async def test_the_official_client_reads_a_stream_and_its_usage(client: openai.AsyncOpenAI) -> None:
    text, usage = await stream(client, "mock-ttft1-itl1-len10")
    assert text == "Le bailleur dispose d'un mois pour rendre le dépôt."
    assert usage is not None
    assert usage.completion_tokens == 10


@pytest.mark.parametrize("name", ["mock-len10-crlf", "mock-len10-shred", "mock-len10-shred-crlf"])
async def test_odd_framing_is_still_a_stream(client: openai.AsyncOpenAI, name: str) -> None:
    text, _ = await stream(client, name)
    assert text.startswith("Le bailleur dispose")


async def test_the_official_client_reads_a_whole_answer(client: openai.AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="mock-echo", messages=QUESTION)
    assert answer.choices[0].message.content == "Quel est le délai ?"


async def test_a_schema_gets_an_instance_of_it(client: openai.AsyncOpenAI) -> None:
    properties: dict[str, object] = {
        "question": {"type": "string"},
        "guard": {"type": "array", "items": {"type": "string", "enum": ["insult", "hate"]}},
    }
    schema: dict[str, object] = {"type": "object", "properties": properties}
    answer = await client.chat.completions.create(
        model="mock-json-flag=insult",
        messages=QUESTION,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    )
    content = json.loads(answer.choices[0].message.content or "")
    assert content == {"question": "Quel est le délai ?", "guard": ["insult"]}


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("mock-error500", openai.InternalServerError),
        ("mock-429", openai.RateLimitError),
        ("mock-plain", openai.BadRequestError),
        ("gpt-5", openai.NotFoundError),
        ("mock-drop", openai.APIConnectionError),
    ],
)
async def test_a_fault_is_the_clients_own_error(
    client: openai.AsyncOpenAI, name: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await stream(client, name)


async def test_too_many_requests_says_when_to_come_back(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as caught:
        await stream(client, "mock-429")
    assert caught.value.response.headers["retry-after"] == "2"


@pytest.mark.parametrize("name", ["mock-cut5", "mock-fault5", "mock-cut5-itl1"])
async def test_a_stream_breaks_where_its_name_says(client: openai.AsyncOpenAI, name: str) -> None:
    chunks = await client.chat.completions.create(model=name, messages=QUESTION, stream=True)
    seen = []
    with pytest.raises((openai.APIError, openai.APIConnectionError)):  # noqa: PT012
        async for chunk in chunks:
            seen.append(chunk.choices[0].delta.content)
    assert len(seen) == 5


async def test_a_silent_model_is_timed_out(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.APITimeoutError):
        await client.with_options(timeout=0.05).chat.completions.create(
            model="mock-silence", messages=QUESTION
        )


async def test_it_lists_models_and_counts_requests(
    client: openai.AsyncOpenAI, model: Model
) -> None:
    assert [listed.id async for listed in client.models.list()] == ["mock"]
    await stream(client, "mock-len3")
    assert model.asked["mock-len3"] == 1
