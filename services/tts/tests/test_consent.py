"""The worker asks the registry by itself, whatever the gateway let through."""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY

from palabre.chassis import events, rpc
from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import collect
from palabre.chassis.voices import Registry, Use
from palabre.contracts.v1 import events_pb2, tts_pb2, tts_pb2_grpc, voices_pb2 as pb
from palabre.contracts.v1.tts_pb2 import Voice
from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.tts.consent import Permits
from palabre.tts.engines import Engine, Sound, Sounds, Speech
from palabre.tts.engines.silence import Silence
from palabre.tts.errors import CannotSpeak, UnknownVoice, VoiceRefused
from palabre.tts.handlers import speaker
from palabre.tts.ladder import Ladder
from palabre.tts.servicer import TtsServicer

RECORDING = b"RIFF of a voice"
SHA256 = hashlib.sha256(RECORDING).hexdigest()
MARIE = VoiceChoice(engine="cloning", name="clone:marie")
REQUEST = tts_pb2.SynthesizeRequest(
    space="demo",
    text="Une phrase. " * 500,
    language="fr",
    voice=MARIE,
    format=tts_pb2.AUDIO_FORMAT_PCM,
    use=pb.VOICE_USE_ANSWERS,
    channel="web",
)
USE = Use("demo", pb.VOICE_USE_ANSWERS, "web", "fr")


class Cloning(Silence):
    """Clones whatever it is given; remembers what it was."""

    def __init__(self) -> None:
        super().__init__("cloning")
        self.given: list[Speech] = []

    async def voices(self) -> Sequence[Voice]:
        return []

    async def speak(self, speech: Speech) -> Sounds:
        self.given.append(speech)
        if speech.voice and not speech.references:
            raise UnknownVoice("no such voice")
        yield Sound(bytes(4_800), 24_000, voice=speech.voice)


def record(**values: object) -> pb.VoiceRecord:
    return pb.VoiceRecord(
        **{
            "space": "demo",
            "id": "marie",
            "kind": pb.VOICE_KIND_CLONED,
            "uses": [pb.VOICE_USE_ANSWERS],
            "consent": pb.Consent(sha256="ab"),
            "samples": [pb.VoiceSample(sha256=SHA256)],
        }
        | values  # type: ignore[arg-type]
    )


REVOKED = record(revocation=pb.Revocation(by="ada"))


async def permits(*known: pb.VoiceRecord, registered_only: bool = False) -> Permits:
    samples = MemoryObjects()
    await samples.put(f"demo/marie/{SHA256}", RECORDING)
    return Permits(Registry(known), samples, lambda space: registered_only)


@asynccontextmanager
async def serving(ladder: Ladder) -> AsyncIterator["tts_pb2_grpc.TtsServiceAsyncStub"]:
    server, port = await rpc.serve([TtsServicer(ladder).add_to], [], "127.0.0.1:0", reflect=False)
    async with rpc.channel(f"127.0.0.1:{port}") as channel:
        yield tts_pb2_grpc.TtsServiceStub(channel)
    await server.stop(None)


async def drained(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def hear(
    engines: Sequence[Engine],
    given: Permits,
    choice: VoiceChoice = MARIE,
    *,
    exact: bool = False,
) -> list[Sound]:
    said = Ladder(engines, given).speak("Bonjour.", "fr", choice, use=USE, exact=exact)
    return [sound async for sound in said]


async def test_an_engine_is_given_what_a_permitted_voice_is_cloned_from() -> None:
    engine = Cloning()
    assert {s.voice for s in await hear([engine], await permits(record()))} == {"clone:marie"}
    references = engine.given[0].references
    assert references
    assert await references.samples() == [RECORDING]


async def test_a_refused_voice_gives_way_to_the_next_and_is_counted() -> None:
    def count() -> float:
        labels = {"reason": "revoked"}
        return REGISTRY.get_sample_value("palabre_voice_refusals_total", labels) or 0.0

    before, engine = count(), Cloning()
    sounds = await hear([engine, Silence()], await permits(REVOKED))
    assert [(s.engine, s.voice) for s in sounds] == [("cloning", "")]
    assert all(not speech.references for speech in engine.given)
    assert count() == before + 1


async def test_a_refused_voice_is_refused_where_it_must_be_exact() -> None:
    with pytest.raises(VoiceRefused, match="revoked") as refused:
        await hear([Cloning(), Silence()], await permits(REVOKED), exact=True)
    assert refused.value.reason == "revoked"


async def test_a_voice_that_is_revoked_stops_at_the_next_sentence() -> None:
    given = await permits(record())
    ladder = Ladder([Cloning()], given)
    async with serving(ladder) as stub:
        call = stub.Synthesize(REQUEST)
        await call.read()
        given.registry.take(REVOKED)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await drained(call)
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "revoked" in (refused.value.details() or "")


async def test_a_file_says_with_which_voice_it_was_spoken() -> None:
    request = tts_pb2.SynthesizeRequest()
    request.CopyFrom(REQUEST)
    request.text, request.format = "Bonjour.", tts_pb2.AUDIO_FORMAT_MP3
    async with serving(Ladder([Cloning()], await permits(record()))) as stub:
        pieces = [piece async for piece in stub.Synthesize(request)]
    data = b"".join(piece.data for piece in pieces)
    assert b"VOICE\0cloning:clone:marie" in data
    assert b"SPACE\0demo" in data
    assert {(p.engine, p.voice) for p in pieces if p.engine} == {("cloning", "clone:marie")}


async def test_one_engine_asked_directly_by_another_replica_refuses_too() -> None:
    request = tts_pb2.SynthesizeRequest()
    request.CopyFrom(REQUEST)
    request.text, request.direct = "Bonjour.", True
    async with serving(Ladder([Cloning()], await permits(REVOKED))) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await drained(stub.Synthesize(request))
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION


async def test_a_stage_goes_on_with_another_voice() -> None:
    segment = events_pb2.SegmentReady(text="Bonjour.", language="fr", voice=MARIE)
    said = events.begin("demo", "web", uuid7(), events_pb2.UtteranceReceived())
    handle = speaker(Ladder([Cloning(), Silence()], await permits(REVOKED)))
    *frames, completed = await collect(handle(events.follow(said, segment)))
    assert frames
    assert completed.speech_completed.voice == ""
    handle = speaker(Ladder([Cloning(), Silence()], await permits(record())))
    assert (await collect(handle(events.follow(said, segment))))[-1].speech_completed.voice == (
        "clone:marie"
    )


async def test_without_a_registry_no_cloned_voice_speaks() -> None:
    with pytest.raises(VoiceRefused):
        await hear([Cloning()], Permits(), exact=True)


async def test_an_engine_s_own_voice_is_refused_once_its_name_is_known() -> None:
    licensed = record(id="quiet", kind=pb.VOICE_KIND_LICENSED, engine="silence", voice="quiet")
    licensed.revocation.by = "ada"
    sounds = await hear([Silence(), Cloning()], await permits(licensed), VoiceChoice())
    assert {s.engine for s in sounds} == {"cloning"}


async def test_where_every_voice_needs_a_record_the_others_are_silent() -> None:
    given = await permits(record(), registered_only=True)
    with pytest.raises(CannotSpeak):
        await hear([Silence()], given, VoiceChoice())
    assert {s.engine for s in await hear([Silence(), Cloning()], given)} == {"cloning"}


async def test_who_names_no_voice_hears_the_first_engine_that_may_speak() -> None:
    registered = record(id="cloning", kind=pb.VOICE_KIND_SYNTHETIC, engine="cloning")
    given = await permits(registered, registered_only=True)
    sounds = await hear([Silence(), Cloning()], given, VoiceChoice(), exact=True)
    assert {s.engine for s in sounds} == {"cloning"}


async def test_a_recording_that_was_changed_or_is_gone_is_not_used() -> None:
    samples = MemoryObjects()
    recordings = Permits(Registry([record()]), samples).ask("cloning", "clone:marie", USE)
    assert recordings
    with pytest.raises(CannotSpeak, match="gone"):
        await recordings.samples()
    await samples.put(f"demo/marie/{SHA256}", b"another")
    with pytest.raises(CannotSpeak, match="changed"):
        await recordings.samples()
