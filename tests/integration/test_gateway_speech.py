"""The speech of a turn: followed while it is spoken, made anew when it is gone."""

import asyncio
import hashlib
import io
import wave
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest

from palabre.audio import OpusPackets
from palabre.channels.testing import ScriptedAnswers, completed, delta
from palabre.chassis import events
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.gateway import testing
from palabre.gateway.manifests import verified
from palabre.gateway.testing import Surroundings, demo_space

PACKETS = 25  # half a second


def packets() -> list[bytes]:
    made = OpusPackets()
    return (made.feed(bytes(48_000), 48_000) + made.close())[:PACKETS]


def spoken_answer(cause: pb.Event) -> Iterator[Any]:
    """Two segments; the second one is spoken half a second later."""
    yield delta("Oui. ", 0)
    for index, text in enumerate(("Oui. ", "Demain.")):
        last = index == 1
        ready = pb.SegmentReady(text=text, language="fr", offset=index * 5, last=last)
        yield events.follow(cause, ready, index=index, attempt=1)
        yield 0.5 * index
        for sequence, data in enumerate(packets()):
            frame = pb.SpeechFrame(
                encoding=turns_pb2.AUDIO_ENCODING_OPUS,
                data=data,
                sequence=sequence,
                duration_ms=20,
                last=sequence == PACKETS - 1,
                last_segment=last,
            )
            yield events.follow(cause, frame, index=index, attempt=1)
        done = pb.SpeechCompleted(
            duration_ms=PACKETS * 20, frames=PACKETS, last=last, engine="espeak", voice="fr"
        )
        yield events.follow(cause, done, index=index, attempt=1)
    yield completed("Oui. Demain.")


@pytest.fixture
def script() -> Callable[[pb.Event], Iterable[Any]]:
    return spoken_answer


async def ask(http: httpx.AsyncClient, *, speech: bool) -> str:
    begun = await http.post("/api/v1/spaces/demo/conversations", json={})
    url = f"/api/v1/conversations/{begun.json()['id']}/utterances"
    reply = await http.post(url, json={"text": "Quand ?", "speech": speech})
    return str(reply.json()["turn"])


async def test_speech_begins_before_the_answer_ends(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    turn = await ask(http, speech=True)
    loop = asyncio.get_running_loop()
    async with http.stream("GET", f"/api/v1/turns/{turn}/audio") as reply:
        assert reply.headers["content-type"] == "audio/ogg"
        pieces = [(loop.time(), piece) async for piece in reply.aiter_raw()]
    assert pieces[-1][0] - pieces[0][0] > 0.3
    sound = b"".join(piece for _, piece in pieces)
    assert await asyncio.to_thread(duration_s, sound) == pytest.approx(1.0, abs=0.1)


async def test_speech_comes_as_wav_and_mp3_too(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    turn = await ask(http, speech=True)
    wav = (await http.get(f"/api/v1/turns/{turn}/audio", params={"format": "wav"})).content
    with wave.open(io.BytesIO(wav)) as sound:
        assert sound.getframerate() == 24_000
    mp3 = (await http.get(f"/api/v1/turns/{turn}/audio", params={"format": "mp3"})).content
    assert await asyncio.to_thread(duration_s, mp3) == pytest.approx(1.0, abs=0.1)


async def test_an_answer_without_speech_is_spoken_when_it_is_there(
    http: httpx.AsyncClient, llm: ScriptedAnswers, around: Surroundings
) -> None:
    llm.script = lambda _: [0.3, completed("Le cinq.")]
    turn = await ask(http, speech=False)
    reply = await http.get(f"/api/v1/turns/{turn}/audio")
    assert reply.content == b"Lecinq."
    assert around.speech.asked[0].voice.words_per_minute == 170


@pytest.mark.parametrize(
    ("when", "announced"), [("never", [0, 0]), ("first-turn", [1, 0]), ("always", [1, 1])]
)
async def test_the_file_of_an_answer_says_that_the_voice_is_artificial_where_it_has_to(
    nats: NatsServer,
    tmp_path: Path,
    llm: ScriptedAnswers,
    around: Surroundings,
    when: str,
    announced: list[int],
) -> None:
    llm.script = lambda _: [completed("Le cinq.")]
    spaces = {"demo": demo_space(voices={"notice": when})}
    async with (
        testing.running(nats, tmp_path, spaces, tts_address=around.address) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers=testing.AUTH) as http,
    ):
        begun = await http.post("/api/v1/spaces/demo/conversations", json={})
        url = f"/api/v1/conversations/{begun.json()['id']}/utterances"
        for _ in range(2):
            turn = (await http.post(url, json={"text": "Quand ?"})).json()["turn"]
            await http.get(f"/api/v1/turns/{turn}/audio")
    said = [asked.text for asked in around.speech.asked]
    assert [text.count("Cette voix est générée") for text in said] == announced
    assert all(text.endswith("Le cinq.") for text in said)


async def test_speech_that_is_gone_is_made_anew(
    http: httpx.AsyncClient, llm: ScriptedAnswers, around: Surroundings
) -> None:
    turn = await ask(http, speech=True)
    await http.get(f"/api/v1/turns/{turn}/audio")
    await llm.bus.js.purge_stream("LIVE")
    await asyncio.sleep(0.7)
    reply = await http.get(f"/api/v1/turns/{turn}/audio")
    assert reply.content == b"Oui.Demain."


async def test_a_turn_without_an_answer_says_so(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    llm.script = lambda _: [pb.TurnFailed(reason=pb.FAILURE_REASON_UNAVAILABLE)]
    turn = await ask(http, speech=False)
    assert (await http.get(f"/api/v1/turns/{turn}/audio")).status_code == 409
    assert (await http.get("/api/v1/turns/none/audio")).status_code == 404


async def test_a_file_says_that_it_is_generated_and_its_manifest_proves_it(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    turn = await ask(http, speech=True)
    reply = await http.get(f"/api/v1/turns/{turn}/audio")
    assert b"AI_GENERATED=true" in reply.content
    assert f"TURN={turn}".encode() in reply.content
    address = reply.headers["link"].split(">")[0].removeprefix("<")
    [found] = (await http.get(address)).json()["manifests"]
    sha256 = hashlib.sha256(reply.content).hexdigest()
    manifest = found["manifest"]
    assert (manifest["sha256"], manifest["turn"]) == (sha256, turn)
    assert (manifest["ai_generated"], manifest["space"]) == (True, "demo")
    assert manifest["voices"] == [{"engine": "espeak", "voice": "fr", "record": None}]
    by_hash = (await http.get(f"/api/v1/audio/manifests/{sha256}")).json()
    assert by_hash["manifests"] == [found]
    keys = (await http.get("/.well-known/palabre-audio-key", headers={"Authorization": ""})).json()
    assert verified(found["jws"], keys) == manifest


async def test_speech_of_any_text_has_a_manifest_by_its_hash(
    http: httpx.AsyncClient, around: Surroundings
) -> None:
    wanted = {"model": "demo", "input": "Bonjour à tous.", "voice": "alloy"}
    sound = (await http.post("/v1/audio/speech", json=wanted)).content
    sha256 = hashlib.sha256(sound).hexdigest()
    [found] = (await http.get(f"/api/v1/audio/manifests/{sha256}")).json()["manifests"]
    assert (found["manifest"]["turn"], found["manifest"]["bytes"]) == (None, len(sound))
    unknown = await http.get(f"/api/v1/audio/manifests/{'0' * 64}")
    assert unknown.status_code == 404


async def test_a_file_that_was_not_heard_to_its_end_has_no_manifest(
    http: httpx.AsyncClient, llm: ScriptedAnswers
) -> None:
    turn = await ask(http, speech=True)
    async with http.stream("GET", f"/api/v1/turns/{turn}/audio") as reply:
        await anext(reply.aiter_raw())
    await asyncio.sleep(1)
    found = await http.get(f"/api/v1/turns/{turn}/audio/manifest")
    assert found.json() == {"manifests": []}


def duration_s(data: bytes) -> float:
    with av.open(io.BytesIO(data), "r") as container:
        frames = list(container.decode(audio=0))
    return float(sum(frame.samples / frame.sample_rate for frame in frames))
