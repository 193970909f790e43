"""Quantiles, and what is printed."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.overhead.client import Reply

OURS = "palabre"  # the bars are for us


def at(share: float, values: Iterable[float]) -> float:
    """The value that `share` of them do not pass (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def first_ms(replies: Iterable[Reply]) -> tuple[float, float]:
    """p50 and p99 of the time to the first byte of the first token."""
    times = [reply.first * 1000 for reply in replies]
    return at(0.5, times), at(0.99, times)


@dataclass(slots=True)
class Row:
    """One line of the table. `bar` is what is asked of it: at most, or at least, so much."""

    name: str
    direct: float | None
    measured: float
    value: float
    unit: str
    bar: float | None = None
    at_least: bool = False
    others: float = 0.0  # share of all cores that other processes used meanwhile

    @property
    def verdict(self) -> str:
        if self.bar is None:
            return ""
        met = self.value >= self.bar if self.at_least else self.value <= self.bar
        return f"{'≥' if self.at_least else '≤'} {self.bar:g}  {'yes' if met else 'NO'}"


@dataclass(slots=True)
class Figures:
    """What was found out about one server."""

    name: str
    rows: list[Row] = field(default_factory=list)
    failed: int = 0
    asked: int = 0
    cpu_ms: dict[str, float] = field(default_factory=dict)  # per answer, by process
    said: str = ""

    def count(self, replies: Sequence[Reply]) -> None:
        self.asked += len(replies)
        broken = [reply for reply in replies if not reply.whole]
        self.failed += len(broken)
        if broken:
            self.said = broken[0].said

    def overhead(
        self,
        name: str,
        direct: Sequence[Reply],
        measured: Sequence[Reply],
        bars: tuple[float | None, float | None] = (None, None),
    ) -> None:
        """Two rows: server minus direct, p50 and p99."""
        self.count(measured)
        pairs = zip(("p50", "p99"), first_ms(direct), first_ms(measured), bars, strict=True)
        for quantile, without, within, bar in pairs:
            self.rows.append(
                Row(f"{name}, {quantile}", without, within, within - without, "ms", bar)
            )

    def print(self) -> None:
        print(f"\n{self.name:<46}{'direct':>9}{'here':>9}{'result':>10}       others  bar")
        for row in self.rows:
            direct = "" if row.direct is None else f"{row.direct:.1f}"
            print(
                f"{row.name:<46}{direct:>9}{row.measured:>9.1f}{row.value:>10.2f} {row.unit:<5}"
                f"{row.others:>6.0%}  {row.verdict if self.name == OURS else ''}"
            )
        if self.cpu_ms:
            spent = ", ".join(f"{name} {ms:.1f}" for name, ms in self.cpu_ms.items())
            print(f"  CPU per answer at most throughput, ms: {spent}")
        print(f"  answers {self.asked}, not whole {self.failed} {self.said[-120:]!r}")
