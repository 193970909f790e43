"""python -m bench.overhead [--quick] [--json FILE] [--only palabre]: what Palabre costs.

Overhead is always a server's time minus that of a direct call to the same stand-in model, by the
same client, in the same run.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from bench.overhead import loads, machine, servers
from bench.overhead.client import Client, Reply
from bench.overhead.figures import OURS, Figures, Row, at, first_ms
from bench.overhead.servers import Model, Serving

INSTANT = "mock-len40"
THINKING = "mock-ttft100-len40"  # meanwhile all processes sleep, and caches grow cold
FAST = "mock-ttft20-itl5-len200"
STEADY = "mock-ttft300-itl40-len120"  # 5 seconds: at 20 a second, 100 are in flight
BURST = "mock-ttft500-len40"
MODELS = (INSTANT, THINKING, FAST, STEADY, BURST)
PER_S, STEADY_S = 20.0, 5.1


@dataclass(frozen=True, slots=True)
class Size:
    """How much is asked."""

    alone: int
    thinking: int
    steady_s: float  # of measuring, after STEADY_S
    bursts: int
    closed_s: float
    askers: tuple[int, ...]
    patience_s: float  # for other processes to end


WHOLE = Size(400, 40, 15, 5, 6, (16, 32, 64), patience_s=10)
QUICK = Size(200, 15, 4, 2, 4, (32,), patience_s=1)


class Comparison:
    """One server beside the model that it asks."""

    def __init__(
        self, direct: Client, served: Client, serving: Serving, model: Model, size: Size
    ) -> None:
        self.direct, self.served, self.serving, self.size = direct, served, serving, size
        self.texts = servers.questions()
        self.figures = Figures(serving.name)
        self.pids = [model.pid, *serving.pids.values()]

    async def run(self) -> Figures:
        await loads.burst(self.served, INSTANT, self.texts, 50)  # everything is loaded and warm
        for measure in (self._alone, self._thinking, self._gaps, self._steady, self._bursts):
            await self._undisturbed(measure)
        await self._undisturbed(self._most)
        return self.figures

    async def _undisturbed(self, measure: Callable[[], Awaitable[None]]) -> None:
        """As far as we can: what others did meanwhile is noted."""
        await machine.quiet(self.pids, self.size.patience_s)
        begun, others = len(self.figures.rows), machine.Others(self.pids)
        await measure()
        for row in self.figures.rows[begun:]:
            row.others = others.share

    async def _alone(self) -> None:
        both = (self.direct, self.served)
        direct, served = await loads.alone(both, INSTANT, self.texts, self.size.alone)
        self.figures.overhead("alone", direct, served, (10, 30))

    async def _thinking(self) -> None:
        both = (self.direct, self.served)
        direct, served = await loads.alone(both, THINKING, self.texts, self.size.thinking)
        self.figures.overhead("alone, first token after 100 ms", direct, served)

    async def _gaps(self) -> None:
        [replies] = await loads.alone([self.served], FAST, self.texts, 3)
        gaps = [gap * 1000 for reply in replies for gap in reply.gaps[:-1]]
        self._row("alone, between deltas of 200 tokens/s, p50", at(0.5, gaps), 60)

    async def _steady(self) -> None:
        async def arriving(client: Client) -> Sequence[Reply]:
            await client.warm(110)
            seconds = STEADY_S + self.size.steady_s
            return await loads.arriving(client, STEADY, self.texts, PER_S, seconds, STEADY_S)

        direct, served = await arriving(self.direct), await arriving(self.served)
        self.figures.overhead("100 in flight, 20/s", direct, served, (15, 60))
        gaps = [gap * 1000 for reply in served for gap in reply.gaps]
        if gaps:
            self._row("100 in flight, between deltas, p50", at(0.5, gaps), 260)
            self._row("100 in flight, between deltas, p99", at(0.99, gaps), None)

    async def _bursts(self) -> None:
        direct, served = [], []
        for _ in range(self.size.bursts):
            direct += await loads.burst(self.direct, BURST, self.texts, 100)
            served += await loads.burst(self.served, BURST, self.texts, 100)
        self.figures.count(served)
        pairs = zip(("p50", "p99"), first_ms(direct), first_ms(served), (1.5, None), strict=True)
        for quantile, without, within, bar in pairs:
            name, ratio = f"burst of 100, {quantile}", within / without
            self.figures.rows.append(Row(name, without, within, ratio, "×", bar))

    async def _most(self) -> None:
        """The best of several numbers of askers."""
        best, used = 0.0, 0
        for askers in self.size.askers:
            before = self.serving.cpu_s()
            replies = await loads.closed(
                self.served, INSTANT, self.texts, askers, self.size.closed_s
            )
            self.figures.count(replies)
            whole = sum(reply.whole for reply in replies)
            if whole / self.size.closed_s > best:
                best, used = whole / self.size.closed_s, askers
                spent = {name: s - before.get(name, 0) for name, s in self.serving.cpu_s().items()}
                self.figures.cpu_ms = {name: s * 1000 / whole for name, s in spent.items()}
        name = f"whole answers a second ({used} askers)"
        self.figures.rows.append(Row(name, None, best, best, "/s", 120, at_least=True))

    def _row(self, name: str, value: float, bar: float | None) -> None:
        self.figures.rows.append(Row(name, None, value, value, "ms", bar))


async def main(given: argparse.Namespace, folder: Path) -> list[Figures]:
    size, found = QUICK if given.quick else WHOLE, []
    wanted = given.only or ([OURS] if given.quick else list(servers.ALL))
    with servers.model() as model:
        for name in wanted:
            try:
                serving = await asyncio.to_thread(
                    servers.ALL[name], folder / name, model.url, MODELS
                )
            except servers.NotHere as error:
                print(f"\n{name} is left out: {error}")
                continue
            with serving:
                async with (
                    Client(model.url) as direct,
                    Client(serving.url, serving.token, serving.prefix) as served,
                ):
                    figures = await Comparison(direct, served, serving, model, size).run()
            figures.print()
            found.append(figures)
    print(f"\n{os.cpu_count()} cores; load average at the end {os.getloadavg()[0]:.1f}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="below a minute, without the others")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    parser.add_argument("--only", action="append", choices=list(servers.ALL))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="palabre-overhead-") as temporary:
        results = uvloop.run(main(arguments, Path(temporary)))
    if arguments.json:
        as_json = json.dumps([asdict(figures) for figures in results], indent=1)
        arguments.json.write_text(as_json, encoding="utf-8")
    missed = [r for f in results if f.name == OURS for r in f.rows if " NO" in r.verdict]
    sys.exit(1 if missed else 0)
