"""python -m bench.kill [--turns 1000] [--every 3.0] [--seed 1]: random kill -9 of every process.

A turn is lost when it has no answer; doubled when it has two facts of a kind, or when the text
that a client put together from pieces is not the answer. Exits with 1 unless both are 0.
"""

import argparse
import asyncio
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.kill.asker import Asker, Outcome
from bench.kill.system import with_model
from palabre.chassis import events, nats_config, streams, subjects
from palabre.chassis.bus import Bus
from palabre.cli.testing import Running

QUESTIONS = [
    "Comment demander un logement social ?",
    "Ma voisine fait du bruit la nuit, que faire ?",
    "Qui paie la réparation du chauffe-eau ?",
    "Comment rendre mon logement ?",
    "J'ai un dégât des eaux",
]
MODEL = "mock-ttft40-itl12-len40"
SPACE = "logement"
ONCE = frozenset({"utterance_received", "utterance_understood", "passages_retrieved"})


@dataclass(slots=True)
class Campaign:
    """What happened."""

    outcomes: list[Outcome] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)

    def report(self, facts: dict[str, Counter[str]]) -> tuple[int, int]:
        """Prints the figures; returns (lost, doubled)."""
        asked = {o.turn for o in self.outcomes}
        lost = [o for o in self.outcomes if o.ending != "completed"]
        whole = [o for o in self.outcomes if o.ending == "completed"]
        spliced = [o for o in whole if not o.final.startswith(o.assembled)]
        repeated = [t for t, seen in facts.items() if any(seen[n] > 1 for n in ONCE | {"ended"})]
        unknown = [t for t in facts if t not in asked]
        print(f"turns            {len(self.outcomes)}")
        print(f"answers          {Counter(o.final[:40] for o in self.outcomes).most_common(3)}")
        print(f"kills            {dict(self.kills)}")
        seconds = sorted(o.seconds for o in self.outcomes)
        print(f"seconds a turn   p50 {seconds[len(seconds) // 2]:.2f}, longest {seconds[-1]:.1f}")
        print(f"resumed streams  {sum(o.resumed for o in self.outcomes)}")
        print(f"begun again      {sum(o.restarted for o in self.outcomes)}")
        print(f"filled at end    {sum(o.assembled != o.final for o in whole)}")
        print(f"lost             {len(lost)} {[(o.turn, o.ending) for o in lost[:5]]}")
        doubled = len(spliced) + len(repeated) + len(unknown)
        print(f"doubled          {doubled} (texts {len(spliced)}, facts {len(repeated)},"
              f" turns that nobody asked for {len(unknown)})")  # fmt: skip
        for outcome in spliced[:3]:
            print(f"  {outcome.turn}: {outcome.assembled!r} is not {outcome.final!r}")
        return len(lost), doubled


async def campaign(
    system: Running, turns: int, askers: int, every_s: float, seed: int, only: str = ""
) -> Campaign:
    """Asks `turns` questions while a process dies every `every_s` seconds on average."""
    found, headers = Campaign(), {"Authorization": f"Bearer {system.token}"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=system.url, headers=headers, timeout=30, limits=limits
    ) as client:
        killing = asyncio.create_task(_kill(system, found, every_s, only, random.Random(seed)))
        share = [turns // askers + (i < turns % askers) for i in range(askers)]
        await asyncio.gather(
            *(_ask(client, found, count, seed * 10_000 + i) for i, count in enumerate(share))
        )
        killing.cancel()
    return found


async def _ask(client: httpx.AsyncClient, found: Campaign, turns: int, seed: int) -> None:
    async for outcome in Asker(client, SPACE, QUESTIONS).ask(turns, seed):
        found.outcomes.append(outcome)


async def _kill(
    system: Running, found: Campaign, every_s: float, only: str, chance: random.Random
) -> None:
    while True:
        await asyncio.sleep(chance.uniform(0.5, 1.5) * every_s)
        pids = await asyncio.to_thread(system.pids)
        names = sorted(name for name in pids if only in ("", name))
        if not names:
            continue
        name = chance.choice(names)
        try:
            os.kill(pids[name], signal.SIGKILL)
        except ProcessLookupError:
            continue
        found.kills[name] += 1


async def facts_by_turn(system: Running) -> dict[str, Counter[str]]:
    """How often each fact of each turn is stored; endings count as one kind."""
    user = streams.OPERATOR
    word = nats_config.passwords(system.folder)[user]
    bus = await Bus.connect(system.instance.nats_url, user, user, word)
    counted: dict[str, Counter[str]] = {}
    for stored in await bus.read("TURNS", {"next_by_subj": subjects.every("turns")}):
        name = events.body_name(stored.event)
        kind = "ended" if name in events.ENDINGS else name
        counted.setdefault(stored.event.turn, Counter())[kind] += 1
    await bus.close()
    return counted


def main(given: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="palabre-kill-") as folder:
        return asyncio.run(_main(Path(folder), given))


async def _main(folder: Path, given: argparse.Namespace) -> int:
    async with with_model(folder, MODEL, PALABRE_LOG_LEVEL="warning") as system:
        found = await campaign(
            system, given.turns, given.askers, given.every, given.seed, given.only
        )
        lost, doubled = found.report(await facts_by_turn(system))
    return 1 if lost or doubled or not found.kills else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1_000)
    parser.add_argument("--askers", type=int, default=12)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="kill only this process")
    sys.exit(main(parser.parse_args()))
