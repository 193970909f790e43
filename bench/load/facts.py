"""What TURNS holds of the turns that were asked: each once, and each with one ending."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from palabre.chassis import events, nats_config, streams, subjects
from palabre.chassis.bus import Bus
from palabre.cli.testing import Running

PATIENCE_S = 60.0  # for turns that nobody waits for any more


@dataclass(frozen=True, slots=True)
class Facts:
    """Turns by what is wrong with them."""

    endless: Collection[str]
    doubled: Collection[str]
    unknown: Collection[str]


async def operator(system: Running) -> Bus:
    word = nats_config.passwords(system.folder)[streams.OPERATOR]
    return await Bus.connect(system.instance.nats_url, streams.OPERATOR, streams.OPERATOR, word)


async def held(system: Running, asked: Collection[str]) -> Facts:
    """Waits for endings that are still to come."""
    bus, until = await operator(system), time.monotonic() + PATIENCE_S
    while True:
        begun = await _turns(bus, ("utterance_received",))
        ended = await _turns(bus, sorted(events.ENDINGS))
        endless = set(asked) - ended.keys()
        if not endless or time.monotonic() > until:
            break
        await asyncio.sleep(2)
    await bus.close()
    doubled = {turn for counted in (begun, ended) for turn, n in counted.items() if n > 1}
    return Facts(endless, doubled, (begun.keys() | ended.keys()) - set(asked))


async def _turns(bus: Bus, names: Collection[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name in names:
        stored = await bus.read("TURNS", {"next_by_subj": subjects.every("turns", name)})
        found.update(each.event.turn for each in stored)
    return found
