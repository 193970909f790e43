"""python -m bench.replay: rebuild recorded conversations, compare them with the archive.

Beside it: the same log read to its end without making anything of it, which is what any reader of
a stream needs at least.
"""

import argparse
import asyncio
import logging
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
import structlog

from bench.replay import recording
from palabre.chassis import dead_letters
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.chassis.testing import NatsServer, until
from palabre.cli.replay import identity, recorded
from palabre.gateway import testing
from palabre.gateway.archive import caught_up

ARCHIVED_S = 600.0


def main() -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--letters", type=int, default=2_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measured(Path(folder), asked.conversations, asked.letters))


async def _measured(folder: Path, conversations: int, letters: int) -> int:
    nats = folder / "nats"
    nats.mkdir()
    async with NatsServer(nats) as server, testing.running(server, folder) as gateway:
        bus = await server.bus("operator")
        begun = time.monotonic()
        turns = await recording.conversations(bus, conversations)
        await recording.letters(bus, letters)
        print(f"recorded {conversations} conversations, {turns} turns, {letters} dead letters:"
              f" {time.monotonic() - begun:.1f} s")  # fmt: skip
        begun = time.monotonic()
        await until(lambda: _has_all(bus), ARCHIVED_S)
        print(f"until the archive had them: {time.monotonic() - begun:.1f} s more")
        await _read(bus)
        verdict = await _rebuilt(bus, gateway.url)
        await _one(bus)
        await _letters(bus)
        await bus.close()
    for line in verdict.differences[:10]:
        print(f"  {line}")
    return 0 if verdict.identical and verdict.turns == turns else 1


async def _has_all(bus: Bus) -> bool:
    """A busy server may not answer at once."""
    try:
        await caught_up(bus, 1.0)
    except Unavailable:
        return False
    return True


async def _read(bus: Bus) -> None:
    begun, messages, bytes_ = time.monotonic(), 0, 0
    async for page in bus.pages("TURNS", {"next_by_subj": "palabre.v1.turns.>"}):
        messages += len(page)
        bytes_ += sum(len(raw.data) for raw in page)
    seconds = time.monotonic() - begun
    print(f"read alone: {messages} facts, {bytes_ >> 20} MiB, {seconds:.1f} s")


async def _rebuilt(bus: Bus, url: str) -> identity.Verdict:
    before, begun = _peak_mib(), time.monotonic()
    verdict = identity.Verdict()
    with httpx.Client(base_url=url, headers=testing.AUTH, timeout=60) as client:

        def rows(turns: Sequence[str]) -> dict[str, identity.Row]:
            return identity.rows(client, turns)

        async for turns in recorded.ended(bus):
            # The gateway is in this process: it must go on meanwhile.
            await asyncio.to_thread(identity.compare, turns, rows, verdict)
    seconds = time.monotonic() - begun
    print(f"rebuilt and compared: {verdict.turns} turns, {len(verdict.differences)} differences")
    print(f"  in {seconds:.1f} s; peak memory {before} MiB before, {_peak_mib()} MiB after")
    return verdict


async def _one(bus: Bus) -> None:
    """A conversation in the middle of them all, by its id alone."""
    page = await anext(recorded.ended(bus))
    name, times = page[len(page) // 2].any.conversation, list[float]()
    for _ in range(20):
        begun = time.perf_counter()
        await recorded.conversation(bus, name)
        times.append((time.perf_counter() - begun) * 1000)
    print(f"one conversation among them: median {sorted(times)[10]:.1f} ms")


async def _letters(bus: Bus) -> None:
    begun = time.monotonic()
    found = await dead_letters.found(bus)
    causes = Counter((letter.stage, letter.cause) for letter in found)
    print(f"dead letters: {len(found)} in {len(causes)} groups, {time.monotonic() - begun:.2f} s")


def _peak_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    raise SystemExit(main())
