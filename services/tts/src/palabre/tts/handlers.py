"""The stage `speak`: a segment of an answer -> its frames, then the fact that it was spoken."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager

import structlog

from palabre.audio import PACKET_MS, packets
from palabre.chassis import voices
from palabre.chassis.events import follow
from palabre.chassis.stage import Handler
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.tts.engines import Sound
from palabre.tts.errors import CannotSpeak
from palabre.tts.ladder import Ladder
from palabre.tts.sound import Studio, pause_ms

log = structlog.get_logger()

# A character is heard for about 65 ms. Answers are written faster than they are spoken, but not at
# once: this share of what comes before is still to be heard when a segment is ready.
SLACK_S_PER_CHARACTER = 0.04


def speaker(ladder: Ladder, studio: Studio | None = None) -> Handler:
    """SegmentReady -> SpeechFrame… as the sound is made, then SpeechCompleted.

    A segment that no engine can speak is silent, never lost. Several segments of a turn may be
    spoken at the same time: whoever listens orders frames by (index, sequence).
    """
    others, mastering = asyncio.Lock(), studio or Studio()

    async def speak(event: pb.Event) -> AsyncGenerator[pb.Event, None]:
        segment = event.segment_ready
        frames, completed = Frames(segment), pb.SpeechCompleted(last=segment.last)
        try:
            use = voices.answering(event.space, event.channel, segment.language)
            slack_s = segment.offset * SLACK_S_PER_CHARACTER
            said = ladder.speak(
                segment.text, segment.language, segment.voice, use=use, slack_s=slack_s
            )
            pause = 0 if segment.last else pause_ms(segment.text)
            async with aclosing(mastering.master(said, segment.voice, pause)) as sounds:
                async for sound in sounds:
                    async with _in_turn(frames, others):
                        made = frames.feed(sound)
                    for frame in made:
                        yield follow(event, frame, index=event.index)
                    _note(completed, sound)
        except CannotSpeak:
            log.error("segment stays silent", turn=event.turn, index=event.index)
        for frame in frames.close():
            yield follow(event, frame, index=event.index)
        completed.frames = frames.count
        completed.duration_ms = frames.count * PACKET_MS
        yield follow(event, completed, index=event.index)

    return speak


@asynccontextmanager
async def _in_turn(frames: "Frames", others: asyncio.Lock) -> AsyncIterator[None]:
    """A segment's first sound is encoded at once, the others wait their turn.

    Encoding takes about 2 ms a piece: however many segments are in hand, the loop stands no longer.
    """
    if not frames.count:
        yield
        return
    async with others:
        await asyncio.sleep(0)
        yield


class Frames:
    """The frames of a segment. One is held back until it is known whether it is the last."""

    def __init__(self, segment: pb.SegmentReady) -> None:
        self.count = 0  # frames with sound
        self._encoding = segment.encoding or turns_pb2.AUDIO_ENCODING_OPUS
        self._packets = packets(self._encoding)
        self._last_segment = segment.last
        self._held: bytes | None = None
        self._visemes: list[turns_pb2.Viseme] = []

    def feed(self, sound: Sound) -> list[pb.SpeechFrame]:
        self._visemes += sound.visemes
        made = self._packets.feed(sound.pcm, sound.rate)
        return [frame for packet in made for frame in self._hold(packet)]

    def close(self) -> Iterator[pb.SpeechFrame]:
        """The last ones; a segment without sound has one, without data."""
        for packet in self._packets.close():
            yield from self._hold(packet)
        yield self._frame(self._held or b"", last=True)

    def _hold(self, packet: bytes) -> Iterator[pb.SpeechFrame]:
        if self._held is not None:
            yield self._frame(self._held)
        self._held = packet

    def _frame(self, packet: bytes, *, last: bool = False) -> pb.SpeechFrame:
        begun = self.count * PACKET_MS
        frame = pb.SpeechFrame(
            encoding=self._encoding,
            data=packet,
            sequence=self.count,
            offset_ms=begun,
            duration_ms=PACKET_MS if packet else 0,
            visemes=self._due(None if last else begun + PACKET_MS),
            last=last,
            last_segment=self._last_segment,
        )
        self.count += 1 if packet else 0
        return frame

    def _due(self, end_ms: int | None) -> list[turns_pb2.Viseme]:
        """Those that begin before `end_ms`, and any that came late."""
        due = [v for v in self._visemes if end_ms is None or v.offset_ms < end_ms]
        self._visemes = self._visemes[len(due) :]
        return due


def _note(completed: pb.SpeechCompleted, sound: Sound) -> None:
    completed.engine, completed.voice = sound.engine, sound.voice
    completed.estimated |= sound.estimated
    completed.words.extend(sound.words)
