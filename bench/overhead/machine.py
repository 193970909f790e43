"""What the machine does: how busy it is, and the CPU that processes have used."""

import asyncio
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


QUIET = 0.1  # of all cores
QUIET_S = 1.0


def uv_path() -> str | None:
    """Where uv is: on the path, or wherever the one is that runs us."""
    return shutil.which("uv") or os.environ.get("UV")


class Others:
    """The share of all cores that processes other than these have used since it was made."""

    def __init__(self, ours: Iterable[int]) -> None:
        self._pids = set(ours) | {os.getpid()}
        self._before, self._ours = ticks(), self._used()

    @property
    def share(self) -> float:
        total, idle = (b - a for a, b in zip(self._before, ticks(), strict=True))
        ours = (self._used() - self._ours) * _TICKS
        return max(0.0, (total - idle - ours) / max(1, total))

    def _used(self) -> float:
        return sum(map(cpu_s, self._pids))


async def quiet(ours: Iterable[int], patience_s: float) -> None:
    """Waits until others use little, but not for ever."""
    pids, ends = list(ours), time.monotonic() + patience_s
    while time.monotonic() < ends:
        others = Others(pids)
        await asyncio.sleep(QUIET_S)
        if others.share < QUIET:
            return


def cpu_s(pid: int) -> float:
    """User and system seconds of a process; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def pss_mib(pid: int) -> float:
    """Memory of a process, shared pages by their share; 0 when it is gone."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:") / 1024


def open_files(pid: int) -> int:
    """0 when it is gone."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except (FileNotFoundError, ProcessLookupError):
        return 0


def family(pid: int) -> list[int]:
    """The process and all its descendants."""
    found = [pid]
    for parent in found:
        found += _children(parent)
    return found


def _children(pid: int) -> Iterable[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
        return [int(child) for task in tasks for child in task.read_text("utf-8").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def ticks() -> tuple[int, int]:
    """(all, idle) since the machine started."""
    values = [int(v) for v in Path("/proc/stat").read_text("utf-8").split("\n", 1)[0].split()[1:9]]
    return sum(values), values[3] + values[4]
