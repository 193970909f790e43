"""python -m bench.budgets [--times 300]: what budgets cost a turn, and whether they hold.

On a real nats-server on this machine: what a turn waits for its reservations with no limit, with
two and with all twelve; and 200 reservations at once on two connections, beside the same by compare
and set on a key-value bucket, as one would without counters. Exits with 1 when more than one of the
200 goes over what is left, or fewer get it.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from nats.js.errors import KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from palabre.chassis import spaces
from palabre.chassis.budgets import Bearer, Budgets, Cost, Delivery
from palabre.chassis.bus import Bus
from palabre.chassis.counters import NatsCounters
from palabre.chassis.testing import NatsServer

AT_ONCE, LEFT = 200, 37
SCOPES = ("person", "persona", "space")
ALL = {f"turns_per_{s}_per_{p}": 10**6 for s in SCOPES for p in ("day", "month")} | {
    f"cost_per_{s}_per_{p}": 10**6 for s in SCOPES for p in ("day", "month")
}
LIMITS: dict[str, dict[str, int]] = {
    "no limit": {},
    "turns of a person, cost of the space, by day": {
        "turns_per_person_per_day": 10**6,
        "cost_per_space_per_day": 10**6,
    },
    "all twelve": ALL,
}


def bearer(space: str = "bench", /, **budgets: int) -> Bearer:
    persona = {"name": "Camille", "identity": {"fr": "Vous êtes Camille."}}
    values: dict[str, Any] = {
        "schema": 1, "name": "Essai", "languages": ["fr"], "default_persona": "camille",
        "greeting": {"fr": "Bonjour."}, "personas": {"camille": persona}, "budgets": budgets,
    }  # fmt: skip
    return Bearer(space, spaces.parse(values), "camille", "somebody")


async def main(times: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        async with NatsServer(Path(folder)) as server:
            one, other = await server.bus("llm"), await server.bus("llm")
            for name, limits in LIMITS.items():
                waited, settled = await turns(Budgets(NatsCounters(one)), bearer(**limits), times)
                print(f"{name:46} waits {waited:5.2f} ms, settled in {settled:5.2f} ms (p50)")
            taken = await at_once([one, other])
            await by_compare_and_set(server)
            for bus in (one, other):
                await bus.close()
    return 0 if LEFT <= taken <= LEFT + 1 else 1


async def turns(budgets: Budgets, who: Bearer, times: int) -> tuple[float, float]:
    """Milliseconds of a turn's both reservations, and of settling them."""
    waited, settled = [], []
    for number in range(times):
        turn, begun = f"{len(who.limits)}-{number}", time.perf_counter()
        if who.limits:  # as the stages do: without any nothing is asked
            asked = await budgets.reserve(who, Delivery(turn, "comprehend", 1, 0), turns=1)
            cost = Cost(9_000)
            made = await budgets.reserve(who, Delivery(turn, "answer", 1, 2e9), cost=cost)
        between = time.perf_counter()
        if who.limits:
            await budgets.settle(asked, 0)
            await budgets.settle(made, 3_000)
        waited.append(between - begun)
        settled.append(time.perf_counter() - between)
    return statistics.median(waited) * 1e3, statistics.median(settled) * 1e3


async def at_once(buses: list[Bus]) -> int:
    """How many of those who ask at the same time get a turn."""
    who = bearer("at-once", turns_per_persona_per_day=LEFT)

    async def ask(number: int) -> bool:
        budgets = Budgets(NatsCounters(buses[number % len(buses)]))
        made = await budgets.reserve(who, Delivery(f"at-once-{number}", "x", 1, 0), turns=1)
        return made.spent is None

    taken, seconds = await timed(ask)
    print(f"{AT_ONCE} at once, {LEFT} left: {taken} got one, in {seconds * 1e3:.0f} ms")
    return taken


async def by_compare_and_set(server: NatsServer) -> None:
    bus, tries = await server.bus("operator"), 0
    bucket: KeyValue = await bus.js.create_key_value(bucket="compare-and-set")
    await bucket.create("total", b"0")

    async def ask(number: int) -> bool:
        nonlocal tries
        while True:
            tries += 1
            entry = await bucket.get("total")
            total = int(entry.value or b"0") + 1
            if total > LEFT:
                return False
            try:
                await bucket.update("total", str(total).encode(), entry.revision)
            except KeyWrongLastSequenceError:
                continue
            return True

    taken, seconds = await timed(ask)
    print(f"by compare and set: {taken} got one, in {seconds * 1e3:.0f} ms, {tries} tries")
    await bus.close()


async def timed(ask: Callable[[int], Awaitable[bool]]) -> tuple[int, float]:
    begun = time.perf_counter()
    taken = sum(await asyncio.gather(*(ask(number) for number in range(AT_ONCE))))
    return taken, time.perf_counter() - begun


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=300)
    sys.exit(asyncio.run(main(parser.parse_args().times)))
