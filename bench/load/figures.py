"""What is told of a crowd: a table for people, plain values for a file."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bench.load.people import Turn
from bench.overhead.figures import at

QUANTILES = (0.5, 0.95, 0.99)


def quantiles(values: Iterable[float]) -> tuple[float, float, float]:
    """p50, p95, p99; not a number where there are none."""
    ordered = sorted(values)
    if not ordered:
        return (float("nan"),) * 3
    p50, p95, p99 = (at(share, ordered) for share in QUANTILES)
    return p50, p95, p99


@dataclass(slots=True)
class Step:
    """So many people, over some seconds. Times in ms, as p50, p95, p99; CPU in cores."""

    name: str
    people: int
    reading: int  # streams that were open at once, at the end
    turns_per_s: float
    direct_ms: tuple[float, float, float]
    here_ms: tuple[float, float, float]
    between_ms: tuple[float, float, float]
    cores: Mapping[str, float]
    pss_mib: Mapping[str, float]
    idle: float  # share of all cores
    others: float  # share that processes other than these used

    @property
    def overhead_ms(self) -> tuple[float, ...]:
        return tuple(h - d for h, d in zip(self.here_ms, self.direct_ms, strict=True))

    def __str__(self) -> str:
        over = " ".join(f"{ms:7.0f}" for ms in self.overhead_ms)
        apart = " ".join(f"{ms:5.0f}" for ms in self.between_ms[:2])
        return (
            f"{self.name:<12}{self.people:>7}{self.reading:>9}{self.turns_per_s:>9.1f}  {over}  "
            f"{apart}  {self.idle:>5.0%}{self.others:>7.0%}{sum(self.pss_mib.values()):>8.0f}"
        )


HEAD = (
    f"{'':<12}{'people':>7}{'streams':>9}{'turns/s':>9}"
    f"  {'overhead to the first words':>23}  {'between':>11}   idle others MiB (PSS)\n"
    f"{'':<37}{'p50':>9}{'p95':>8}{'p99':>8}  {'p50':>5} {'p95':>5}"
)


def processes(step: Step) -> str:
    """A line for each: cores and memory."""
    lines = []
    for name, used in sorted(step.cores.items(), key=lambda item: -item[1]):
        per_turn = used / step.turns_per_s * 1000 if step.turns_per_s else 0.0
        memory = step.pss_mib.get(name, 0.0)
        each = f"{used:>6.2f} cores {per_turn:>7.1f} ms a turn {memory:>7.0f} MiB"
        lines.append(f"  {name:<10}{each}")
    return "\n".join(lines)


@dataclass(slots=True)
class Outcome:
    """What became of all turns: the promise."""

    asked: int
    whole: int
    refused: int  # in words that say when to try again
    lost: int
    doubled: int
    begun_again: int
    filled: int  # whose last words came with the ending
    said: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, turns: Sequence[Turn]) -> "Outcome":
        refused = [turn for turn in turns if turn.asks_again]
        lost = [turn for turn in turns if not turn.whole and not turn.asks_again]
        doubled = [turn for turn in lost if ", then " in turn.said]
        said = Counter(turn.said[:100] for turn in lost).most_common(5)
        whole = len(turns) - len(refused) - len(lost)
        again, filled = (sum(bool(n) for n in each) for each in (
            [turn.begun_again for turn in turns], [turn.filled for turn in turns],
        ))  # fmt: skip
        return cls(
            len(turns), whole, len(refused), len(lost), len(doubled), again, filled, dict(said)
        )

    def __str__(self) -> str:
        told = "".join(f"\n  {count} × {what}" for what, count in self.said.items())
        return (
            f"asked {self.asked}, answered whole and in order {self.whole} (begun again"
            f" {self.begun_again}, last words with the ending {self.filled}), refused with"
            f" Retry-After {self.refused}, lost {self.lost}, doubled {self.doubled}{told}"
        )
