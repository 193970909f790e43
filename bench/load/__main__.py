"""python -m bench.load [--sizes 250,500,750,1000,1250] [--soak [MINUTES]] [--cluster] [--quick]

Without options: a crowd on the web page grows until it is too much for this machine, and a burst
of ten times a rate comes. Exits with 1 when a turn was lost or doubled, or something grew.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from bench.load import cluster, facts, figures, growth, rival, scenes
from bench.load.figures import Outcome, Step
from bench.load.people import Turn
from bench.load.scenes import Stage
from bench.overhead import servers
from palabre.cli.testing import Running

SIZES = (250, 500, 750, 1000, 1250, 1500)
QUICK = (50, 100)
BURST_PER_S, BURST_TIMES, BURST_S = 5.0, 10, 10.0


@dataclass(slots=True)
class Told:
    """All that was found out."""

    steps: list[Step] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    grown: list[growth.Growth] = field(default_factory=list)
    failovers: list[cluster.Failover] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=dict)

    def tell(self, step: Step) -> None:
        if not self.steps:
            print(figures.HEAD)
        self.steps.append(step)
        print(step, flush=True)

    def note(self, name: str, turns: list[Turn]) -> None:
        self.outcomes[name] = Outcome.of(turns)
        print(f"{name}: {self.outcomes[name]}", flush=True)

    @property
    def is_fine(self) -> bool:
        lost = sum(outcome.lost for outcome in self.outcomes.values()) + sum(self.facts.values())
        failed = [failover for failover in self.failovers if not failover.is_fine]
        return not lost and not failed and all(each.is_fine for each in self.grown)

    def as_json(self) -> str:
        values: dict[str, Any] = asdict(self)
        return json.dumps(values | {"cores": os.cpu_count()}, indent=1, default=str)


async def main(given: argparse.Namespace, folder: Path) -> Told:
    told = Told()
    if given.cluster:
        print(cluster.HEAD)
        async for failover in cluster.failovers(folder):
            told.failovers.append(failover)
            print(failover, flush=True)
        return told
    with servers.model() as model:
        settings = {"PALABRE_LLM_COMPREHEND_MODEL": scenes.COMPREHENDS}
        names = [scenes.MODEL, scenes.BRIEF]
        serving = await asyncio.to_thread(
            servers.palabre, folder / "palabre", model.url, names,
            PALABRE_LOG_LEVEL="warning", **settings,
        )  # fmt: skip
        with serving:
            async with scenes.staged(serving, model) as stage:
                assert serving.system
                await _play(given, stage, told, serving.system)
        if given.litellm:
            await rival.beside(folder, model, given.sizes, told.tell)
    return told


async def _play(given: argparse.Namespace, stage: Stage, told: Told, system: Running) -> None:
    turns: list[Turn] = []
    if given.soak:
        look = growth.Looking(stage.watch, await facts.operator(system))
        crowd = await scenes.soak(stage, given.people, given.soak, look)
        told.grown = look.told(print)
        turns += crowd.turns
        told.note("soak", crowd.turns)
    else:
        crowd = stage.crowd(stage.person)
        await scenes.ramp(stage, crowd, given.sizes, told.tell)
        print(figures.processes(told.steps[-1]))
        await crowd.go()
        told.note("ramp", crowd.turns)
        came = await scenes.burst(stage, given.rate, BURST_TIMES, BURST_S, told.tell)
        told.note("burst", came)
        turns += crowd.turns + came
    held = await facts.held(system, {turn.id for turn in turns if turn.id})
    told.facts = {name: len(getattr(held, name)) for name in ("endless", "doubled", "unknown")}
    print(f"facts: without an ending, doubled, of nobody's turn: {told.facts}")


def _sizes(text: str) -> list[int]:
    return [int(size) for size in text.split(",")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="how many people, step by step")
    parser.add_argument("--rate", type=float, default=BURST_PER_S, help="turns/s around a burst")
    parser.add_argument("--soak", type=float, nargs="?", const=20.0, metavar="MINUTES")
    parser.add_argument("--people", type=int, default=100, help="in a soak")
    parser.add_argument("--cluster", action="store_true", help="one of three NATS nodes is killed")
    parser.add_argument("--litellm", action="store_true", help="its proxy under the same crowds")
    parser.add_argument("--quick", action="store_true", help="two minutes, of small crowds")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.sizes, arguments.rate = QUICK, 2.0
    with tempfile.TemporaryDirectory(prefix="palabre-load-") as temporary:
        found = uvloop.run(main(arguments, Path(temporary)))
    if arguments.json:
        arguments.json.write_text(found.as_json(), encoding="utf-8")
    sys.exit(0 if found.is_fine else 1)
