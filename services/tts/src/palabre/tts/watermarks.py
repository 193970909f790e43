"""Marks sound inaudibly as generated, so that it is known after encoding, cutting and copying.

PerTh (Resemble AI, MIT; the extra `watermark`) hides its mark in the magnitudes below 2 kHz. Its
network is in the package: nothing is downloaded. `python -m palabre.tts.watermarks FILE…` looks
for it.
"""

import asyncio
import functools
import importlib
import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from palabre.audio import recordings
from palabre.tts.engines import Sound, Sounds

PIECE_S = 1.0  # marked at once: a mark of less is found less surely after Opus
LEAST_S = 0.3  # what is left at the end goes with the piece before it
FOUND = 0.4  # of 1; measured in docs/voices-registry.md

Samples = np.ndarray[Any, Any]
Mark = Callable[[Samples, int], Samples]  # float32 from -1 to 1, and their rate


class Watermark:
    """Marks what an engine speaks, a second at a time, which is held back until it is there."""

    def __init__(self, mark: Mark) -> None:
        self._mark = mark

    async def marked(self, sounds: Sounds) -> Sounds:
        """The same sound, as long as before; visemes and words stay in their order."""
        held: Sound | None = None
        async with aclosing(sounds):
            async for sound in sounds:
                if held and held.rate != sound.rate:
                    yield await self._of(held)
                    held = None
                held = _joined(held, sound) if held else sound
                if held.seconds >= PIECE_S + LEAST_S:
                    first, held = _cut(held)
                    yield await self._of(first)
        if held:
            yield await self._of(held)

    async def _of(self, sound: Sound) -> Sound:
        if not sound.pcm:
            return sound
        pcm = await asyncio.to_thread(self._marked, sound.pcm, sound.rate)
        return replace(sound, pcm=pcm)

    def _marked(self, pcm: bytes, rate: int) -> bytes:
        plain = np.frombuffer(pcm, np.int16).astype(np.float32) / 32_768
        made = np.asarray(self._mark(plain, rate), np.float32).ravel()[: len(plain)]
        # The network works on whole hops: at most 10 ms at a sentence's end stay as they were.
        whole = np.concatenate([made, plain[len(made) :]])
        marked: Samples = (np.clip(whole, -1, 1) * 32_767).astype(np.int16)
        return marked.tobytes()


def perth() -> Watermark:
    """Raises ImportError with what to install."""
    network = _network()

    def mark(samples: Samples, rate: int) -> Samples:
        if len(samples) < rate * LEAST_S:
            return samples
        made: Samples = network.apply_watermark(samples, sample_rate=rate)
        return made

    return Watermark(mark)


def likeness(samples: Samples, rate: int) -> float:
    """How surely PerTh's mark is in float32 samples: 0 to 1. Raises ImportError."""
    found = _network().get_watermark(samples, sample_rate=rate, round=False)
    return float(np.ravel(found)[0])


@functools.cache
def _network() -> Any:
    try:
        return importlib.import_module("perth").PerthImplicitWatermarker()
    except (ImportError, TypeError) as error:  # without torch its class is None
        raise ImportError(
            "PALABRE_TTS_WATERMARK=perth needs the extra: install palabre-tts[watermark]"
        ) from error


def _joined(one: Sound, other: Sound) -> Sound:
    return replace(
        other,
        pcm=one.pcm + other.pcm,
        visemes=[*one.visemes, *other.visemes],
        words=[*one.words, *other.words],
    )


def _cut(sound: Sound) -> tuple[Sound, Sound]:
    """A piece with all its visemes and words, and the rest of its sound."""
    place = round(sound.rate * PIECE_S) * 2
    rest = replace(sound, pcm=sound.pcm[place:], visemes=(), words=())
    return replace(sound, pcm=sound.pcm[:place]), rest


def main() -> None:
    """Says of each file how surely it was marked."""
    for name in sys.argv[1:]:
        found = recordings.decode(Path(name).read_bytes())
        score = likeness(found.mono.astype(np.float32) / 32_768, found.rate)
        sys.stdout.write(f"{name}: {'marked' if score >= FOUND else 'no mark'} ({score:.2f})\n")


if __name__ == "__main__":
    main()
