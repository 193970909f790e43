"""Times, memory, and an event loop that is watched while others work."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

TICK_S = 0.001


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def line(name: str, times_ms: Sequence[float]) -> str:
    p50, p99 = percentile(times_ms, 0.5), percentile(times_ms, 0.99)
    return f"{name:<46} p50 {p50:7.2f}  p99 {p99:7.2f}  max {max(times_ms):7.2f} ms"


def memory_mb(field: str = "VmRSS", process: int | None = None) -> float:
    """Resident now (VmRSS) or at most (VmHWM); files that are mapped count."""
    status = Path(f"/proc/{process or 'self'}/status")
    lines = status.read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith(field))


def disk_mb(folder: Path) -> float:
    """What the files take, which is less than their size where they have holes."""
    return sum(f.stat().st_blocks * 512 for f in folder.rglob("*") if f.is_file()) / 1e6


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    await call()
    return (time.perf_counter() - begun) * 1_000


@contextlib.asynccontextmanager
async def watched_loop() -> AsyncIterator[list[float]]:
    """How late the event loop was, in milliseconds, each millisecond."""
    late: list[float] = []

    async def watch() -> None:
        while True:
            begun = time.perf_counter()
            await asyncio.sleep(TICK_S)
            late.append((time.perf_counter() - begun - TICK_S) * 1_000)

    watching = asyncio.create_task(watch())
    try:
        yield late
    finally:
        watching.cancel()
