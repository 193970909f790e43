"""python -m bench.kill [--turns 1000] [--every 3.0] [--seed 1]: random kill -9 of every process.

Half of the turns are asked over HTTP, half in a forum on Discord. A turn is lost when it has no
answer; doubled when it has two facts of a kind, when the text that a client put together from
pieces is not the answer, or when a bot said more than that one answer. Exits with 1 unless both
are 0, every turn came after the one before it and knew its answer, and every sentence was spoken.

With --replicas three of each service run, two of discord, on three nodes of NATS that are killed
as well, one at a time.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from bench.kill.campaign import MODEL, Campaign, System
from bench.kill.facts import Facts
from bench.kill.forum import Forum
from bench.kill.replicas import replicated
from bench.kill.system import OneMachine, with_model
from palabre.chassis.testing import NatsCluster
from tests.making.postgres import postgres
from tests.standins.discord import Discord

SPACES = Path(__file__).parents[2] / "spaces"


@contextlib.asynccontextmanager
async def one_machine(folder: Path) -> AsyncIterator[tuple[System, Forum]]:
    """Everything as `palabre run` starts it, with a model and a forum that are stand-ins."""
    async with Discord().serving() as discord:
        forum = Forum(discord)
        spaces = forum.spaces(SPACES, folder / "spaces")
        values = {**forum.settings, "PALABRE_LOG_LEVEL": "warning"}
        async with with_model(folder / "data", MODEL, spaces=spaces, **values) as system:
            yield OneMachine(system), forum


@contextlib.asynccontextmanager
async def many(folder: Path) -> AsyncIterator[tuple[System, Forum]]:
    """Replicas on a cluster, with PostgreSQL where it is installed."""
    async with Discord().serving() as discord, NatsCluster(folder) as nats:
        forum = Forum(discord)
        spaces = forum.spaces(SPACES, folder / "spaces")
        with postgres() as database:
            async with replicated(nats, folder, forum, spaces, database or "") as system:
                keeping = asyncio.create_task(nats.keep())
                yield system, forum
                keeping.cancel()


async def kill(
    system: System, found: Campaign, every_s: float, chance: random.Random, only: str = ""
) -> None:
    """For ever: a process dies every `every_s` seconds on average."""
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


async def killing(
    system: System, forum: Forum, turns: int, askers: int, every_s: float, seed: int, only: str = ""
) -> tuple[Campaign, Facts]:
    """Asks `turns` questions meanwhile."""
    found = Campaign(forum)
    killer = asyncio.create_task(kill(system, found, every_s, random.Random(seed), only))
    await found.ask(system, askers, seed, turns)
    killer.cancel()
    bus = await system.bus()
    facts = await Facts.settled(bus)
    await bus.close()
    return found, facts


def main(given: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="palabre-kill-") as folder:
        return asyncio.run(_main(Path(folder), given))


async def _main(folder: Path, given: argparse.Namespace) -> int:
    everything = many if given.replicas else one_machine
    async with everything(folder) as (system, forum):
        found, facts = await killing(
            system, forum, given.turns, given.askers, given.every, given.seed, given.only
        )
    failed = any(found.report(facts)) or facts.disorder or facts.unspoken
    return 1 if failed or not found.kills else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1_000)
    parser.add_argument("--askers", type=int, default=32)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="kill only this process")
    parser.add_argument("--replicas", action="store_true", help="three of each, on three nodes")
    sys.exit(main(parser.parse_args()))
