"""What crowds do: grow until it is too much, come all at once, stay."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.load.crowd import Asker, Crowd, Direct
from bench.load.figures import Step, quantiles
from bench.load.people import LEAVES, LISTENS, READS, STOPS, Person, Turn
from bench.load.watch import Sample, Watch, shares
from bench.overhead import machine, servers
from bench.overhead.client import Client
from bench.overhead.servers import Serving

MODEL = "mock-ttft500-itl100-len200"  # 20 s of reading, ten tokens a second
ANSWER_S = 20.5
BRIEF = "mock-ttft500-len1"  # as long to its first token
CYCLE_S = ANSWER_S + 1.5
BOUND_MS = 100.0  # of overhead at p95: row 59 of what we promise
FULL = 0.03  # of all cores idle: no more can be had
COMPREHENDS = "mock-json"  # of no latency: what is asked of it is ours, not the model's
LOOK_S = 2.0


@dataclass(slots=True)
class Stage:
    """Everything that runs, and who asks the model beside it."""

    serving: Serving
    model: servers.Model
    direct: Direct
    watch: Watch
    texts: list[str]

    def crowd(self, make: Callable[[], Asker], manner: Callable[[], str] | None = None) -> Crowd:
        return Crowd(make, self.texts, CYCLE_S, manner or (lambda: READS))

    def person(self) -> Person:
        address = urlsplit(self.serving.url)
        assert address.hostname
        assert address.port
        return Person(address.hostname, address.port, servers.SPACE.name, MODEL)


@asynccontextmanager
async def staged(serving: Serving, model: servers.Model) -> AsyncIterator[Stage]:
    texts = servers.questions()
    async with Client(model.url) as client:
        direct = Direct(client, BRIEF, texts)
        watch = Watch({**serving.pids, "model": model.pid})
        tasks = [asyncio.create_task(direct.keep_asking())]
        try:
            yield Stage(serving, model, direct, watch, texts)
        finally:
            for task in tasks:
                task.cancel()


async def measured(stage: Stage, turns: list[Turn], name: str, people: int, seconds: float) -> Step:
    """What these people see for so long, and what that takes."""
    pids = stage.watch.pids.values()
    before, others, ticks = stage.watch.look(), machine.Others(pids), machine.ticks()
    await asyncio.sleep(seconds)
    after = stage.watch.look()
    total, idle = (b - a for a, b in zip(ticks, machine.ticks(), strict=True))
    share = others.share
    reading = sum(not turn.over for turn in turns)
    await asyncio.sleep(2)  # the last ones' first words
    begun = [turn for turn in turns if before.at <= turn.begun < after.at]
    first = [turn.first_ms for turn in begun if turn.first]
    direct = stage.direct.first_ms(before.at, after.at)
    gaps = [gap * 1000 for turn in begun for gap in turn.gaps]
    return Step(
        name, people, reading, len(begun) / seconds, quantiles(direct), quantiles(first),
        quantiles(gaps), shares(before, after), after.pss_mib, idle / total, share,
    )  # fmt: skip


async def ramp(
    stage: Stage, crowd: Crowd, sizes: Sequence[int], tell: Callable[[Step], object]
) -> list[Step]:
    """Larger and larger, until p95 leaves the bound or no core is idle."""
    steps: list[Step] = []
    for size in sizes:
        await crowd.grow(size, CYCLE_S)
        step = await measured(stage, crowd.turns, "ramp", size, CYCLE_S)
        steps.append(step)
        tell(step)
        if not step.overhead_ms[1] <= BOUND_MS or step.idle < FULL:
            break
    return steps


async def burst(
    stage: Stage, per_s: float, times: int, seconds: float, tell: Callable[[Step], object]
) -> list[Turn]:
    """At a rate, then `times` as many for some seconds, then at that rate again."""
    turns: list[Turn] = []
    texts, chance, asking = itertools.cycle(stage.texts), random.Random(5), []
    people = [stage.person() for _ in range(round(per_s * seconds * (times + 2) * 1.2))]
    for several in itertools.batched(people, 8):
        await asyncio.gather(*(person.begin() for person in several))
    idle = iter(people)
    for name, rate in (("before", per_s), ("burst", per_s * times), ("after", per_s)):

        async def come(rate: float = rate) -> None:
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                asking.append(asyncio.create_task(next(idle).ask(next(texts), turns.append)))
                await asyncio.sleep(chance.expovariate(rate))

        coming = asyncio.create_task(come())
        tell(await measured(stage, turns, name, round(rate * seconds), seconds))
        await coming
    await asyncio.gather(*asking)
    for person in people:
        person.close()
    return turns


def manners(seed: int = 3) -> Callable[[], str]:
    """Most people read to the end; some leave, stop the answer, or have it spoken."""
    chance = random.Random(seed)
    return lambda: chance.choices((READS, LEAVES, STOPS, LISTENS), (85, 5, 5, 5))[0]


async def soak(
    stage: Stage, people: int, minutes: float, look: Callable[[Sample], Awaitable[object]]
) -> Crowd:
    """The same load for a long time; `look` gets a sample every ten seconds."""
    crowd = stage.crowd(stage.person, manners())
    await crowd.grow(people, CYCLE_S)
    ends = time.perf_counter() + minutes * 60
    while time.perf_counter() < ends:
        await look(stage.watch.look())
        await asyncio.sleep(10)
    await crowd.go()
    return crowd
