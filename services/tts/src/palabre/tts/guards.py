"""What keeps a model that writes sound token by token to its text.

Such models may speak on after the last word, say "point" for a final full stop, or fall silent
without ending (coqui-ai/TTS issues 3598, 4125, 4171).
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # mono, full scale is 1

_S_PER_CHARACTER, _S_PER_SIGN, _S_MORE = 0.13, 0.45, 0.8
_SIGNS = frozenset(["zh", "ja", "ko"])  # a sign is a syllable or a word
_KEPT_S = 0.12
_SILENT, _NOTHING = 0.01, 1e-4  # of the loudest so far; of full scale


def tidied(text: str) -> str:
    """Without the full stop at its end."""
    return text.strip().rstrip(".").rstrip()


def longest_s(text: str, language: str) -> float:
    """Twice what a slow voice takes: whatever is longer is no speech of this text."""
    each = _S_PER_SIGN if language[:2] in _SIGNS else _S_PER_CHARACTER
    return len(text) * each + _S_MORE


class Tail:
    """Holds silence back until sound follows; of the silence at the end little is kept."""

    def __init__(self, rate: int) -> None:
        self._kept = round(rate * _KEPT_S)
        self._held: Samples = np.zeros(0, np.float32)
        self._loudest = 0.0

    def feed(self, samples: Samples) -> Samples:
        self._loudest = max(self._loudest, float(np.abs(samples).max(initial=0.0)))
        sound = np.concatenate((self._held, samples))
        loud = np.flatnonzero(np.abs(sound) > max(self._loudest * _SILENT, _NOTHING))
        end = int(loud[-1]) + 1 if len(loud) else 0
        self._held = sound[end:]
        return sound[:end]

    def close(self) -> Samples:
        return self._held[: self._kept]
