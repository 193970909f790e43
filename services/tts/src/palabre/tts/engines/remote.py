"""An engine of another tts service, over gRPC: XTTS on a machine with a GPU, for one."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

import grpc

from palabre.audio import RATE
from palabre.chassis import rpc
from palabre.chassis.credentials import PLAIN, Credentials
from palabre.contracts.v1 import tts_pb2 as pb, tts_pb2_grpc
from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.tts.engines import Sound, Sounds, Speech
from palabre.tts.errors import (
    Busy,
    CannotSpeak,
    UnknownLanguage,
    UnknownVoice,
    Unreachable,
    VoiceRefused,
)

LISTED_S = 60.0  # how long a list of voices is taken for true
LISTING_S = 2.0
SENTENCE_S = 120.0

Call = grpc.aio.UnaryStreamCall[pb.SynthesizeRequest, pb.SynthesizeResponse]


class Remote:
    """The engine `name` of the tts service at `address` (host:port; all of its hosts take turns).

    Closing the iterator cancels the call, which stops the work there. A replica that is gone,
    or whose engine is full, says so at once; how long to wait for a sound is the ladder's to say.
    Pace and pitch that the engine does not know are made there.
    """

    paces = (1, 6000)
    pitches = True

    def __init__(self, name: str, address: str, showing: Credentials = PLAIN) -> None:
        if not name or ":" not in address:
            raise ValueError(f"PALABRE_TTS_ENGINES: {name}@{address}: write ENGINE@HOST:PORT")
        self.name = name
        self.address, self._showing = address, showing
        self._channel: grpc.aio.Channel | None = None
        self._listed: Sequence[pb.Voice] = ()
        self._listed_until = 0.0
        self._listing = asyncio.Lock()

    async def voices(self) -> Sequence[pb.Voice]:
        """As the other service listed them last; none until it could be asked."""
        async with self._listing:
            if time.monotonic() >= self._listed_until:
                self._listed = await self._list()
                self._listed_until = time.monotonic() + LISTED_S
        return self._listed

    async def speak(self, speech: Speech) -> Sounds:
        call = self._stub.Synthesize(_request(self.name, speech), timeout=SENTENCE_S)
        try:
            with _translated():
                async for sound in _sounds(call):
                    yield sound
        finally:
            call.cancel()

    async def close(self) -> None:
        if self._channel:
            await self._channel.close()

    @property
    def _stub(self) -> "tts_pb2_grpc.TtsServiceAsyncStub":
        """A channel belongs to the loop in which it is first used."""
        self._channel = self._channel or rpc.channel(self.address, self._showing)
        return tts_pb2_grpc.TtsServiceStub(self._channel)

    async def _list(self) -> Sequence[pb.Voice]:
        try:
            listed = await self._stub.ListVoices(pb.ListVoicesRequest(), timeout=LISTING_S)
        except grpc.aio.AioRpcError:
            return self._listed
        return [voice for voice in listed.voices if voice.engine == self.name]


def _request(engine: str, speech: Speech) -> pb.SynthesizeRequest:
    return pb.SynthesizeRequest(
        space=speech.use.space,
        text=speech.text,
        language=speech.language,
        voice=VoiceChoice(
            engine=engine,
            name=speech.voice,
            words_per_minute=speech.words_per_minute,
            pitch=speech.pitch,
        ),
        format=pb.AUDIO_FORMAT_PCM,
        direct=True,
        use=speech.use.purpose,
        channel=speech.use.channel,
    )


async def _sounds(call: Call) -> AsyncIterator[Sound]:
    """The last piece of the file says no voice any more."""
    voice, estimated = "", False
    async for piece in call:
        voice, estimated = piece.voice or voice, estimated or piece.estimated
        if piece.data or piece.visemes or piece.words:
            yield Sound(
                pcm=piece.data,
                rate=RATE,
                visemes=piece.visemes,
                words=piece.words,
                voice=voice,
                estimated=estimated,
            )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise _translation(error.code(), (error.details() or "")[:200]) from error


def _translation(code: grpc.StatusCode, details: str) -> CannotSpeak:
    match code:
        case grpc.StatusCode.INVALID_ARGUMENT if details.startswith("voice: "):
            return UnknownVoice(details.removeprefix("voice: "))
        case grpc.StatusCode.INVALID_ARGUMENT if details.startswith("language: "):
            return UnknownLanguage(details.removeprefix("language: "))
        case grpc.StatusCode.FAILED_PRECONDITION:
            return VoiceRefused(details, "remote")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return Busy(details)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return CannotSpeak(details, "slow")
        case grpc.StatusCode.UNAVAILABLE if "no engine can" not in details:
            return Unreachable(details)
        case _:
            return CannotSpeak(details)
