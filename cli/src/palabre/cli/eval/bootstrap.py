"""How sure a figure is that was measured on a few questions: the bootstrap over questions.

Percentile intervals (Efron and Tibshirani 1993, chapter 13) and the paired test on centred
differences (chapter 16; Sakai, SIGIR 2006). The same seed gives the same figures.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RESAMPLES = 5_000
# Of many questions fewer resamples say as much.
_MANY, _RESAMPLES_OF_MANY = 2_000, 1_000
_AT_ONCE = 250
_SEED = 1
_TAIL = 0.025

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its 95 % interval, and over how many questions."""

    value: float
    low: float
    high: float
    of: int


@dataclass(frozen=True, slots=True)
class Difference:
    """B minus A over the same questions. `p` is two-sided."""

    value: float
    low: float
    high: float
    p: float
    of: int


def mean(values: Values) -> Estimate:
    """Of at least one value."""
    low, high = _interval(_means(values))
    if np.ptp(values) == 0 and values[0] in {0.0, 1.0}:
        low, high = _unanimous(bool(values[0]), len(values))
    return Estimate(float(values.mean()), low, high, len(values))


def percentile(values: Values, share: float) -> Estimate:
    """`share` 0 to 1."""

    def of(drawn: Values) -> Values:
        return np.quantile(drawn, share, axis=1)

    low, high = _interval(_statistics(values, of))
    return Estimate(float(np.quantile(values, share)), low, high, len(values))


def difference(a: Values, b: Values) -> Difference:
    """Of means; a[i] and b[i] belong to the same question."""
    pairs = b - a
    value, means = float(pairs.mean()), _means(pairs)
    low, high = _interval(means)
    # Digits that sums in another order do not change.
    as_far = np.abs(means - value) >= abs(value) - 1e-9
    p = (1 + int(as_far.sum())) / (1 + len(means)) if value else 1.0
    return Difference(value, low, high, p, len(pairs))


def _means(values: Values) -> Values:
    """A resample is how often each value was drawn."""
    chance, count = np.random.default_rng(_SEED), len(values)
    even = np.full(count, 1 / count)
    drawn = (chance.multinomial(count, even, _AT_ONCE) for _ in _rounds(count))
    return np.concatenate([times @ values / count for times in drawn])


def _statistics(values: Values, of: Callable[[Values], Values]) -> Values:
    chance, shape = np.random.default_rng(_SEED), (_AT_ONCE, len(values))
    drawn = (chance.choice(values, shape) for _ in _rounds(len(values)))
    return np.concatenate([of(some) for some in drawn])


def _rounds(count: int) -> range:
    return range((_RESAMPLES if count <= _MANY else _RESAMPLES_OF_MANY) // _AT_ONCE)


def _interval(statistics: Values) -> tuple[float, float]:
    low, high = np.quantile(statistics, (_TAIL, 1 - _TAIL))
    return float(low), float(high)


def _unanimous(yes: bool, count: int) -> tuple[float, float]:
    """A resample of equals has no width; Clopper and Pearson's interval for 0 or n of n has."""
    bound = float(_TAIL ** (1 / count))
    return (bound, 1.0) if yes else (0.0, 1 - bound)
