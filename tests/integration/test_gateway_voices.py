"""The voice registry over HTTP: no valid record, no cloned voice."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from palabre.audio.testing import encoded, voice
from palabre.channels.testing import ScriptedAnswers, completed
from palabre.chassis.blobs import NatsObjects
from palabre.chassis.testing import NatsServer, until
from palabre.chassis.voices import Refused, Registry, Use
from palabre.contracts.v1 import tts_pb2, voices_pb2
from palabre.gateway import testing
from palabre.gateway.testing import Surroundings, demo_space

VOICES = "/api/v1/spaces/demo/voices"
RECORDING = encoded(tts_pb2.AUDIO_FORMAT_FLAC, voice())
USE = Use("demo", voices_pb2.VOICE_USE_ANSWERS, "web", "fr")


def marie(**changes: object) -> dict[str, Any]:
    return {
        "id": "marie",
        "name": "Marie",
        "owner": "Marie Martin",
        "kind": "cloned",
        "uses": ["answers", "files"],
        "expires_at": "2099-01-01T00:00:00Z",
        "consent": {
            "given_by": "Marie Martin",
            "given_at": "2026-10-01",
            "words": "J'accepte que ma voix soit reproduite.",
        },
    } | changes


async def add(
    http: httpx.AsyncClient,
    record: dict[str, Any],
    *recordings: bytes,
    proof: bytes | None = b"%PDF signed",
) -> httpx.Response:
    files: list[Any] = [("sample", ("a.flac", each)) for each in recordings]
    if proof is not None:
        files.append(("proof", ("consent.pdf", proof, "application/pdf")))
    data = {"record": json.dumps(record)}
    return await http.post(VOICES, data=data, files=files or None)


@pytest.fixture
async def added(http: httpx.AsyncClient) -> dict[str, Any]:
    reply = await add(http, marie(), RECORDING)
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def token(http: httpx.AsyncClient, *scopes: str) -> dict[str, str]:
    new = {"name": "t", "scopes": scopes, "spaces": ["demo"]}
    made = await http.post("/api/v1/tokens", json=new)
    return {"Authorization": f"Bearer {made.json()['token']}"}


async def say(http: httpx.AsyncClient, voice: str = "clone:marie") -> httpx.Response:
    wanted = {"model": "demo", "input": "Bonjour.", "voice": voice, "language": "fr"}
    return await http.post("/v1/audio/speech", json=wanted)


async def test_a_voice_is_registered_with_who_when_and_proof(
    http: httpx.AsyncClient, added: dict[str, Any]
) -> None:
    assert (added["state"], added["consent"]["given_at"]) == ("valid", "2026-10-01T00:00:00Z")
    assert added["samples"][0]["seconds"] == pytest.approx(10, abs=0.1)
    shown = (await http.get(f"{VOICES}/marie")).json()
    assert [change["what"] for change in shown["changes"]] == ["added"]
    assert shown["changes"][0]["by"]
    assert [each["id"] for each in (await http.get(VOICES)).json()["voices"]] == ["marie"]
    proof = await http.get(f"{VOICES}/marie/proof")
    assert (proof.content, proof.headers["content-type"]) == (b"%PDF signed", "application/pdf")


async def test_what_is_kept_is_the_sound_and_not_the_file(
    nats: NatsServer, added: dict[str, Any]
) -> None:
    bus = await nats.bus("tts")
    stored = NatsObjects(await bus.js.object_store("voice-samples"))
    wav = await stored.get(f"demo/marie/{added['samples'][0]['sha256']}")
    assert wav.startswith(b"RIFF")
    await bus.close()


async def test_a_permitted_voice_speaks_by_its_name(
    http: httpx.AsyncClient, added: dict[str, Any], around: Surroundings
) -> None:
    assert (await say(http)).status_code == 200
    asked = around.speech.asked[-1]
    assert (asked.voice.name, asked.use) == ("clone:marie", voices_pb2.VOICE_USE_FILES)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (marie(id="paul"), "voice_unknown"),
        (marie(uses=["answers"]), "voice_use"),
        (marie(channels=["web"]), "voice_channel"),
        (marie(languages=["en"]), "voice_language"),
    ],
)
async def test_a_cloned_voice_is_refused_by_name_with_the_reason(
    http: httpx.AsyncClient, around: Surroundings, record: dict[str, Any], code: str
) -> None:
    await add(http, record, RECORDING)
    reply = await say(http)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (403, code, "voice")
    assert around.speech.asked == []


async def test_a_revoked_voice_is_refused_and_its_recordings_are_gone(
    http: httpx.AsyncClient, nats: NatsServer, added: dict[str, Any]
) -> None:
    for _ in range(2):  # a second time changes nothing
        reply = await http.post(f"{VOICES}/marie/revoke", json={"reason": "Elle le demande."})
        assert reply.json()["state"] == "revoked"
    shown = (await http.get(f"{VOICES}/marie")).json()
    assert shown["revoked"]["reason"] == "Elle le demande."
    assert [change["what"] for change in shown["changes"]] == ["added", "revoked"]
    assert (await say(http)).json()["error"]["code"] == "voice_revoked"
    bus = await nats.bus("tts")
    stored = NatsObjects(await bus.js.object_store("voice-samples"))
    with pytest.raises(KeyError):
        await stored.get(f"demo/marie/{added['samples'][0]['sha256']}")
    assert (await http.get(f"{VOICES}/marie/proof")).status_code == 200
    assert (await add(http, marie(), RECORDING)).status_code == 409
    await bus.close()


async def test_every_replica_refuses_within_seconds_of_a_revocation(
    http: httpx.AsyncClient, nats: NatsServer, added: dict[str, Any]
) -> None:
    buses = [await nats.bus("tts") for _ in range(2)]
    replicas = [Registry() for _ in buses]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for replica, bus in zip(replicas, buses, strict=True):
            group.create_task(replica.follow(bus, stop))
        await until(lambda: all(usable(replica) for replica in replicas))
        await http.post(f"{VOICES}/marie/revoke", json={"reason": "demande"})
        await until(lambda: not any(usable(replica) for replica in replicas), 5)
        stop.set()
    for bus in buses:
        await bus.close()


def usable(replica: Registry) -> bool:
    try:
        return bool(replica.usable("xtts", "clone:marie", USE))
    except Refused:
        return False


@pytest.mark.parametrize(
    ("record", "recordings", "proof", "said"),
    [
        (marie(), [], b"%PDF", "sample"),
        (marie(), [RECORDING], None, "proof"),
        (marie(), [RECORDING], b"", "empty file"),
        (marie(consent=None), [RECORDING], b"%PDF", "consent"),
        (marie(kind="licensed"), [], b"%PDF", "engine"),
        (marie(kind="synthetic"), [], None, "engine"),
        (marie(), [b"no sound"], b"%PDF", "it is no sound"),
        (marie(), [RECORDING] * 9, b"%PDF", "at most 8"),
        (marie(), [encoded(tts_pb2.AUDIO_FORMAT_FLAC, voice(3))], b"%PDF", "at least 6 s"),
        (marie(id="Marie !"), [RECORDING], b"%PDF", "record.id"),
        (marie(uses=[]), [RECORDING], b"%PDF", "record.uses"),
        (marie(expires_at="2020-01-01T00:00:00Z"), [RECORDING], b"%PDF", "record.expires_at"),
        (marie(colour="red"), [RECORDING], b"%PDF", "record.colour"),
    ],
)
async def test_what_is_missing_or_wrong_is_named(
    http: httpx.AsyncClient,
    record: dict[str, Any],
    recordings: list[bytes],
    proof: bytes | None,
    said: str,
) -> None:
    reply = await add(http, record, *recordings, proof=proof)
    assert reply.status_code == 422
    assert said in reply.json()["detail"]
    assert (await http.get(VOICES)).json() == {"voices": []}


async def test_faults_of_a_recording_are_told_without_keeping_it(
    http: httpx.AsyncClient,
) -> None:
    short = encoded(tts_pb2.AUDIO_FORMAT_MP3, voice(3, level=100))
    reply = (await http.post(f"{VOICES}/check", files={"sample": ("a.mp3", short)})).json()
    assert not reply["good"]
    assert {fault["name"] for fault in reply["faults"]} >= {"length", "quiet"}
    fine = (await http.post(f"{VOICES}/check", files={"sample": ("a.flac", RECORDING)})).json()
    assert (fine["good"], fine["faults"]) == (True, [])


async def test_only_an_administrator_adds_and_a_space_s_writer_revokes(
    http: httpx.AsyncClient, added: dict[str, Any]
) -> None:
    reader, writer = await token(http, "ask", "search"), await token(http, "spaces:write")
    assert (await http.get(VOICES, headers=reader)).status_code == 403
    http.headers.update(writer)
    assert (await http.get(VOICES)).status_code == 200
    assert (await add(http, marie(id="b"), RECORDING)).status_code == 403
    assert (await http.get(f"{VOICES}/marie/proof")).status_code == 403
    reply = await http.post(f"{VOICES}/marie/revoke", json={"reason": "demande"})
    assert reply.status_code == 200


async def test_a_persona_s_answer_goes_on_in_the_engine_s_own_voice(
    nats: NatsServer, tmp_path: Path, llm: ScriptedAnswers, around: Surroundings
) -> None:
    cloned = {
        "engine": "xtts",
        "name": "clone:marie",
        "voices": {"espeak": "fr+f3", "remote": "clone:marie"},
        "filter": "radio",
        "words_per_minute": 150,
    }
    persona = {"name": "Camille", "identity": {"fr": "Vous êtes Camille."}, "voice": cloned}
    spaces = {"demo": demo_space(personas={"camille": persona})}
    llm.script = lambda _: [completed("Le cinq.")]
    async with (
        testing.running(nats, tmp_path, spaces, tts_address=around.address) as gateway,
        httpx.AsyncClient(base_url=gateway.url, headers=testing.AUTH) as http,
    ):
        begun = await http.post("/api/v1/spaces/demo/conversations", json={})
        url = f"/api/v1/conversations/{begun.json()['id']}/utterances"
        turn = (await http.post(url, json={"text": "Quand ?"})).json()["turn"]
        assert (await http.get(f"/api/v1/turns/{turn}/audio")).status_code == 200
        asked = around.speech.asked[-1]
        assert (asked.voice.name, dict(asked.voice.voices)) == ("", {"espeak": "fr+f3"})
        assert (asked.voice.filter, asked.voice.words_per_minute) == ("radio", 150)
        assert (asked.use, asked.channel) == (voices_pb2.VOICE_USE_ANSWERS, "api")
        assert (await say(http, "default")).json()["error"]["code"] == "voice_unknown"
