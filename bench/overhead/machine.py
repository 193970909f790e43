"""What the machine does: how busy it is, and the CPU that processes have used."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


async def busy(seconds: float = 1.0) -> float:
    """Share of all cores that is in use while we wait."""
    before = _ticks()
    await asyncio.sleep(seconds)
    after = _ticks()
    total, idle = (b - a for a, b in zip(before, after, strict=True))
    return 1 - idle / total


def cpu_s(pid: int) -> float:
    """User and system seconds of a process; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


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


def _ticks() -> tuple[int, int]:
    """(all, idle) since the machine started."""
    values = [int(v) for v in Path("/proc/stat").read_text("utf-8").split("\n", 1)[0].split()[1:9]]
    return sum(values), values[3] + values[4]
