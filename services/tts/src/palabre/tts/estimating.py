"""When words and mouth move, for engines that do not say: espeak-ng's times, stretched.

Sound leaves before its length is known. How much slower a voice speaks than espeak-ng is learned
from what it said before; what was not yet given at the end is fitted into what remains.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from palabre.contracts.v1.turns_pb2 import Viseme, WordTime
from palabre.tts.engines import Sound, Sounds, Speech
from palabre.tts.engines.espeak import Espeak
from palabre.tts.errors import CannotSpeak

Pcm = AsyncGenerator[bytes, None]  # signed 16-bit mono, whole samples

_NEWEST = 0.3  # weight of the newest sentence in what is known of a voice's pace


class Rated(Protocol):
    """Where the sound comes from; its rate is known with the first piece."""

    @property
    def rate(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Timeline:
    """Of a text as espeak-ng speaks it; nothing in a language that it does not speak."""

    visemes: list[Viseme]
    words: list[WordTime]
    lasts_ms: float


async def timeline(speech: Speech) -> Timeline:
    """At espeak-ng's own pace (about 5 ms of work a sentence)."""
    found = Timeline([], [], 0.0)
    seconds = 0.0
    try:
        async for sound in _espeak().speak(Speech(speech.text, speech.language)):
            found.visemes.extend(sound.visemes)
            found.words.extend(sound.words)
            seconds += sound.seconds
    except CannotSpeak:
        pass
    return Timeline(found.visemes, found.words, seconds * 1000)


@cache
def _espeak() -> Espeak:
    return Espeak()


class Stretch:
    """Gives what of a timeline is due, in the order of the sound; each thing once."""

    def __init__(self, line: Timeline, pace: float) -> None:
        self._line, self._pace = line, pace
        self._visemes = self._words = 0  # how many were given
        self._given_ms, self._given_line_ms = 0.0, 0.0

    def until(self, made_ms: float) -> tuple[list[Viseme], list[WordTime]]:
        """What is over, and what words begin, before this millisecond of the sound."""
        visemes, words = [], []
        for viseme in self._line.visemes[self._visemes :]:
            end = (viseme.offset_ms + viseme.duration_ms) * self._pace
            if end > made_ms:
                break
            visemes.append(self._moved(viseme, end))
        for word in self._line.words[self._words :]:
            if word.offset_ms * self._pace >= made_ms:
                break
            words.append(_at(word, word.offset_ms * self._pace))
        self._visemes += len(visemes)
        self._words += len(words)
        return visemes, words

    def close(self, lasts_ms: float) -> tuple[list[Viseme], list[WordTime]]:
        """The rest, fitted into what remains of a sound of this length."""
        line_left = self._line.lasts_ms - self._given_line_ms
        factor = max(0.0, lasts_ms - self._given_ms) / line_left if line_left > 0 else 0.0
        begun_ms, begun_line_ms = self._given_ms, self._given_line_ms

        def fitted(line_ms: float) -> float:
            return min(begun_ms + max(0.0, line_ms - begun_line_ms) * factor, lasts_ms)

        visemes = [
            self._moved(v, fitted(v.offset_ms + v.duration_ms))
            for v in self._line.visemes[self._visemes :]
        ]
        last = max(0.0, lasts_ms - 1)
        words = [_at(w, min(fitted(w.offset_ms), last)) for w in self._line.words[self._words :]]
        return [v for v in visemes if v.duration_ms], words

    def _moved(self, viseme: Viseme, end_ms: float) -> Viseme:
        """It begins where the one before ended: rounding leaves no gap and no overlap."""
        begin, end = int(self._given_ms), int(end_ms)
        self._given_ms, self._given_line_ms = end, viseme.offset_ms + viseme.duration_ms
        return Viseme(shape=viseme.shape, offset_ms=begin, duration_ms=max(0, end - begin))


class Estimator:
    """Adds words and visemes to sound; remembers how fast each voice speaks."""

    def __init__(self) -> None:
        self._paces: dict[tuple[str, int], float] = {}

    async def timed(self, pcm: Pcm, source: Rated, speech: Speech, voice: str) -> Sounds:
        """The sound of one speech; its last piece may be empty, with what was left to say."""
        known = (voice, speech.words_per_minute)
        lining = asyncio.create_task(timeline(speech))
        made, stretch = 0.0, None
        try:
            async with aclosing(pcm):
                async for piece in pcm:
                    line = await lining
                    stretch = stretch or Stretch(line, self._paces.get(known, 1 / speech.speed))
                    made += len(piece) / 2 / source.rate * 1000
                    visemes, words = stretch.until(made)
                    yield Sound(piece, source.rate, visemes, words, voice, estimated=True)
        finally:
            lining.cancel()
        if stretch:
            visemes, words = stretch.close(made)
            if visemes or words:
                yield Sound(b"", source.rate, visemes, words, voice, estimated=True)
            self._learn(known, made / line.lasts_ms if line.lasts_ms else 0.0)

    def _learn(self, known: tuple[str, int], pace: float) -> None:
        if pace:
            before = self._paces.get(known, pace)
            self._paces[known] = before + _NEWEST * (pace - before)


def _at(word: WordTime, ms: float) -> WordTime:
    return WordTime(offset=word.offset, length=word.length, offset_ms=int(ms))
