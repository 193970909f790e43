"""python -m bench.kill [--turns 1000] [--every 3.0] [--seed 1]: random kill -9 of every process.

Half of the turns are asked over HTTP, half in a forum on Discord. A turn is lost when it has no
answer; doubled when it has two facts of a kind, when the text that a client put together from
pieces is not the answer, or when a bot said more than that one answer. Exits with 1 unless both
are 0.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from bench.kill.asker import Asker, Outcome
from bench.kill.forum import Forum, Question
from bench.kill.system import with_model
from palabre.chassis import events, nats_config, streams, subjects
from palabre.chassis.bus import Bus
from palabre.cli.testing import Running
from tests.standins.discord import Discord

QUESTIONS = [
    "Comment demander un logement social ?",
    "Ma voisine fait du bruit la nuit, que faire ?",
    "Qui paie la réparation du chauffe-eau ?",
    "Comment rendre mon logement ?",
    "J'ai un dégât des eaux",
]
MODEL = "mock-ttft40-itl12-len40"
SPACE = "logement"
SPACES = Path(__file__).parents[2] / "spaces"
ONCE = frozenset({"utterance_received", "utterance_understood", "passages_retrieved"})


@dataclass(slots=True)
class Facts:
    """What is stored: how often each fact of each turn, endings as one kind, and the answers."""

    counted: dict[str, Counter[str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Campaign:
    """What happened."""

    forum: Forum
    outcomes: list[Outcome] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)

    def report(self, facts: Facts) -> tuple[int, int]:
        """Prints the figures; returns (lost, doubled)."""
        print(f"turns            {len(self.outcomes)} over HTTP, {len(self.questions)} on Discord")
        print(f"kills            {dict(self.kills)}")
        told, posted = self._over_http(), self._on_discord(facts)
        asked = {o.turn for o in self.outcomes} | {q.turn for q in self.questions}
        counted = facts.counted.items()
        repeated = [t for t, seen in counted if any(seen[n] > 1 for n in ONCE | {"ended"})]
        unknown = [t for t in facts.counted if t not in asked]
        lost, doubled = told[0] + posted[0], told[1] + posted[1] + len(repeated) + len(unknown)
        print(f"lost             {lost} (HTTP {told[0]}, Discord {posted[0]})")
        print(f"doubled          {doubled} (texts {told[1]}, messages {posted[1]},"
              f" facts {len(repeated)}, turns that nobody asked for {len(unknown)})")  # fmt: skip
        return lost, doubled

    def _over_http(self) -> tuple[int, int]:
        lost = [o for o in self.outcomes if o.ending != "completed"]
        whole = [o for o in self.outcomes if o.ending == "completed"]
        spliced = [o for o in whole if not o.final.startswith(o.assembled)]
        print(f"answers          {Counter(o.final[:40] for o in self.outcomes).most_common(3)}")
        print(f"HTTP, a turn     {_times([o.seconds for o in self.outcomes])}")
        print(f"resumed streams  {sum(o.resumed for o in self.outcomes)}")
        print(f"begun again      {sum(o.restarted for o in self.outcomes)}")
        print(f"filled at end    {sum(o.assembled != o.final for o in whole)}")
        for outcome in lost[:5]:
            print(f"  {outcome.turn}: {outcome.ending or 'nothing'}")
        for outcome in spliced[:3]:
            print(f"  {outcome.turn}: {outcome.assembled!r} is not {outcome.final!r}")
        return len(lost), len(spliced)

    def _on_discord(self, facts: Facts) -> tuple[int, int]:
        lost = [q for q in self.questions if not q.is_answered(facts.texts.get(q.turn, "\0"))]
        print(f"Discord, a turn  {_times([q.seconds for q in self.questions])}")
        for question in lost[:5]:
            shown = [answer.shown[-80:] for answer in question.answers]
            print(f"  {question.turn}: {shown}, stored {facts.texts.get(question.turn)!r}")
        return len(lost), self.forum.strays(self.questions)


def _times(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return f"p50 {ordered[len(ordered) // 2]:.2f} s, longest {ordered[-1]:.1f} s" if ordered else ""


@contextlib.asynccontextmanager
async def with_forum(folder: Path) -> AsyncIterator[tuple[Running, Forum]]:
    """Everything, with a model and a forum that are stand-ins."""
    async with Discord().serving() as discord:
        forum = Forum(discord)
        spaces = forum.spaces(SPACES, folder / "spaces")
        values = {**forum.settings, "PALABRE_LOG_LEVEL": "warning"}
        async with with_model(folder / "data", MODEL, spaces=spaces, **values) as system:
            yield system, forum


async def campaign(
    system: Running,
    forum: Forum,
    turns: int,
    askers: int,
    every_s: float,
    seed: int,
    only: str = "",
) -> Campaign:
    """Asks `turns` questions while a process dies every `every_s` seconds on average."""
    found, headers = Campaign(forum), {"Authorization": f"Bearer {system.token}"}
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(
        base_url=system.url, headers=headers, timeout=30, limits=limits
    ) as client:
        killing = asyncio.create_task(_kill(system, found, every_s, only, random.Random(seed)))
        share = [turns // askers + (i < turns % askers) for i in range(askers)]
        async with asyncio.TaskGroup() as group:
            for number, count in enumerate(share):
                ask = _post if number % 2 else partial(_ask, client)
                group.create_task(ask(found, count, seed * 10_000 + number))
        killing.cancel()
    return found


async def _ask(client: httpx.AsyncClient, found: Campaign, turns: int, seed: int) -> None:
    async for outcome in Asker(client, SPACE, QUESTIONS).ask(turns, seed):
        found.outcomes.append(outcome)


async def _post(found: Campaign, turns: int, seed: int) -> None:
    async for question in found.forum.ask(QUESTIONS, turns, seed):
        found.questions.append(question)


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


async def stored_facts(system: Running) -> Facts:
    user = streams.OPERATOR
    word = nats_config.passwords(system.folder)[user]
    bus = await Bus.connect(system.instance.nats_url, user, user, word)
    found = Facts()
    for stored in await bus.read("TURNS", {"next_by_subj": subjects.every("turns")}):
        event, name = stored.event, events.body_name(stored.event)
        kind = "ended" if name in events.ENDINGS else name
        found.counted.setdefault(event.turn, Counter())[kind] += 1
        if event.HasField("answer_completed"):
            found.texts[event.turn] = event.answer_completed.text
    await bus.close()
    return found


def main(given: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="palabre-kill-") as folder:
        return asyncio.run(_main(Path(folder), given))


async def _main(folder: Path, given: argparse.Namespace) -> int:
    async with with_forum(folder) as (system, forum):
        found = await campaign(
            system, forum, given.turns, given.askers, given.every, given.seed, given.only
        )
        lost, doubled = found.report(await stored_facts(system))
    return 1 if lost or doubled or not found.kills else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=1_000)
    parser.add_argument("--askers", type=int, default=32)
    parser.add_argument("--every", type=float, default=3.0, help="seconds between kills")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="kill only this process")
    sys.exit(main(parser.parse_args()))
