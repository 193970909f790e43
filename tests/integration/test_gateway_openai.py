"""OpenAI's API, asked by OpenAI's own client."""

import asyncio
from typing import Any

import httpx
import openai
import pytest

from palabre.channels.testing import ScriptedAnswers, completed, delta
from palabre.chassis.testing import until
from palabre.contracts.v1 import events_pb2 as pb
from palabre.gateway import testing
from palabre.gateway.testing import RunningGateway

TEXT = "Le loyer est dû le cinq [1]."
ASKED: Any = [{"role": "user", "content": "Quand ?"}]


async def test_a_completion_has_text_sources_and_usage(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers
) -> None:
    reply = await client.chat.completions.create(model="demo/camille", messages=ASKED)
    [choice] = reply.choices
    assert (choice.message.content, choice.finish_reason) == (TEXT, "stop")
    assert choice.message.annotations
    cited = choice.message.annotations[0].url_citation
    assert (TEXT[cited.start_index : cited.end_index], cited.title) == ("[1]", "Guide")
    assert cited.url.endswith("/sources/demo/guide.md")
    assert reply.usage
    assert reply.usage.total_tokens == 107
    assert reply.model_extra
    assert reply.model_extra["sources"][0]["document"] == "guide.md"


async def test_a_streamed_completion_comes_in_pieces(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers
) -> None:
    stream = await client.chat.completions.create(
        model="demo", messages=ASKED, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == TEXT
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage
    assert chunks[-1].usage.prompt_tokens == 100
    last = chunks[-2]
    assert last.model_extra
    assert last.model_extra["sources"][0]["number"] == 1
    assert last.choices[0].delta.model_extra
    assert last.choices[0].delta.model_extra["annotations"][0]["type"] == "url_citation"


async def test_what_was_lost_on_the_way_comes_with_the_end(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: [delta("Le ", 0), delta("est dû", 9), completed("Le loyer est dû")]
    stream = await client.chat.completions.create(model="demo", messages=ASKED, stream=True)
    pieces = [c.choices[0].delta.content or "" async for c in stream]
    assert "".join(pieces) == "Le loyer est dû"


async def test_the_request_carries_history_instructions_and_sampling(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers
) -> None:
    await client.chat.completions.create(
        model="demo/camille",
        messages=[
            {"role": "system", "content": "Sois bref."},
            {"role": "user", "content": "Bonjour"},
            {"role": "assistant", "content": "Bonjour !"},
            {"role": "user", "content": [{"type": "text", "text": "Et le loyer ?"}]},
        ],
        temperature=0.5,
        max_completion_tokens=50,
        stop=["FIN"],
        seed=7,
        user="x",
    )
    utterance = llm.heard[0].utterance_received.utterance
    assert utterance.text == "Et le loyer ?"
    assert utterance.instructions == "Sois bref."
    assert [(e.question, e.answer) for e in utterance.carried_history] == [("Bonjour", "Bonjour !")]
    assert utterance.carries_history
    assert utterance.persona == "camille"
    assert (utterance.sampling.max_tokens, utterance.sampling.seed) == (50, 7)
    assert list(utterance.sampling.stop) == ["FIN"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tools", [{"type": "function", "function": {"name": "f"}}]),
        ("n", 2),
        ("logprobs", True),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}),
        ("audio", {"voice": "alloy", "format": "mp3"}),
        ("presence_penalty", 1.0),
        ("unheard_of", 1),
    ],
)
async def test_what_is_not_supported_is_refused_by_name(
    client: openai.AsyncOpenAI, name: str, value: object
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        await client.chat.completions.create(model="demo", messages=ASKED, extra_body={name: value})
    assert refusal.value.param == name
    assert name in refusal.value.message


async def test_models_are_the_personas(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["demo/camille"]
    assert (await client.models.retrieve("demo/camille")).owned_by == "demo"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("demo/nobody")
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(model="nowhere", messages=ASKED)
    with pytest.raises(openai.NotFoundError):
        await client.chat.completions.create(model="demo/nobody", messages=ASKED)


async def test_a_wrong_key_is_an_authentication_error(gateway: RunningGateway) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{gateway.url}/v1", api_key="palabre_wrong", max_retries=0
    ) as client:
        with pytest.raises(openai.AuthenticationError, match="unknown"):
            await client.models.list()


async def test_an_answer_that_breaks_off_ends_the_stream_with_an_error(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers
) -> None:
    failed = pb.TurnFailed(
        reason=pb.FAILURE_REASON_INTERRUPTED, message="Désolé, coupé.", shown="Le"
    )
    llm.script = lambda _: [delta("Le", 0), 0.1, failed]
    stream = await client.chat.completions.create(model="demo", messages=ASKED, stream=True)
    heard = [(await anext(stream)).choices[0].delta.content for _ in range(2)]
    assert heard == ["", "Le"]
    with pytest.raises(openai.APIError, match="coupé"):
        await anext(stream)


async def test_a_failure_before_the_first_word_is_an_http_error(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: [pb.TurnFailed(reason=pb.FAILURE_REASON_UNAVAILABLE)]
    with pytest.raises(openai.InternalServerError) as refusal:
        await client.chat.completions.create(model="demo", messages=ASKED)
    assert refusal.value.status_code == 503


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_goes_cancels_its_turn(
    gateway: RunningGateway, llm: ScriptedAnswers, stream: bool
) -> None:
    llm.script = lambda _: [delta("Le loyer", 0), 30]
    body = {"model": "demo", "messages": ASKED, "stream": stream}
    headers = {"Authorization": f"Bearer {testing.TOKEN}"}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers) as http:
        asking = asyncio.create_task(http.post("/v1/chat/completions", json=body))
        await until(lambda: len(llm.heard) == 1)
        await asyncio.sleep(0.2)
        asking.cancel()
        await until(lambda: len(llm.cancelled) == 1, patience_s=3)
    assert llm.cancelled[0].turn_cancelled.heard == 8


async def test_an_idempotency_key_finds_the_same_answer(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers
) -> None:
    llm.script = lambda event: [completed(f"Réponse {len(llm.heard)}")]
    replies = [
        await client.chat.completions.create(
            model="demo", messages=ASKED, extra_headers={"Idempotency-Key": "k"}
        )
        for _ in range(2)
    ]
    assert {reply.choices[0].message.content for reply in replies} == {"Réponse 1"}
    assert len(llm.heard) == 1


async def test_one_question_gets_one_answer(gateway: RunningGateway, llm: ScriptedAnswers) -> None:
    headers = {"Authorization": f"Bearer {testing.TOKEN}"}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers) as http:
        body = {"query": "Quand ?", "context": "On parlait du loyer."}
        reply = await http.post("/answer/", json=body)
        assert reply.status_code == 200
        assert reply.json()["answer"] == TEXT
        assert reply.json()["sources"][0]["title"] == "Guide"
        empty = await http.post("/answer/", json={"query": " "})
        assert empty.status_code == 422
    carried = llm.heard[0].utterance_received.utterance.carried_history
    assert carried[0].question == "On parlait du loyer."


async def test_a_question_may_name_the_space_and_the_persona_that_answer(
    gateway: RunningGateway, llm: ScriptedAnswers
) -> None:
    headers = {"Authorization": f"Bearer {testing.TOKEN}"}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers) as http:
        named = {"query": "Quand ?", "model": "demo/camille"}
        reply = (await http.post("/answer/", json=named)).json()
        assert (reply["space"], reply["persona"]) == ("demo", "camille")
        for model in ("demo/nemo", "nulle-part"):
            unknown = await http.post("/answer/", json={"query": "Quand ?", "model": model})
            assert unknown.status_code == 404
