"""The native API on a real bus, with scripted answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from palabre.channels.testing import ScriptedAnswers, completed, delta
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb
from palabre.gateway import testing
from palabre.gateway.testing import AUTH, RunningGateway


@pytest.fixture
async def gateway(nats: NatsServer, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with testing.running(nats, tmp_path) as running:
        yield running


async def begin(http: httpx.AsyncClient) -> str:
    reply = await http.post("/api/v1/spaces/demo/conversations", json={"language": "fr"})
    assert reply.status_code == 201
    return str(reply.json()["id"])


async def ask(
    http: httpx.AsyncClient, conversation: str, text: str = "Quand ?", **more: Any
) -> str:
    reply = await http.post(
        f"/api/v1/conversations/{conversation}/utterances", json={"text": text} | more
    )
    assert reply.status_code == 202, reply.text
    return str(reply.json()["turn"])


async def told(
    http: httpx.AsyncClient, conversation: str, *, stop: str = "", **options: Any
) -> list[tuple[str, str, dict[str, Any]]]:
    """Server-sent events as (name, id, data), until the stream or an event `stop` ends."""
    found, fields = [], {}
    url = f"/api/v1/conversations/{conversation}/events"
    async with http.stream("GET", url, **options) as reply:
        assert reply.status_code == 200, await reply.aread()
        async for line in reply.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            if "event" in fields:
                found.append((fields["event"], fields["id"], json.loads(fields["data"])))
                if fields["event"] == stop:
                    return found
            fields = {}
    return found


async def test_a_question_is_answered_with_its_sources(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    conversation = await begin(http)
    turn = await ask(http, conversation)
    events = await told(http, conversation, params={"turn": turn})
    assert [name for name, _, _ in events] == ["accepted", "delta", "delta", "completed"]
    assert "".join(data["text"] for name, _, data in events if name == "delta") == (
        "Le loyer est dû le cinq [1]."
    )
    done = events[-1][2]
    assert done["mode"] == "grounded"
    assert done["sources"][0]["document"] == "guide.md"
    assert done["usage"]["cost"] == "0.00012"
    assert done["disclaimer"] == "Une IA vous répond."
    assert events[-1][1] == f"{turn}/1/28"


async def test_an_open_stream_tells_one_turn_after_another(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    conversation = await begin(http)
    await ask(http, conversation)
    await until(lambda: _ended(http, conversation, 1))
    stream = asyncio.create_task(told(http, conversation, stop="completed"))
    await asyncio.sleep(0.2)
    second = await ask(http, conversation, "Et ensuite ?")
    events = await stream
    assert {data["turn"] for _, _, data in events} == {second}
    assert events[0][2]["question"] == "Et ensuite ?"


async def test_a_client_that_comes_back_gets_only_what_it_lacks(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: [
        delta("Le loyer", 0),
        0.5,
        delta(" est dû", 8),
        completed("Le loyer est dû"),
    ]
    conversation = await begin(http)
    turn = await ask(http, conversation)
    first = await told(http, conversation, stop="delta", params={"turn": turn})
    assert first[-1][1] == f"{turn}/1/8"
    rest = await told(
        http, conversation, params={"turn": turn}, headers={"Last-Event-ID": first[-1][1]}
    )
    assert [name for name, _, _ in rest] == ["delta", "completed"]
    assert rest[0][2]["text"] == " est dû"
    again = await told(
        http, conversation, stop="completed", headers={"Last-Event-ID": first[-1][1]}
    )
    assert [name for name, _, _ in again] == ["delta", "completed"]


async def test_a_second_question_is_refused_while_one_is_answered(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: [30]
    conversation = await begin(http)
    turn = await ask(http, conversation)
    url = f"/api/v1/conversations/{conversation}"
    reply = await http.post(f"{url}/utterances", json={"text": "Et là ?"})
    assert reply.status_code == 409
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["turn"] == turn
    newer = await ask(http, conversation, "Plutôt ceci", interrupt=True)
    await until(lambda: [c.turn for c in llm.cancelled] == [turn])
    cancelled = await http.post(f"{url}/cancel", json={"heard": 3})
    assert cancelled.json() == {"turn": newer}
    assert (await http.post(f"{url}/cancel")).status_code == 409
    shown = (await http.get(url)).json()
    assert [t["status"] for t in shown["turns"]] == ["cancelled", "cancelled"]


async def test_two_replicas_never_both_admit(
    nats: NatsServer, tmp_path: Path, gateway: RunningGateway, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: [30]
    async with (
        testing.running(nats, tmp_path) as other,
        httpx.AsyncClient(base_url=gateway.url, headers=AUTH) as one,
        httpx.AsyncClient(base_url=other.url, headers=AUTH) as two,
    ):
        for _ in range(5):
            conversation = await begin(one)
            url = f"/api/v1/conversations/{conversation}/utterances"
            asks = [client.post(url, json={"text": "Qui ?"}) for client in (one, two) * 3]
            statuses = sorted(reply.status_code for reply in await asyncio.gather(*asks))
            assert statuses == [202, 409, 409, 409, 409, 409]


async def test_an_idempotency_key_asks_once(http: httpx.AsyncClient, llm: ScriptedAnswers) -> None:
    conversation = await begin(http)
    url = f"/api/v1/conversations/{conversation}/utterances"
    key = {"Idempotency-Key": "k-1"}
    replies = [await http.post(url, json={"text": "Quand ?"}, headers=key) for _ in range(3)]
    assert {reply.status_code for reply in replies} == {202}
    assert len({reply.json()["turn"] for reply in replies}) == 1
    assert len(llm.heard) == 1
    other = await http.post(url, json={"text": "Autre chose"}, headers=key)
    assert other.status_code == 422


async def test_a_conversation_shows_its_turns_and_can_be_erased(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    conversation = await begin(http)
    turn = await ask(http, conversation)
    await told(http, conversation, params={"turn": turn})
    url = f"/api/v1/conversations/{conversation}"
    [shown] = (await http.get(url)).json()["turns"]
    assert (shown["status"], shown["question"]) == ("completed", "Quand ?")
    assert shown["answer"].endswith("[1].")
    liked = await http.post(f"/api/v1/turns/{turn}/feedback", json={"score": 1})
    assert liked.status_code == 204
    assert (await http.delete(url)).status_code == 204
    assert (await http.get(url)).status_code == 404
    assert (await http.post(f"{url}/utterances", json={"text": "?"})).status_code == 404


async def test_another_tokens_conversation_does_not_exist(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    conversation = await begin(http)
    turn = await ask(http, conversation)
    made = await http.post(
        "/api/v1/tokens", json={"name": "autre", "scopes": ["ask"], "spaces": ["demo"]}
    )
    other = {"Authorization": f"Bearer {made.json()['token']}"}
    url = f"/api/v1/conversations/{conversation}"
    for reply in (
        await http.get(url, headers=other),
        await http.delete(url, headers=other),
        await http.get(f"{url}/events", headers=other),
        await http.post(f"{url}/utterances", json={"text": "?"}, headers=other),
        await http.post(f"/api/v1/turns/{turn}/feedback", json={"score": 1}, headers=other),
    ):
        assert reply.status_code == 404


async def test_a_failure_tells_the_person_in_their_language(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: [pb.TurnFailed(reason=pb.FAILURE_REASON_UNAVAILABLE, retryable=True)]
    conversation = await begin(http)
    turn = await ask(http, conversation)
    events = await told(http, conversation, params={"turn": turn})
    assert events[-1][0] == "failed"
    assert events[-1][2]["message"].startswith("Désolé")
    assert events[-1][2]["retryable"] is True


async def test_the_gateway_apologises_at_the_deadline_when_nobody_else_does(
    nats: NatsServer, tmp_path: Path, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: []
    async with (
        testing.running(nats, tmp_path, deadline_s=1) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers=AUTH, timeout=20) as http,
    ):
        conversation = await begin(http)
        turn = await ask(http, conversation)
        events = await told(http, conversation, params={"turn": turn})
        assert [(n, d.get("reason")) for n, _, d in events][-1] == ("failed", "expired")
        shown = (await http.get(f"/api/v1/conversations/{conversation}")).json()
        assert shown["turns"][0]["status"] == "failed"


async def test_a_restarted_answer_replaces_what_was_shown(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    def script(event: pb.Event) -> Iterator[Any]:
        llm.attempt = 1
        yield delta("Le lo", 0)
        llm.attempt = 2
        yield pb.AnswerRestarted()
        yield delta("Non", 0)
        yield completed("Non")

    llm.script = script
    conversation = await begin(http)
    turn = await ask(http, conversation)
    events = await told(http, conversation, params={"turn": turn})
    names = [name for name, _, _ in events]
    assert names == ["accepted", "delta", "restarted", "delta", "completed"]


async def test_a_bus_that_was_away_is_found_again(
    http: httpx.AsyncClient, llm: ScriptedAnswers, nats: NatsServer
) -> None:
    conversation = await begin(http)
    await nats.kill()
    asking = asyncio.create_task(ask(http, conversation))
    await asyncio.sleep(1.5)
    await nats.start()
    turn = await asking
    events = await told(http, conversation, params={"turn": turn})
    assert events[-1][0] == "completed"


async def _ended(http: httpx.AsyncClient, conversation: str, turns: int) -> bool:
    shown = (await http.get(f"/api/v1/conversations/{conversation}")).json()["turns"]
    return len(shown) == turns and all(turn["status"] != "running" for turn in shown)
