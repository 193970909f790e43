"""The speech of a turn, in the order in which it is heard, as a file that grows."""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from palabre.channels.waiting import Gone, until_gone
from palabre.channels.waits import Playout
from palabre.chassis import events, tracing
from palabre.chassis.tracing import Span
from palabre.contracts.v1 import events_pb2 as pb, tts_pb2

if TYPE_CHECKING:
    from palabre.audio import Label

FORMATS = {
    "opus": tts_pb2.AUDIO_FORMAT_OPUS,
    "mp3": tts_pb2.AUDIO_FORMAT_MP3,
    "wav": tts_pb2.AUDIO_FORMAT_WAV,
    "aac": tts_pb2.AUDIO_FORMAT_AAC,
    "flac": tts_pb2.AUDIO_FORMAT_FLAC,
    "pcm": tts_pb2.AUDIO_FORMAT_PCM,
}
MEDIA_TYPES = {
    "opus": "audio/ogg",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "pcm": "audio/pcm",
}
LOAD_AFTER_S = 3.0
SILENCE_S = 30.0  # without any event of the turn, nobody is speaking any more


class FrameOrder:
    """Orders frames by (segment, sequence), ignores doubles and lower attempts.

    A higher attempt begins again. What is still missing when a segment was spoken to its end is
    left out.
    """

    def __init__(self) -> None:
        self.ended = False
        self._attempt = self._segment = self._sequence = 0
        self._waiting: dict[tuple[int, int], pb.SpeechFrame] = {}
        self._spoken: dict[int, pb.SpeechCompleted] = {}

    def feed(self, event: pb.Event) -> list[pb.SpeechFrame]:
        """The frames to play now."""
        name = events.body_name(event)
        if name in ("turn_failed", "turn_cancelled"):
            self.ended = True
        if name not in ("speech_frame", "speech_completed") or event.attempt < self._attempt:
            return []
        if event.attempt > self._attempt:
            self._begin(event.attempt)
        if name == "speech_completed":
            self._spoken[event.index] = event.speech_completed
        elif (event.index, event.speech_frame.sequence) >= (self._segment, self._sequence):
            self._waiting[event.index, event.speech_frame.sequence] = event.speech_frame
        return [frame for frame in self._ready() if frame.data]

    def _begin(self, attempt: int) -> None:
        self._attempt, self._segment, self._sequence = attempt, 0, 0
        self._waiting.clear()
        self._spoken.clear()

    def _ready(self) -> Iterator[pb.SpeechFrame]:
        while not self.ended:
            frame = self._waiting.pop((self._segment, self._sequence), None)
            if frame:
                yield frame
                self._sequence += 1
                if frame.last:
                    self._next(last=frame.last_segment)
            elif spoken := self._spoken.get(self._segment):
                self._skip(spoken)
            else:
                return

    def _skip(self, spoken: pb.SpeechCompleted) -> None:
        """Over what was lost of a segment that is complete."""
        left = [sequence for segment, sequence in self._waiting if segment == self._segment]
        if left:
            self._sequence = min(left)
        else:
            self._next(last=spoken.last)

    def _next(self, *, last: bool) -> None:
        self._segment, self._sequence, self.ended = self._segment + 1, 0, last


class File(Protocol):
    """Packs Opus packets of 20 ms."""

    def feed(self, packet: bytes) -> bytes: ...

    def close(self) -> bytes: ...


class _Encoded:
    """Decodes packets and encodes them in another format."""

    def __init__(self, kind: tts_pb2.AudioFormat.ValueType, label: "Label") -> None:
        from palabre.audio import OpusSound, encoder

        self._sound, self._encoder = OpusSound(), encoder(kind, label)

    def feed(self, packet: bytes) -> bytes:
        return self._encoder.feed(self._sound.feed(packet), self._sound.rate)

    def close(self) -> bytes:
        return self._encoder.close()


async def load_codecs(stop: asyncio.Event) -> None:
    """Loads them once the service is up: that takes 0.2 s, which nobody should wait for."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), LOAD_AFTER_S)
        return
    await asyncio.to_thread(importlib.import_module, "palabre.audio")


def file(name: str, space: str, turn: str) -> File:
    """An empty file of one of FORMATS; who will speak is not known yet."""
    from palabre.audio import Label, Ogg

    label = Label(space, turn=turn)
    return Ogg(label) if name == "opus" else _Encoded(FORMATS[name], label)


async def spoken(
    source: AsyncIterator[pb.Event], turn: str, packed: File, gone: Gone, playout: Playout
) -> AsyncIterator[bytes]:
    """The file's bytes as the turn is spoken, until its last segment or SILENCE_S of nothing."""
    order = FrameOrder()
    with tracing.step("listen", parent=tracing.of_turn(turn)) as span:
        async for event in until_gone(source, gone, SILENCE_S):
            if event is None:
                break
            if event.turn != turn:
                continue
            if frames := order.feed(event):
                _note(span, event, playout)
                playout.give(event, sum(frame.duration_ms for frame in frames) / 1_000)
                if piece := b"".join(packed.feed(frame.data) for frame in frames):
                    yield piece
                playout.taken()
            if order.ended:
                break
    yield packed.close()


def _note(span: Span, event: pb.Event, playout: Playout) -> None:
    """The first sound that is given."""
    if not playout.has_begun:
        span.set_attributes(tracing.of(event))
        span.add_event("first sound")


def is_complete(facts: Iterable[pb.Event], live: Iterable[pb.Event], turn: str) -> bool:
    """All frames of the turn's speech are still there, or are still to come."""
    spoken = [e for e in facts if e.turn == turn and e.HasField("speech_completed")]
    attempt = max((e.attempt for e in spoken), default=0)
    segments = [e.speech_completed for e in spoken if e.attempt == attempt]
    if not any(segment.last for segment in segments):
        return True
    frames = {
        (e.index, e.speech_frame.sequence)
        for e in live
        if e.turn == turn and e.attempt == attempt and e.HasField("speech_frame")
    }
    return len(frames) >= sum(segment.frames for segment in segments)
