"""A model of XTTS's kind that hums: fast, the same each time, and it does wrong when told to."""

import re
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import numpy as np

from palabre.tts.guards import Samples

RATE, WORD_S, PIECE_S = 24_000, 0.35, 0.2


@dataclass
class Humming:
    rate: int = RATE
    languages: Sequence[str] = ("fr", "en", "zh-cn")
    speakers: dict[str, float] = field(default_factory=lambda: {"Anne": 180.0, "Luc": 110.0})
    babbles: bool = False  # speaks on and on
    silent_s: float = 0.0  # falls silent before it ends
    takes_s: float = 0.0  # for each piece
    fails: str = ""
    said: list[str] = field(default_factory=list)
    memory_bytes: dict[str, int] = field(default_factory=dict)
    given: list[Sequence[bytes]] = field(default_factory=list)
    speaking: int = 0
    most_at_once: int = 0
    closed: int = 0

    def latents(self, samples: Sequence[bytes]) -> float:
        if samples[0] == b"damaged":
            raise ValueError("no sound")
        self.given.append(samples)
        return float(len(samples[0]))

    def memory(self) -> dict[str, int]:
        return self.memory_bytes

    def longest(self, language: str) -> int:
        return 120

    def say(
        self, text: str, language: str, latents: float, speed: float
    ) -> Generator[Samples, None, None]:
        self.said.append(text)
        self.speaking += 1
        self.most_at_once = max(self.most_at_once, self.speaking)
        try:
            if self.fails:
                raise RuntimeError(self.fails)
            seconds = len(re.findall(r"\w+", text)) * WORD_S / speed
            for piece in _hum(3600.0 if self.babbles else seconds, latents):
                time.sleep(self.takes_s)
                yield piece
            yield from _hum(self.silent_s, 0.0)
        finally:
            self.speaking -= 1
            self.closed += 1


def _hum(seconds: float, pitch: float) -> Generator[Samples, None, None]:
    """Without holding more than a piece."""
    whole = int(seconds * RATE)
    for begin in range(0, whole, int(PIECE_S * RATE)):
        at = np.arange(begin, min(begin + int(PIECE_S * RATE), whole)) / RATE
        yield (np.sin(2 * np.pi * pitch * at) * 0.3).astype(np.float32)
