import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import av
import grpc
import pytest

from palabre.audio import MEDIA_TYPES
from palabre.chassis import rpc
from palabre.contracts.v1 import tts_pb2 as pb, tts_pb2_grpc
from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.tts.engines import Engine
from palabre.tts.engines.espeak import Espeak
from palabre.tts.engines.silence import Silence
from palabre.tts.ladder import Ladder
from palabre.tts.servicer import MAX_BYTES, TtsServicer

TEXT = "Bonjour à tous. Le délai est de 30 jours [1]. Il commence demain."


@asynccontextmanager
async def serving(*engines: Engine) -> AsyncIterator["tts_pb2_grpc.TtsServiceAsyncStub"]:
    servicer = TtsServicer(Ladder(engines or [Espeak()]))
    server, port = await rpc.serve([servicer.add_to], [], "127.0.0.1:0", reflect=False)
    async with rpc.channel(f"127.0.0.1:{port}") as channel:
        yield tts_pb2_grpc.TtsServiceStub(channel)
    await server.stop(None)


def request(**values: object) -> pb.SynthesizeRequest:
    given = {"text": TEXT, "language": "fr", "format": pb.AUDIO_FORMAT_OPUS} | values
    return pb.SynthesizeRequest(**given)  # type: ignore[arg-type]


async def pieces(
    stub: "tts_pb2_grpc.TtsServiceAsyncStub", **values: object
) -> list[pb.SynthesizeResponse]:
    return [piece async for piece in stub.Synthesize(request(**values))]


def seconds(data: bytes) -> float:
    with av.open(io.BytesIO(data), "r") as file:
        rate = file.streams.audio[0].rate
        return sum(frame.samples for frame in file.decode(audio=0)) / rate


@pytest.mark.parametrize("audio_format", MEDIA_TYPES)
async def test_it_speaks_in_every_format(audio_format: pb.AudioFormat.ValueType) -> None:
    async with serving() as stub:
        found = await pieces(stub, format=audio_format)
    assert len(found) > 3
    assert len(b"".join(piece.data for piece in found)) > 5_000


async def test_the_file_lasts_as_long_as_what_is_said() -> None:
    async with serving() as stub:
        found = [
            seconds(b"".join(p.data for p in await pieces(stub, format=f)))
            for f in (pb.AUDIO_FORMAT_OPUS, pb.AUDIO_FORMAT_MP3, pb.AUDIO_FORMAT_WAV)
        ]
    assert found == pytest.approx([found[0]] * 3, abs=0.05)
    assert 3 < found[0] < 10


async def test_visemes_are_timed_from_the_beginning_of_the_file() -> None:
    async with serving() as stub:
        found = await pieces(stub)
    visemes = [viseme for piece in found for viseme in piece.visemes]
    assert visemes == sorted(visemes, key=lambda v: v.offset_ms)
    assert visemes[-1].offset_ms > 3_000


async def test_speed_makes_it_shorter() -> None:
    async with serving() as stub:
        slow, fast = [
            seconds(b"".join([p.data for p in await pieces(stub, speed=speed)]))
            for speed in (1.0, 2.0)
        ]
    assert fast < 0.65 * slow


async def test_a_break_is_heard_where_it_is_asked_for() -> None:
    """Elsewhere it is neither heard nor said: what a model writes holds nobody up."""
    bare, text = "Bonjour à tous. Au revoir.", 'Bonjour à tous. <break time="3s"/>Au revoir.'
    async with serving() as stub:
        plain, without, heard = [
            seconds(b"".join([p.data for p in await pieces(stub, text=given, breaks=asked)]))
            for given, asked in ((bare, True), (text, False), (text, True))
        ]
    assert without == pytest.approx(plain, abs=0.1)
    assert heard == pytest.approx(plain - 0.25 + 3, abs=0.15)


async def test_a_break_may_come_first_and_last() -> None:
    text = '<break time="2s"/>Bonjour.<break time="2s"/>'
    async with serving() as stub:
        found = await pieces(stub, text=text, breaks=True)
    assert 4.3 < seconds(b"".join(p.data for p in found)) < 5.5
    assert min(v.offset_ms for p in found for v in p.visemes) >= 2000


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"text": " "}, "text: is empty"),
        ({"text": "é" * MAX_BYTES}, "send at most 16384"),
        ({"format": 0}, "choose one of opus, mp3, wav, pcm, mulaw, flac"),
        ({"format": 99}, "choose one of opus"),
        ({"speed": 9.0}, "from 0.25 to 4"),
        ({"speed": -1.0}, "from 0.25 to 4"),
        ({"text": "<prosody>Un</prosody>", "breaks": True}, "<prosody> is not understood"),
        ({"voice": VoiceChoice(name="nobody")}, "no voice 'nobody': choose another, such as fr"),
    ],
)
async def test_a_wrong_request_is_told_what_to_change(
    values: dict[str, object], words: str
) -> None:
    async with serving() as stub:
        with pytest.raises(grpc.aio.AioRpcError, match="INVALID_ARGUMENT") as refused:
            await pieces(stub, **values)
    assert words in (refused.value.details() or "")


async def test_without_an_engine_that_can_it_is_unavailable() -> None:
    async with serving(Silence(breaks_after=0)) as stub:
        with pytest.raises(grpc.aio.AioRpcError, match="UNAVAILABLE") as refused:
            await pieces(stub)
    assert "PALABRE_TTS_ENGINES" in (refused.value.details() or "")


async def test_a_text_without_words_is_an_empty_file() -> None:
    async with serving() as stub:
        assert len(await pieces(stub, text="[1]")) == 1


async def test_a_call_that_is_cancelled_stops_the_engine() -> None:
    async with serving() as stub:
        call = stub.Synthesize(request(text="Encore un mot, un autre. " * 600))
        await call.read()
        call.cancel()
        found = await asyncio.wait_for(pieces(stub, text="Bonjour à tous."), 5)
    assert found


async def test_voices_of_every_engine_are_listed() -> None:
    async with serving(Espeak(), Silence()) as stub:
        listed = await stub.ListVoices(pb.ListVoicesRequest())
    assert {voice.engine for voice in listed.voices} == {"espeak", "silence"}
    french = next(v for v in listed.voices if v.name == "fr")
    assert "fr-fr" in french.languages
    assert french.description == "French (France)"
