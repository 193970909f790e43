"""What the gateway and Discord count and measure, after the real thing happened on a real bus."""

import asyncio
import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import openai

from palabre.channels.testing import ScriptedAnswers, completed, delta
from palabre.chassis import events
from palabre.chassis.service import Context
from palabre.chassis.testing import Gains, NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.gateway import testing
from palabre.gateway.testing import AUTH, RunningGateway
from tests.integration.discord_service import Community

FRAMES = 25
TIMES = ("palabre_turn_first_token_seconds", "palabre_turn_seconds")


def spoken(cause: pb.Event) -> Iterator[Any]:
    """Half a second of sound, at once."""
    yield delta("Demain.", 0)
    yield events.follow(cause, pb.SegmentReady(text="Demain.", language="fr", last=True), attempt=1)
    for sequence in range(FRAMES):
        is_last = sequence == FRAMES - 1
        frame = pb.SpeechFrame(
            encoding=turns_pb2.AUDIO_ENCODING_OPUS,
            data=b"\xf8\xff\xfe",  # silence
            sequence=sequence,
            duration_ms=20,
            last=is_last,
            last_segment=is_last,
        )
        yield events.follow(cause, frame, attempt=1)
    yield completed("Demain.")


async def begun(http: httpx.AsyncClient) -> str:
    reply = await http.post("/api/v1/spaces/demo/conversations", json={})
    return f"/api/v1/conversations/{reply.json()['id']}"


async def asked(http: httpx.AsyncClient, conversation: str, **more: object) -> str:
    new = {"text": "Quand ?"} | more
    return str((await http.post(f"{conversation}/utterances", json=new)).json()["turn"])


async def counted(gains: Gains, name: str, number: float, **labels: str) -> None:
    """Once the archive is there."""
    await until(lambda: gains.of(name, **labels) >= number)
    assert gains.of(name, **labels) == number


async def test_a_completion_of_openai_s_api_is_counted_paid_and_measured(
    client: openai.AsyncOpenAI, llm: ScriptedAnswers
) -> None:
    gains = Gains()
    ask = partial(
        client.chat.completions.create,
        model="demo/camille",
        messages=[{"role": "user", "content": "Quand ?"}],
    )
    await ask()
    async for _ in await ask(stream=True):  # type: ignore[attr-defined]  # partial hides it
        pass
    for name in TIMES:
        assert gains.of(f"{name}_count", channel="api") == 2, name
    await counted(gains, "palabre_turns_total", 2, space="demo", channel="api", outcome="grounded")
    assert gains.of("palabre_turns_received_total", space="demo", channel="api") == 2
    assert round(gains.of("palabre_cost_total", space="demo", currency="EUR"), 9) == 0.00024


async def test_a_turn_that_is_followed_and_rated_is_counted(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    gains, conversation = Gains(), await begun(http)
    turn = await asked(http, conversation)
    await http.get(f"{conversation}/events", params={"turn": turn})
    await http.get(f"{conversation}/events", params={"turn": turn})  # looks again
    for name in TIMES:
        assert gains.of(f"{name}_count", channel="api") == 1, name
    for _ in range(2):
        await http.post(f"/api/v1/turns/{turn}/feedback", json={"score": -1})
    assert gains.of("palabre_feedback_total", space="demo", verdict="bad") == 1


async def test_the_sound_of_an_answer_is_measured_as_it_is_heard(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    llm.script = spoken
    gains, conversation = Gains(), await begun(http)
    turn = await asked(http, conversation, speech=True)
    await http.get(f"/api/v1/turns/{turn}/audio")
    assert gains.of("palabre_turn_first_audio_seconds_count", channel="api") == 1
    assert round(gains.of("palabre_voice_seconds_total", channel="api"), 6) == 0.5
    await http.get(f"/api/v1/turns/{turn}/audio")
    assert gains.of("palabre_turn_first_audio_seconds_count", channel="api") == 1


async def test_a_failure_and_a_stop_are_counted_by_what_they_are(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: [pb.TurnFailed(reason=pb.FAILURE_REASON_UNAVAILABLE)]
    gains = Gains()
    await asked(http, await begun(http))
    await counted(gains, "palabre_turn_failures_total", 1, reason="unavailable", channel="api")
    llm.script = lambda _: []
    conversation = await begun(http)
    await asked(http, conversation)
    await http.post(f"{conversation}/cancel")
    await counted(gains, "palabre_turns_total", 1, outcome="cancelled", channel="api")


async def test_open_streams_and_refusals_are_told(
    nats: NatsServer, tmp_path: Path, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: []
    gains = Gains()
    async with (
        testing.running(nats, tmp_path, streams=1, requests_per_minute=6) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers=AUTH, timeout=20) as http,
    ):
        conversation = await begun(http)
        await asked(http, conversation)
        async with http.stream("GET", f"{conversation}/events"):
            assert gains.of("palabre_http_streams") == 1
            assert (await http.get(f"{conversation}/events")).status_code == 429
        await until(lambda: gains.of("palabre_http_streams") == 0)
        again = await http.post(f"{conversation}/utterances", json={"text": "Et ?"})
        assert again.status_code == 409
        while (await http.get("/api/v1/spaces")).status_code == 200:
            pass
    refused = {r: gains.of("palabre_http_refusals_total", reason=r)
               for r in ("streams", "busy", "quota", "overloaded")}  # fmt: skip
    assert refused == {"streams": 1, "busy": 1, "quota": 1, "overloaded": 0}


async def test_a_question_on_discord_is_measured_where_it_is_shown(
    community: Community, bots: Context, gateway: RunningGateway
) -> None:
    gains = Gains()
    post = await community.ask()
    await community.discord.seen(post, lambda m: "Guide" in m.shown)
    for name in TIMES:
        assert gains.of(f"{name}_count", channel="discord") == 1, name
    labels = {"space": "demo", "channel": "discord"}
    await counted(gains, "palabre_turns_total", 1, outcome="grounded", **labels)
    assert gains.of("palabre_turns_received_total", **labels) == 1


async def test_two_gateways_count_each_turn_once_between_them(
    nats: NatsServer, tmp_path: Path, llm: ScriptedAnswers
) -> None:
    gains = Gains()
    async with contextlib.AsyncExitStack() as stack:
        gateways = [
            await stack.enter_async_context(testing.running(nats, tmp_path)) for _ in range(2)
        ]
        https = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=g.url, headers=AUTH))
            for g in gateways
        ]
        said = {"model": "demo", "messages": [{"role": "user", "content": "Quand ?"}]}
        asking = [https[n % 2].post("/v1/chat/completions", json=said) for n in range(20)]
        await asyncio.gather(*asking)
        await counted(gains, "palabre_turns_total", 20, space="demo")
    assert gains.of("palabre_turns_received_total", space="demo") == 20
    assert round(gains.of("palabre_cost_total", space="demo"), 9) == 0.0024
