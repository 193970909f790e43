"""What grows under the same load: memory and open files of each process, messages on NATS."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.load.slope import Slope, theil_sen
from bench.load.watch import Sample, Watch
from palabre.chassis.bus import Bus

WARM = 0.4  # of the time: caches fill, and LIVE has its ten minutes
# What twenty minutes can tell: below it, or with 0 in its interval, nothing is known to grow.
MOST_MIB_PER_H = 6.0
EXEMPT = frozenset({"client", "model", "nats"})  # ours to measure with; and NATS keeps ids 30 min


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one thing, per hour, once warm."""

    what: str
    first: float
    last: float
    slope: Slope
    bar: float | None

    @property
    def is_fine(self) -> bool:
        return self.bar is None or self.slope.is_flat or self.slope.value < self.bar

    def __str__(self) -> str:
        verdict = "" if self.bar is None else ("yes" if self.is_fine else "NO")
        return f"{self.what:<28}{self.first:>10.1f}{self.last:>10.1f}   {self.slope!s:<34}{verdict}"


class Looking:
    """Samples of a soak; NATS tells what its streams hold."""

    def __init__(self, watch: Watch, bus: Bus) -> None:
        self._watch, self._bus = watch, bus
        self._samples: list[Sample] = []

    async def __call__(self, sample: Sample) -> None:
        held = {}
        for name in ("TURNS", "LIVE", "KV_histories", "KV_leases"):
            state = (await self._bus.js.stream_info(name)).state
            held[name] = (state.messages, state.bytes)
        self._samples.append(replace(sample, streams=held))

    def told(self, tell: Callable[[object], object]) -> list[Growth]:
        warm = self._samples[round(len(self._samples) * WARM) :]
        tell(f"{len(self._samples)} samples, of the last {len(warm)}:")
        tell(f"{'':<28}{'first':>10}{'last':>10}   per hour (95 %)")
        found = [*self._memory(warm), *self._files(warm), *self._streams(warm)]
        for growth in found:
            tell(growth)
        return found

    def _memory(self, warm: list[Sample]) -> list[Growth]:
        return [
            _growth(f"{name}, MiB (PSS)", [(s.at, s.pss_mib[name]) for s in warm],
                    None if name in EXEMPT else MOST_MIB_PER_H)
            for name in warm[0].pss_mib
        ]  # fmt: skip

    def _files(self, warm: list[Sample]) -> list[Growth]:
        return [
            _growth(f"{name}, open files", [(s.at, s.files[name]) for s in warm], None)
            for name in warm[0].files
        ]

    def _streams(self, warm: list[Sample]) -> list[Growth]:
        return [
            _growth(f"{name}, messages", [(s.at, s.streams[name][0]) for s in warm], None)
            for name in warm[0].streams
        ]


def _growth(what: str, points: list[tuple[float, float]], bar: float | None) -> Growth:
    hours = [(at / 3600, value) for at, value in points]
    return Growth(what, points[0][1], points[-1][1], theil_sen(hours), bar)
