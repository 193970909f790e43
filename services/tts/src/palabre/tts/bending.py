"""Pace and pitch for engines that cannot make them themselves."""

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from palabre.contracts.v1.turns_pb2 import Viseme, WordTime
from palabre.tts.engines import PITCH, Engine, Sound, Sounds, Speech
from palabre.tts.filters import Chain, bent

SEMITONES = 6.0  # up and down, between the ends of Speech.pitch


async def speak(engine: Engine, speech: Speech) -> Sounds:
    """What the engine says, at a pace and a pitch that it may not know."""
    slowest, fastest = engine.paces
    own = min(max(speech.words_per_minute, slowest), fastest)
    pace = speech.words_per_minute / own
    pitch = 1.0 if engine.pitches else 2 ** ((speech.pitch - PITCH) / 50 * SEMITONES / 12)
    sounds = engine.speak(replace(speech, words_per_minute=own))
    async with aclosing(sounds if pace == pitch == 1 else _bent(sounds, pace, pitch)) as made:
        async for sound in made:
            yield sound


async def _bent(sounds: Sounds, pace: float, pitch: float) -> Sounds:
    chain: Chain | None = None
    last: Sound | None = None
    async with aclosing(sounds):
        async for last in sounds:
            chain = chain or Chain(bent(last.rate, pace, pitch), last.rate)
            samples = chain.feed(np.frombuffer(last.pcm, np.int16) / 32768)
            yield replace(
                last,
                pcm=_pcm(samples),
                visemes=list(_visemes(last.visemes, pace)),
                words=list(_words(last.words, pace)),
            )
    if chain and last:
        yield replace(last, pcm=_pcm(chain.close()), visemes=[], words=[])


def _pcm(samples: np.typing.NDArray[np.float64]) -> bytes:
    return np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def _visemes(visemes: Iterable[Viseme], pace: float) -> Iterable[Viseme]:
    for v in visemes:
        begins, ends = round(v.offset_ms / pace), round((v.offset_ms + v.duration_ms) / pace)
        yield Viseme(shape=v.shape, offset_ms=begins, duration_ms=ends - begins)


def _words(words: Iterable[WordTime], pace: float) -> Iterable[WordTime]:
    for word in words:
        at = round(word.offset_ms / pace)
        yield WordTime(offset=word.offset, length=word.length, offset_ms=at)
