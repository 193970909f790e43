"""What the machine and each process do while a crowd asks."""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.overhead import machine


@dataclass(frozen=True, slots=True)
class Sample:
    """At one moment, by process: CPU seconds so far, MiB of memory (PSS), open files."""

    at: float  # time.perf_counter
    cpu_s: Mapping[str, float]
    pss_mib: Mapping[str, float]
    files: Mapping[str, int]
    streams: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # messages, bytes


class Watch:
    """Looks at these processes, and at the one that asks."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self.pids = {**pids, "client": os.getpid()}
        self.samples: list[Sample] = []

    def look(self) -> Sample:
        items = self.pids.items()
        sample = Sample(
            time.perf_counter(),
            {name: machine.cpu_s(pid) for name, pid in items},
            {name: machine.pss_mib(pid) for name, pid in items},
            {name: machine.open_files(pid) for name, pid in items},
        )
        self.samples.append(sample)
        return sample

    async def every(self, seconds: float) -> None:
        while True:
            self.look()
            await asyncio.sleep(seconds)


def shares(before: Sample, after: Sample) -> dict[str, float]:
    """Cores that each process used between two moments."""
    seconds = after.at - before.at
    return {name: (s - before.cpu_s[name]) / seconds for name, s in after.cpu_s.items()}
