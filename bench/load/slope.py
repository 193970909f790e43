"""How fast something grows: the Theil-Sen slope, and where it lies with 95 %.

H. Theil (1950); the interval is Sen's, from the variance of Kendall's statistic (P. K. Sen, JASA
63, 1968, section 3). It takes samples as independent: those of memory are not quite, so that the
interval is a little too narrow.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

Z95 = 1.96


@dataclass(frozen=True, slots=True)
class Slope:
    """Per unit of time, with the interval in which it lies."""

    value: float
    low: float
    high: float

    @property
    def is_flat(self) -> bool:
        return self.low <= 0 <= self.high

    def __str__(self) -> str:
        return f"{self.value:+.2f} ({self.low:+.2f} to {self.high:+.2f})"


def theil_sen(points: Sequence[tuple[float, float]]) -> Slope:
    """Of (time, value), in order of time; needs three points."""
    pairs = combinations(points, 2)
    slopes = sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairs)
    n, count = len(points), len(slopes)
    spread = Z95 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, math.floor((count - spread) / 2))
    high = min(count - 1, math.ceil((count + spread) / 2))
    return Slope(statistics.median(slopes), slopes[low], slopes[high])
