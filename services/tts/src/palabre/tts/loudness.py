"""Brings every voice to the same loudness, as it speaks.

ITU-R BS.1770-5, annex 1: the power of the K-weighted sound in blocks of 400 ms, one each 100 ms,
gated at -70 LUFS and at 10 LU below what then remains. The weighting is applied to spectra of
100 ms instead of to the samples; for speech that makes less than 0.1 LU of difference.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]  # mono, full scale is 1

TARGET = -16.0  # LUFS
_AIM = TARGET + 0.2  # what the limiter takes from most voices
CEILING = 10 ** (-1 / 20)  # -1 dB below full scale: codecs overshoot
# What a voice is taken for until it was heard: espeak's are between -24 and -19.6 LUFS.
_ASSUMED, _ASSUMED_BLOCKS = -21.5, 4
_REMEMBERED_BLOCKS = 600
_MOST_DB = 20.0
_VOICES = 512
_STEP_S = 0.1
_STEPS = 4
# The two filters of the K-weighting, for 48 kHz (tables 1 and 2): numerator, denominator.
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285),
          (1.0, -1.69065929318241, 0.73248077421585))  # fmt: skip
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


class VoiceKey(NamedTuple):
    """What changes how loud a voice is."""

    engine: str
    voice: str
    pitch: int
    filter: str


class Loudness:
    """How loud one voice is, from all that was heard of it."""

    def __init__(self) -> None:
        self._blocks: deque[float] = deque(maxlen=_REMEMBERED_BLOCKS)

    def note(self, blocks: Iterable[float]) -> None:
        """Mean squares of blocks, as `Meter` gives them."""
        self._blocks.extend(blocks)

    @property
    def lufs(self) -> float:
        assumed = [10 ** ((_ASSUMED + 0.691) / 10)] * _ASSUMED_BLOCKS
        return integrated([*assumed, *self._blocks])

    @property
    def gain(self) -> float:
        """What the voice is to be multiplied by."""
        missing = min(max(_AIM - self.lufs, -_MOST_DB), _MOST_DB)
        return float(10 ** (missing / 20))


class Voices:
    """The loudness of each voice that spoke in this process, the latest ones."""

    def __init__(self) -> None:
        self._known: OrderedDict[VoiceKey, Loudness] = OrderedDict()

    def of(self, key: VoiceKey) -> Loudness:
        found = self._known.setdefault(key, Loudness())
        self._known.move_to_end(key)
        if len(self._known) > _VOICES:
            self._known.popitem(last=False)
        return found


class Meter:
    """Measures one sound, piece by piece."""

    def __init__(self, rate: int) -> None:
        self._size = round(rate * _STEP_S)
        self._weights = _weights(rate, self._size)
        self._rest: Samples = np.zeros(0)
        self._steps: deque[float] = deque(maxlen=_STEPS)

    def feed(self, samples: Samples) -> list[float]:
        """Mean squares of the blocks that end within `samples`."""
        sound = np.concatenate((self._rest, samples))
        whole = len(sound) // self._size * self._size
        self._rest = sound[whole:]
        spectra = np.fft.rfft(sound[:whole].reshape(-1, self._size))
        return [block for power in np.abs(spectra) ** 2 @ self._weights
                if (block := self._block(float(power))) is not None]  # fmt: skip

    def _block(self, power: float) -> float | None:
        self._steps.append(power)
        return sum(self._steps) / _STEPS if len(self._steps) == _STEPS else None


def integrated(blocks: Iterable[float]) -> float:
    """LUFS of blocks, gated; -70 when all are silent."""
    powers = np.fromiter(blocks, float)
    heard = powers[powers > 10 ** ((-70 + 0.691) / 10)]
    if not len(heard):
        return -70.0
    loud = heard[heard > heard.mean() / 10]
    return float(-0.691 + 10 * np.log10(loud.mean()))


@cache
def _weights(rate: int, size: int) -> Samples:
    """What the squared spectrum of `size` samples is multiplied by to give their power."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size, 1 / rate) / 48_000)
    response: Samples = np.ones(len(z))
    for numerator, denominator in (_SHELF, _HIGH_PASS):
        above, below = (np.polyval(side[::-1], z) for side in (numerator, denominator))
        response *= np.abs(above / below) ** 2
    twice = np.full(len(z), 2.0)
    twice[0] = 1.0
    if size % 2 == 0:
        twice[-1] = 1.0
    return np.asarray(response * twice / size**2)


class Limiter:
    """Keeps every sample below CEILING without a jump; holds 5 to 10 ms back, to see what comes.

    Between steps of 5 ms the gain goes in a straight line; at each border it is low enough for
    the steps on both sides, and it rises again by 3 % of full scale a step.
    """

    def __init__(self, rate: int) -> None:
        self._step = max(1, rate // 200)
        self._held: Samples = np.zeros(0)
        self._gain: float | None = None  # at the border that comes next

    def feed(self, samples: Samples) -> Samples:
        sound = np.concatenate((self._held, samples))
        steps = max(0, len(sound) // self._step - 1)
        self._held = sound[steps * self._step :]
        return self._limited(sound, steps)

    def close(self) -> Samples:
        length = len(self._held)
        steps = -(-length // self._step)
        self._held = np.pad(self._held, (0, (steps + 1) * self._step - length))
        return self._limited(self._held, steps)[:length]

    def _limited(self, sound: Samples, steps: int) -> Samples:
        """The first `steps` of a sound that has at least one more."""
        if not steps:
            return np.zeros(0)
        parts = sound[: (steps + 1) * self._step].reshape(steps + 1, self._step)
        allowed = np.minimum(1.0, CEILING / np.maximum(np.abs(parts).max(axis=1), 1e-9))
        borders = [allowed[0] if self._gain is None else self._gain]
        for here, after in pairwise(allowed):
            borders.append(min(here, after, borders[-1] + 0.03))
        self._gain = borders[-1]
        places = np.arange(steps * self._step) / self._step
        return np.asarray(parts[:-1].ravel() * np.interp(places, np.arange(steps + 1), borders))
