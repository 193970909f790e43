"""What this process may use: the machine's, or less where a container is limited (cgroup v2)."""

import contextlib
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def memory_bytes(cgroup: Path = CGROUP) -> int:
    """Of RAM."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    [limit] = _read(cgroup / "memory.max", 1) or ["max"]
    return whole if limit == "max" else min(whole, int(limit))


def cores(cgroup: Path = CGROUP) -> float:
    """A quota of 1.5 cores may be spread over many."""
    mine = float(len(os.sched_getaffinity(0)))
    quota, period = _read(cgroup / "cpu.max", 2) or ["max", "1"]
    return mine if quota == "max" else min(mine, int(quota) / int(period))


def _read(file: Path, words: int) -> list[str]:
    """Empty where there is no such limit, as at the root of all."""
    with contextlib.suppress(OSError):
        if len(said := file.read_text(encoding="ascii").split()) == words:
            return said
    return []
