"""TtsService over gRPC: any text as a file that grows, and the voices."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace

import grpc

from palabre.audio import MEDIA_TYPES, RATE, Encoder, Label, encoder
from palabre.chassis.segments import Segmenter
from palabre.chassis.voices import Use
from palabre.contracts.v1 import tts_pb2 as pb, tts_pb2_grpc
from palabre.contracts.v1.turns_pb2 import Viseme
from palabre.tts import breaks
from palabre.tts.engines import PITCH, WORDS_PER_MINUTE, Sound, Sounds, Speech
from palabre.tts.errors import Busy, CannotSpeak, UnknownLanguage, UnknownVoice, VoiceRefused
from palabre.tts.ladder import Ladder
from palabre.tts.sound import Studio, pause_ms

MAX_BYTES = 16 * 1024
SPEEDS = (0.25, 4.0)
NOBODY = "no engine can speak this text now: try again, or set PALABRE_TTS_ENGINES to one that can"

Synthesis = grpc.aio.ServicerContext[pb.SynthesizeRequest, pb.SynthesizeResponse]
Listing = grpc.aio.ServicerContext[pb.ListVoicesRequest, pb.ListVoicesResponse]


class TtsServicer(tts_pb2_grpc.TtsServiceServicer):
    """INVALID_ARGUMENT says what to change. FAILED_PRECONDITION: the voice may not be used.
    UNAVAILABLE: no engine could speak.
    """

    def __init__(self, ladder: Ladder, studio: Studio | None = None) -> None:
        self._ladder, self._studio = ladder, studio or Studio()

    def add_to(self, server: grpc.aio.Server) -> None:
        tts_pb2_grpc.add_TtsServiceServicer_to_server(self, server)

    async def ListVoices(
        self, request: pb.ListVoicesRequest, context: Listing
    ) -> pb.ListVoicesResponse:
        return pb.ListVoicesResponse(voices=await self._ladder.voices())

    async def Synthesize(
        self, request: pb.SynthesizeRequest, context: Synthesis
    ) -> AsyncIterator[pb.SynthesizeResponse]:
        """A cancelled call closes the engine's iterator, which stops its work."""
        if wrong := _wrong(request):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, wrong)
        made: Encoder | None = None  # it says in its first bytes who speaks
        try:
            async with aclosing(self._sounds(request)) as sounds:
                async for sound in sounds:
                    made = made or encoder(request.format, _label(request.space, sound))
                    data = made.feed(sound.pcm, sound.rate)
                    if data or sound.visemes or sound.words:
                        yield _response(data, sound)
        except UnknownVoice as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"voice: {error}")
        except UnknownLanguage as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"language: {error}")
        except VoiceRefused as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"voice: {error}")
        except Busy as error:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{error}: try again")
        except CannotSpeak:
            await context.abort(grpc.StatusCode.UNAVAILABLE, NOBODY)
        made = made or encoder(request.format, Label(request.space))
        yield pb.SynthesizeResponse(data=made.close())

    def _sounds(self, request: pb.SynthesizeRequest) -> Sounds:
        use = Use.of(request)
        if request.direct:
            return self._ladder.direct(_speech(request, use), request.voice.engine)
        return self._mastered(request, use)

    async def _mastered(self, request: pb.SynthesizeRequest, use: Use) -> Sounds:
        """Sentence after sentence; visemes in milliseconds of the whole, no words."""
        spoken = 0.0
        for text, pause in _pieces(request):
            if not text:
                yield Sound(bytes(RATE * pause // 1000 * 2), RATE)
                spoken += pause / 1000
                continue
            said = self._ladder.speak(
                text,
                request.language,
                request.voice,
                use=use,
                speed=request.speed or 1.0,
                exact=True,
            )
            begun = round(spoken * 1000)
            async with aclosing(self._studio.master(said, request.voice, pause)) as sounds:
                async for sound in sounds:
                    spoken += sound.seconds
                    visemes = [_later(viseme, begun) for viseme in sound.visemes]
                    yield replace(sound, visemes=visemes, words=())


def _label(space: str, sound: Sound) -> Label:
    return Label(space, f"{sound.engine}:{sound.voice}" if sound.engine else "")


def _wrong(request: pb.SynthesizeRequest) -> str:
    """What is wrong with a request, and what to do; empty when nothing is."""
    if not request.text.strip() and not request.direct:
        return "text: is empty: send the words to speak"
    if (size := len(request.text.encode())) > MAX_BYTES:
        return f"text: has {size} bytes: send at most {MAX_BYTES} at once"
    if request.format not in MEDIA_TYPES:
        return f"format: is not set: choose one of {', '.join(map(_name, MEDIA_TYPES))}"
    if request.speed and not SPEEDS[0] <= request.speed <= SPEEDS[1]:
        return f"speed: is {request.speed:g}: choose one from {SPEEDS[0]:g} to {SPEEDS[1]:g}"
    try:
        breaks.parts(request.text if request.breaks else "")
    except breaks.NotUnderstood as error:
        return f"text: {error}"
    return ""


def _pieces(request: pb.SynthesizeRequest) -> Iterator[tuple[str, int]]:
    """Sentences, each with the milliseconds of silence after it."""
    text, pause, wanted = "", 0, False
    for part in breaks.parts(request.text) if request.breaks else [request.text]:
        if isinstance(part, int):
            pause, wanted = part + (pause if wanted else 0), True
            continue
        for sentence in sentences(part):
            if text or pause:
                yield text, pause
            text, pause, wanted = sentence, pause_ms(sentence), False
    yield text, pause if wanted else 0


def _speech(request: pb.SynthesizeRequest, use: Use) -> Speech:
    return Speech(
        text=request.text,
        language=request.language,
        voice=request.voice.name,
        words_per_minute=request.voice.words_per_minute or WORDS_PER_MINUTE,
        pitch=request.voice.pitch or PITCH,
        use=use,
    )


def _response(data: bytes, sound: Sound) -> pb.SynthesizeResponse:
    return pb.SynthesizeResponse(
        data=data,
        visemes=sound.visemes,
        words=sound.words,
        engine=sound.engine,
        voice=sound.voice,
        estimated=sound.estimated,
    )


def _name(kind: pb.AudioFormat.ValueType) -> str:
    return pb.AudioFormat.Name(kind).removeprefix("AUDIO_FORMAT_").lower()


def sentences(text: str) -> Iterator[str]:
    """The text, cut as an answer is; the first piece is short."""
    segmenter = Segmenter()
    for cut in segmenter.feed(text) + segmenter.close():
        yield cut.text


def _later(viseme: Viseme, by_ms: int) -> Viseme:
    return Viseme(
        shape=viseme.shape, offset_ms=viseme.offset_ms + by_ms, duration_ms=viseme.duration_ms
    )
