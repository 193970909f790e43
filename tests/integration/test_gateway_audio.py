"""Speech of any text: OpenAI's API asked by OpenAI's own client, and the replaced system's."""

import base64
import io
import json
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import av
import httpx
import openai
import pytest

from palabre.chassis import rpc
from palabre.chassis.testing import NatsServer
from palabre.gateway import testing
from palabre.gateway.hearing import FORMATS
from palabre.gateway.testing import RunningGateway, Surroundings, demo_space
from palabre.tts.engines.espeak import Espeak
from palabre.tts.ladder import Ladder
from palabre.tts.servicer import TtsServicer

TEXT = "Bonjour à tous, le délai est de 30 jours."


@pytest.fixture
async def spoken_gateway(nats: NatsServer, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway beside the real TtsService, with two spaces."""
    servicer = TtsServicer(Ladder([Espeak()]))
    server, port = await rpc.serve([servicer.add_to], [], "127.0.0.1:0", reflect=False)
    hugo = {"name": "Hugo Marchand", "identity": {"fr": "Vous êtes Hugo."}}
    voice = {"voices": {"espeak": "fr+m3"}, "filter": "radio"}
    camille = {"name": "Camille", "identity": {"fr": "Vous êtes Camille."}, "voice": voice}
    spaces = {
        "demo": demo_space(personas={"camille": camille, "hugo": hugo}),
        "autre": demo_space(),
    }
    address = f"127.0.0.1:{port}"
    async with testing.running(nats, tmp_path, spaces, tts_address=address) as running:
        yield running
    await server.stop(None)


@pytest.fixture
async def real(spoken_gateway: RunningGateway) -> AsyncIterator[httpx.AsyncClient]:
    """With a token that may ask in `demo` alone."""
    url = spoken_gateway.url
    async with httpx.AsyncClient(base_url=url, headers=testing.AUTH, timeout=20) as client:
        new = {"name": "bot", "scopes": ["ask"], "spaces": ["demo"]}
        made = (await client.post("/api/v1/tokens", json=new)).json()
        client.headers["Authorization"] = f"Bearer {made['token']}"
        yield client


def sdk(http: httpx.AsyncClient) -> openai.AsyncOpenAI:
    key = http.headers["Authorization"].removeprefix("Bearer ")
    return openai.AsyncOpenAI(base_url=f"{http.base_url}/v1", api_key=key, max_retries=0)


def seconds(data: bytes, name: str = "") -> float:
    options = {"sample_rate": "24000"} if name == "pcm" else {}
    kind = "s16le" if name == "pcm" else None
    with av.open(io.BytesIO(data), "r", format=kind, options=options) as file:
        return float(sum(f.samples / f.sample_rate for f in file.decode(audio=0)))


async def test_openais_client_gets_every_format(real: httpx.AsyncClient) -> None:
    async with sdk(real) as client:
        for name in FORMATS:
            reply = await client.audio.speech.with_raw_response.create(
                model="demo/camille", voice="alloy", input=TEXT, response_format=name  # type: ignore[arg-type]
            )  # fmt: skip
            assert reply.headers["content-type"].startswith("audio/")
            assert reply.headers["palabre-voice"] == "demo/camille"
            assert 2 < seconds(reply.content, name) < 5, name


async def test_speed_is_heeded_from_a_quarter_to_four(real: httpx.AsyncClient) -> None:
    async with sdk(real) as client:
        plain, slow, fast = [
            seconds((await client.audio.speech.create(
                model="demo", voice="alloy", input=TEXT, speed=speed, response_format="wav"
            )).content)
            for speed in (1.0, 0.25, 4.0)
        ]  # fmt: skip
    assert slow == pytest.approx(4 * plain, rel=0.25)
    assert fast == pytest.approx(plain / 4, rel=0.4)


async def test_openais_models_are_the_default_persona_of_the_only_space(
    real: httpx.AsyncClient,
) -> None:
    async with sdk(real) as client:
        for model in ("tts-1", "tts-1-hd", "gpt-4o-mini-tts-2025-12-15"):
            reply = await client.audio.speech.with_raw_response.create(
                model=model, voice="nova", input="Bonjour."
            )
            assert reply.headers["palabre-voice"] == "demo/camille"


async def test_with_several_spaces_it_is_told_what_to_write(
    spoken_gateway: RunningGateway,
) -> None:
    async with openai.AsyncOpenAI(
        base_url=f"{spoken_gateway.url}/v1", api_key=testing.TOKEN, max_retries=0
    ) as client:
        with pytest.raises(openai.BadRequestError, match="demo/camille") as refused:
            await client.audio.speech.create(model="tts-1", voice="alloy", input="Bonjour.")
    assert (refused.value.param, refused.value.code) == ("model", "model_not_found")


async def test_a_voice_of_an_engine_may_be_named(real: httpx.AsyncClient) -> None:
    async with sdk(real) as client:
        for voice in ("espeak/fr+f3", "espeak:fr+f3", {"id": "espeak/fr+f3"}):
            reply = await client.audio.speech.with_raw_response.create(
                model="demo", voice=voice, input=TEXT  # type: ignore[arg-type]
            )  # fmt: skip
            assert "palabre-voice" not in reply.headers
            assert seconds(reply.content) > 2


WRONG: list[tuple[dict[str, Any], str, str | None]] = [
    ({"input": "a" * 4_097}, "input", "string_above_max_length"),
    ({"input": ""}, "input", None),
    ({"input": "<prosody>Un</prosody>"}, "input", None),
    ({"voice": "espeak/nobody"}, "voice", None),
    ({"response_format": "ogg"}, "response_format", None),
    ({"speed": 5}, "speed", None),
    ({"instructions": "Whisper."}, "instructions", "unsupported_parameter"),
    ({"stream_format": "chunks"}, "stream_format", None),
    ({"model": "demo/nobody"}, "model", "model_not_found"),
    ({"model": "nowhere"}, "model", None),
]


async def test_what_is_wrong_is_named_as_openai_names_it(real: httpx.AsyncClient) -> None:
    async with sdk(real) as client:
        for changed, param, code in WRONG:
            wanted = {"model": "demo/camille", "voice": "alloy", "input": "Bonjour."} | changed
            with pytest.raises(openai.APIStatusError) as refused:
                await client.audio.speech.create(**wanted)
            assert refused.value.status_code in (400, 403, 404), changed
            assert (refused.value.param, refused.value.code) == (param, code)


async def test_a_break_is_a_pause(real: httpx.AsyncClient) -> None:
    async with sdk(real) as client:
        short, long = [
            seconds((await client.audio.speech.create(
                model="demo", voice="espeak/fr", input=f"Un.{pause} Deux."
            )).content)
            for pause in ('<break time="500ms"/>', '<break time="2.5s"/>')
        ]  # fmt: skip
    assert long - short == pytest.approx(2, abs=0.1)


# --- On a service that speaks a word at a time, when it may


async def test_the_first_bytes_come_before_the_last_are_made(
    client: openai.AsyncOpenAI, around: Surroundings
) -> None:
    around.speech.may_go_on.clear()
    async with client.audio.speech.with_streaming_response.create(
        model="demo/camille", voice="alloy", input="Bonjour à tous", speed=1.5
    ) as reply:
        pieces = reply.iter_bytes()
        assert await anext(pieces) == b"Bonjour"
        around.speech.may_go_on.set()
        assert b"".join([piece async for piece in pieces]) == "àtous".encode()
    [asked] = around.speech.asked
    assert (asked.space, asked.language, asked.speed, asked.breaks) == ("demo", "fr", 1.5, True)
    assert asked.voice.words_per_minute == 170


def events(reply: httpx.Response) -> list[dict[str, Any]]:
    lines = [line for line in reply.text.split("\n\n") if line]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


async def test_sound_comes_as_events_where_these_are_wanted(
    http: httpx.AsyncClient, around: Surroundings
) -> None:
    wanted = {"model": "demo", "voice": "alloy", "input": "Bonjour à tous", "stream_format": "sse"}
    reply = await http.post("/v1/audio/speech", json=wanted)
    assert reply.headers["content-type"].startswith("text/event-stream")
    *deltas, done = events(reply)
    assert {delta["type"] for delta in deltas} == {"speech.audio.delta"}
    sound = b"".join(base64.b64decode(delta["audio"]) for delta in deltas)
    assert sound == "Bonjouràtous".encode()
    assert done["type"] == "speech.audio.done"
    assert done["usage"] == {"input_tokens": 14, "output_tokens": 0, "total_tokens": 14}


async def test_an_engine_that_fails_on_the_way_is_told_as_an_event(
    http: httpx.AsyncClient, around: Surroundings
) -> None:
    wanted = {"model": "demo", "voice": "hoarse", "input": "Un deux", "stream_format": "sse"}
    first, error = events(await http.post("/v1/audio/speech", json=wanted))
    assert base64.b64decode(first["audio"]) == b"Un"
    assert error["error"]["type"] == "server_error"


async def test_where_too_many_wait_it_is_told_to_try_again(http: httpx.AsyncClient) -> None:
    wanted = {"model": "demo", "voice": "busy", "input": "Bonjour"}
    reply = await http.post("/v1/audio/speech", json=wanted)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")


# --- DPaaS: POST /api/generate/audio


async def test_a_client_of_the_replaced_system_gets_its_wav(real: httpx.AsyncClient) -> None:
    """As its bots asked: JSON, a bearer token, and a file whose duration can be read."""
    for path, speaker in {
        "/api/generate/audio": {"actor": "camille"},
        "/api/generate": {"voice": "camille", "voicefilter": "phone"},
    }.items():
        reply = await real.post(path, json={"texttospeak": TEXT} | speaker)
        assert reply.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(reply.content)) as file:
            length = file.getnframes() / file.getframerate()
            assert len(file.readframes(file.getnframes())) == file.getnframes() * 2
        assert length == pytest.approx(seconds(reply.content), abs=0.001)
        assert 2 < length < 5
        assert b"AI-generated" in reply.content


async def test_an_actor_is_a_persona_or_a_voice(real: httpx.AsyncClient) -> None:
    for actor in ("camille", "Hugo Marchand", "demo/hugo", "HUGO", "espeak/fr+f3"):
        form = {"texttospeak": "Bonjour.", "actor": actor}
        assert (await real.post("/api/generate/audio", data=form)).status_code == 200, actor
        multipart = {name: (None, value) for name, value in form.items()}
        assert (await real.post("/api/generate/audio", files=multipart)).status_code == 200, actor


async def test_what_is_wrong_is_400_as_it_was_and_says_what_to_do(real: httpx.AsyncClient) -> None:
    for body, named in (
        ({"actor": "camille"}, "texttospeak"),
        ({"texttospeak": "Bonjour."}, "actor"),
        ({"texttospeak": "Bonjour.", "actor": "nobody"}, "demo/camille"),
        ({"texttospeak": "Bonjour.", "actor": "espeak/nobody"}, "no voice 'nobody'"),
        ({"texttospeak": "a" * 4_097, "actor": "camille"}, "at most 4096"),
        ({"texttospeak": "Un.", "actor": "camille", "voicefilter": "distortion"}, "phone"),
    ):
        reply = await real.post("/api/generate/audio", json=body)
        assert reply.status_code == 400
        assert named in reply.json()["detail"]


async def test_who_has_no_token_or_another_spaces_may_not(real: httpx.AsyncClient) -> None:
    wanted = {"texttospeak": "Bonjour.", "actor": "camille"}
    wrong = {"Authorization": "Bearer wrong"}
    assert (await real.post("/api/generate/audio", json=wanted, headers=wrong)).status_code == 401
    wanted["actor"] = "autre/camille"
    assert (await real.post("/api/generate/audio", json=wanted)).status_code == 400


async def test_an_actor_of_two_spaces_must_be_told_apart(spoken_gateway: RunningGateway) -> None:
    async with httpx.AsyncClient(base_url=spoken_gateway.url, headers=testing.AUTH) as client:
        wanted = {"texttospeak": "Bonjour.", "actor": "camille"}
        reply = await client.post("/api/generate/audio", json=wanted)
        assert "autre/camille, demo/camille" in reply.json()["detail"]
        wanted["actor"] = "autre/camille"
        assert (await client.post("/api/generate/audio", json=wanted)).status_code == 200


async def test_an_engine_that_is_not_there_is_refused_by_name(real: httpx.AsyncClient) -> None:
    async with sdk(real) as client:
        with pytest.raises(openai.BadRequestError, match=r"no engine 'xtts'.*espeak"):
            await client.audio.speech.create(model="demo", voice="xtts/marie", input="Bonjour.")
