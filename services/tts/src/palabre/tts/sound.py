"""Speech as it is heard: filtered, equally loud, without clicks, with its pauses."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.tts.engines import Sound, Sounds
from palabre.tts.filters import FILTERS, Chain
from palabre.tts.loudness import Limiter, Meter, Samples, VoiceKey, Voices

_EDGE_S = 0.004
_PART_S = 0.5
_SILENT = 10 ** (-50 / 20)
# Milliseconds after a sentence, by how it ends; engines' own silence counts.
_PAUSES = (("\n", 500), ("…", 400), ("...", 400), (",", 120), (":", 200), (";", 200))
_PAUSE = 250


class Studio:
    """Masters segments, and learns from each how loud its voice is. One per process."""

    def __init__(self) -> None:
        self._voices = Voices()

    async def master(self, sounds: Sounds, choice: VoiceChoice, pause_ms: int = 0) -> Sounds:
        """The sounds of one segment, each as soon as it comes, but for the last 5 to 10 ms.

        It ends with at least `pause_ms` of silence. An unknown filter is none.
        """
        track: _Track | None = None
        async with aclosing(sounds):
            async for sound in sounds:
                if track and track.rate != sound.rate:
                    yield track.close(0)
                    track = None
                if track is None:
                    key = VoiceKey(sound.engine, sound.voice, choice.pitch, choice.filter)
                    track = _Track(key, sound, self._voices)
                for part in _parts(sound):
                    yield track.feed(part)
                    await asyncio.sleep(0)
        if track:
            yield track.close(pause_ms)


def _parts(sound: Sound) -> Iterator[Sound]:
    """An engine may give whole sentences at once: working on one would hold everybody else up."""
    size = round(sound.rate * _PART_S) * 2
    yield replace(sound, pcm=sound.pcm[:size])
    for at in range(size, len(sound.pcm), size):
        yield replace(sound, pcm=sound.pcm[at : at + size], visemes=(), words=())


class _Track:
    """The chain that one segment goes through."""

    def __init__(self, key: VoiceKey, first: Sound, voices: Voices) -> None:
        self.rate = first.rate
        self._last = first
        steps: Sequence[str] = FILTERS.get(key.filter, ())
        self._chain = Chain(steps, self.rate) if steps else None
        self._meter, self._loudness = Meter(self.rate), voices.of(key)
        self._gain = self._loudness.gain
        self._limiter = Limiter(self.rate)
        self._edge = round(self.rate * _EDGE_S)
        self._begun, self._quiet = 0, 0

    def feed(self, sound: Sound) -> Sound:
        self._last = sound
        samples = np.frombuffer(sound.pcm, np.int16) / 32768
        filtered = self._chain.feed(samples) if self._chain else samples
        return replace(sound, pcm=self._out(self._limiter.feed(self._equal(filtered))))

    def close(self, pause_ms: int) -> Sound:
        tail = self._chain.close() if self._chain else np.zeros(0)
        rest = np.concatenate((self._limiter.feed(self._equal(tail)), self._limiter.close()))
        edge = min(self._edge, len(rest))
        if edge:
            rest[-edge:] *= np.linspace(1, 0, edge)
        pcm = self._out(rest)
        missing = max(0, self.rate * pause_ms // 1000 - self._quiet)
        return replace(self._last, pcm=pcm + bytes(missing * 2), visemes=[], words=[])

    def _equal(self, samples: Samples) -> Samples:
        """As loud as all other voices. The gain goes where it should be in a straight line."""
        if not len(samples):
            return samples
        self._loudness.note(self._meter.feed(samples))
        before, self._gain = self._gain, self._loudness.gain
        return np.asarray(samples * np.linspace(before, self._gain, len(samples)))

    def _out(self, samples: Samples) -> bytes:
        """As PCM. The segment's first samples rise from nothing."""
        rising = samples[: max(0, self._edge - self._begun)]
        rising *= np.arange(self._begun, self._begun + len(rising)) / self._edge
        self._begun += len(samples)
        loud = np.flatnonzero(np.abs(samples) > _SILENT)
        self._quiet = len(samples) - 1 - loud[-1] if len(loud) else self._quiet + len(samples)
        return np.round(samples * 32767).astype("<i2").tobytes()


def pause_ms(text: str) -> int:
    """How long to wait after a segment of a text, as it was written, before the next one."""
    if text.endswith("\n"):
        return _PAUSES[0][1]
    bare = text.rstrip(' \u00a0\u202f»"”)*_]')
    return next((ms for end, ms in _PAUSES if bare.endswith(end)), _PAUSE)
