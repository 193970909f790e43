"""What every service says of itself: its version, its event loop, its connection, the streams."""

import asyncio
import contextlib
import time
from importlib.metadata import version
from pathlib import Path

from nats.errors import Error as NatsError
from prometheus_client import Gauge, Histogram

from palabre.chassis import streams
from palabre.chassis.bus import Bus

TICK_S = 0.1
LOOK_EVERY_S = 10.0

BUILD = Gauge("palabre_build_info", "1; its labels tell what runs", ["service", "version"])
LOOP_LATE = Histogram(
    "palabre_loop_late_seconds",
    "How late the event loop was for an appointment, ten times a second",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STREAM_BYTES = Gauge(
    "palabre_stream_bytes", "Bytes that a stream, bucket or store holds", ["stream"]
)
STREAM_LIMIT = Gauge(
    "palabre_stream_limit_bytes",
    "Bytes at which a stream drops what is oldest; a bucket (KV_) or store (OBJ_) refuses more",
    ["stream"],
)
MEMORY_LIMIT = Gauge(
    "palabre_memory_limit_bytes", "Memory above which the container is killed; 0: no limit"
)
STREAM_MESSAGES = Gauge(
    "palabre_stream_messages", "Messages that a stream, bucket or store holds", ["stream"]
)


def tell_build(service: str) -> None:
    BUILD.labels(service, version(f"palabre-{service}")).set(1)


def tell_memory_limit(file: Path = Path("/sys/fs/cgroup/memory.max")) -> None:
    """As cgroup v2 says it to who is inside (docs.kernel.org/admin-guide/cgroup-v2.html)."""
    limit = file.read_text(encoding="utf-8").strip() if file.exists() else ""
    MEMORY_LIMIT.set(int(limit) if limit.isdigit() else 0)


async def watch_loop(stop: asyncio.Event) -> None:
    while not stop.is_set():
        due = time.monotonic() + TICK_S
        await asyncio.sleep(TICK_S)
        LOOP_LATE.observe(max(0.0, time.monotonic() - due))


async def watch_streams(service: str, bus: Bus, stop: asyncio.Event) -> None:
    """Every replica says the same; while JetStream is away, what was last known."""
    names = [config.name or "" for config in streams.streams()] + streams.stores_of(service)
    while not stop.is_set():
        with contextlib.suppress(NatsError):
            for name in names:
                await _look(bus, name)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_EVERY_S)


async def _look(bus: Bus, name: str) -> None:
    info = await bus.js.stream_info(name)
    STREAM_BYTES.labels(name).set(info.state.bytes)
    STREAM_MESSAGES.labels(name).set(info.state.messages)
    STREAM_LIMIT.labels(name).set(max(0, info.config.max_bytes or 0))
