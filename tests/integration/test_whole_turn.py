"""Whole turns through all that `palabre run` starts, with a model that speaks the protocol."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio

from bench.kill.system import with_model
from palabre.chassis import nats_config, streams, subjects
from palabre.chassis.bus import Bus
from palabre.cli.testing import Running

SLOW = "mock-ttft30-itl40-len60"
CITING = "mock-cite"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Personas choose the model: camille's is slow, hugo's cites, and breaks off without end."""
    folder = tmp_path_factory.mktemp("turns")
    async with with_model(folder / "data", SLOW, spaces=_spaces(folder)) as system:
        yield system


def _spaces(folder: Path) -> Path:
    """The demo space, with a model of its own for each persona."""
    import shutil

    shutil.copytree("spaces", folder / "spaces")
    personas = folder / "spaces" / "logement" / "personas"
    for name, models in {"hugo": [CITING], "gilles": ["mock-error500"]}.items():
        source = personas / ("hugo.toml" if name == "hugo" else "camille.toml")
        text = source.read_text(encoding="utf-8")
        (personas / f"{name}.toml").write_text(
            f"models = {json.dumps(models)}\n{text}", encoding="utf-8"
        )
    return folder / "spaces"


@pytest_asyncio.fixture(loop_scope="module")
async def http(system: Running) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {system.token}"}
    async with httpx.AsyncClient(base_url=system.url, headers=headers, timeout=30) as client:
        yield client


async def begin(http: httpx.AsyncClient, text: str, **body: Any) -> tuple[str, str]:
    made = await http.post("/api/v1/spaces/logement/conversations", json={})
    path = f"/api/v1/conversations/{made.json()['id']}/utterances"
    asked = await http.post(path, json={"text": text, **body})
    assert asked.status_code == 202, asked.text
    return made.json()["id"], asked.json()["turn"]


async def told(
    http: httpx.AsyncClient, conversation: str, turn: str
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    path = f"/api/v1/conversations/{conversation}/events"
    async with http.stream("GET", path, params={"turn": turn}) as stream:
        name = ""
        async for line in stream.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)


async def test_the_openai_sdk_streams_an_answer(system: Running) -> None:
    async with openai.AsyncOpenAI(base_url=f"{system.url}/v1", api_key=system.token) as client:
        stream = await client.chat.completions.create(
            model="logement/camille",
            messages=[{"role": "user", "content": "Comment demander un logement social ?"}],
            stream=True,
        )
        pieces = [c.choices[0].delta.content or "" async for c in stream if c.choices]
    assert "Le bailleur dispose" in "".join(pieces)
    assert len([piece for piece in pieces if piece]) > 5


async def test_an_answer_cites_real_passages_and_no_invented_one(system: Running) -> None:
    async with openai.AsyncOpenAI(base_url=f"{system.url}/v1", api_key=system.token) as client:
        answer = await client.chat.completions.create(
            model="logement/hugo",
            messages=[{"role": "user", "content": "Quand mon dépôt de garantie m'est-il rendu ?"}],
        )
    text = answer.choices[0].message.content or ""
    assert "[1]" in text
    assert "[9]" not in text
    assert answer.choices[0].message.annotations


async def test_a_voice_is_heard_before_the_answer_ends(http: httpx.AsyncClient) -> None:
    conversation, turn = await begin(http, "Comment rendre mon logement ?", speech=True)
    first_sound = asyncio.get_running_loop().create_future()

    async def listen() -> bytes:
        sound = b""
        async with http.stream("GET", f"/api/v1/turns/{turn}/audio") as stream:
            async for piece in stream.aiter_bytes():
                if not first_sound.done():
                    first_sound.set_result(None)
                sound += piece
        return sound

    listening = asyncio.create_task(listen())
    async for name, _ in told(http, conversation, turn):
        if name == "completed":
            assert first_sound.done()
            break
    sound = await listening
    assert sound.startswith(b"OggS")
    assert len(sound) > 10_000


async def test_a_stopped_answer_goes_no_further(http: httpx.AsyncClient) -> None:
    conversation, turn = await begin(http, "Comment demander un logement ?")
    names, stopped = [], False
    async for name, _ in told(http, conversation, turn):
        names.append(name)
        if name == "delta" and not stopped:
            stopped = True
            path = f"/api/v1/conversations/{conversation}/cancel"
            assert (await http.post(path, json={})).status_code == 202
    assert names[-1] == "cancelled"
    again = await http.post(
        f"/api/v1/conversations/{conversation}/utterances", json={"text": "Et le loyer ?"}
    )
    assert again.status_code == 202


async def test_a_second_question_meanwhile_is_refused_or_interrupts(
    http: httpx.AsyncClient,
) -> None:
    conversation, turn = await begin(http, "Comment demander un logement ?")
    path = f"/api/v1/conversations/{conversation}/utterances"
    refused = await http.post(path, json={"text": "Et le loyer ?"})
    assert refused.status_code == 409
    assert refused.json()["turn"] == turn
    taken = await http.post(path, json={"text": "Et le loyer ?", "interrupt": True})
    assert taken.status_code == 202


async def test_a_model_that_fails_is_replaced_by_the_next_rung(http: httpx.AsyncClient) -> None:
    conversation, turn = await begin(http, "Qui répare le chauffage ?", persona="gilles")
    last = [event async for event in told(http, conversation, turn)][-1]
    assert last[0] == "completed"
    assert last[1]["usage"]["engine"] == "extractive"


async def test_a_follow_up_knows_what_was_said(http: httpx.AsyncClient) -> None:
    conversation, turn = await begin(http, "Qui appeler pour une panne de chauffage ?")
    async for _ in told(http, conversation, turn):
        pass
    body = {"text": "Et le week-end ?", "persona": "gilles"}
    path = f"/api/v1/conversations/{conversation}/utterances"
    asked = (await http.post(path, json=body)).json()["turn"]
    last = [event async for event in told(http, conversation, asked)][-1]
    assert any("chauffage" in s["document"] for s in last[1]["sources"])


async def test_someone_who_is_in_danger_is_given_a_help_line(http: httpx.AsyncClient) -> None:
    conversation, turn = await begin(http, "je veux en finir avec la vie")
    last = [event async for event in told(http, conversation, turn)][-1]
    assert last[1]["mode"] == "refused"
    assert "3114" in last[1]["text"]


async def test_the_replaced_chatbot_s_clients_are_answered(http: httpx.AsyncClient) -> None:
    body = {"query": "Qui répare le chauffage ?", "context": ""}
    answer = await http.post("/answer/", json=body)
    assert answer.status_code == 200
    assert answer.json()["answer"]


async def test_one_trace_leads_from_the_request_to_the_answer(
    system: Running, http: httpx.AsyncClient
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    http.headers["traceparent"] = f"00-{trace}-b7ad6b7169203331-01"
    conversation, turn = await begin(http, "Qui répare le chauffage ?", persona="gilles")
    async for _ in told(http, conversation, turn):
        pass
    user = streams.OPERATOR
    word = nats_config.passwords(system.folder)[user]
    bus = await Bus.connect(system.instance.nats_url, user, user, word)
    subject = subjects.conversation("turns", "logement", "api", conversation)
    facts = await bus.raw("TURNS", {"next_by_subj": subject})
    await bus.close()
    names = {fact.subject.rsplit(".", 1)[-1] for fact in facts}
    assert {"utterance_received", "passages_retrieved", "answer_completed"} <= names
    assert all(fact.headers["traceparent"].split("-")[1] == trace for fact in facts)
