"""People ask over HTTP and in a forum while something goes wrong; what they saw is compared."""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import httpx

from bench.kill.asker import Asker, Outcome
from bench.kill.facts import Facts
from bench.kill.forum import Forum, Question
from palabre.chassis.bus import Bus

QUESTIONS = [
    "Comment demander un logement social ?",
    "Ma voisine fait du bruit la nuit, que faire ?",
    "Qui paie la réparation du chauffe-eau ?",
    "Comment rendre mon logement ?",
    "J'ai un dégât des eaux",
]
MODEL = "mock-ttft40-itl12-len40"
SPACE = "logement"


class System(Protocol):
    """A Palabre whose parts may be killed; each comes back by itself."""

    @property
    def urls(self) -> Sequence[str]:
        """Of each gateway."""

    @property
    def token(self) -> str:
        """An administrator's."""

    def pids(self) -> Mapping[str, int]:
        """Of each process that runs now, by its name."""

    async def bus(self) -> Bus:
        """The operator's."""


class InTurn(httpx.AsyncBaseTransport):
    """Each request goes to the next gateway, as with a load balancer that knows nothing."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._addresses = itertools.cycle([httpx.URL(url) for url in urls])
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=None))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        to = next(self._addresses)
        request.url = request.url.copy_with(host=to.host, port=to.port)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def client(system: System) -> httpx.AsyncClient:
    """Of an administrator; every request goes to another gateway than the one before."""
    return httpx.AsyncClient(
        transport=InTurn(system.urls),
        base_url=system.urls[0],
        headers={"Authorization": f"Bearer {system.token}"},
        timeout=30,
    )


@dataclass(slots=True)
class Campaign:
    """What happened."""

    forum: Forum
    outcomes: list[Outcome] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, system: System, askers: int, seed: int, turns: int = 0) -> None:
        """Half of the askers over HTTP, half in the forum, each one question after the other.

        `turns` in all; without, until `over`, whatever is being answered then to its end.
        """
        each = itertools.repeat(10_000)
        share = [turns // askers + (i < turns % askers) for i in range(askers)] if turns else each
        async with client(system) as http, asyncio.TaskGroup() as group:
            for number, count in zip(range(askers), share, strict=False):
                ask = self._post if number % 2 else partial(self._ask, http)
                group.create_task(ask(count, seed * 10_000 + number))

    async def _ask(self, http: httpx.AsyncClient, turns: int, seed: int) -> None:
        asker = Asker(http, SPACE, QUESTIONS, speech=seed % 4 == 0)
        async with contextlib.aclosing(asker.ask(turns, seed)) as outcomes:  # type: ignore[type-var]
            async for outcome in outcomes:
                self.outcomes.append(outcome)
                if self.over.is_set():
                    return

    async def _post(self, turns: int, seed: int) -> None:
        asking = self.forum.ask(QUESTIONS, turns, seed)
        async with contextlib.aclosing(asking) as questions:  # type: ignore[type-var]
            async for question in questions:
                self.questions.append(question)
                if self.over.is_set():
                    return

    def report(self, facts: Facts) -> tuple[int, int]:
        """Prints the figures; returns (lost, doubled)."""
        print(f"turns            {len(self.outcomes)} over HTTP, {len(self.questions)} on Discord")
        print(f"kills            {dict(self.kills)}")
        told, posted = self._over_http(), self._on_discord(facts)
        asked = {o.turn for o in self.outcomes} | {q.turn for q in self.questions}
        unknown, repeated = [t for t in facts.counted if t not in asked], facts.repeated
        lost, doubled = told[0] + posted[0], told[1] + posted[1] + len(repeated) + len(unknown)
        print(f"lost             {lost} (HTTP {told[0]}, Discord {posted[0]})")
        print(f"doubled          {doubled} (texts {told[1]}, messages {posted[1]},"
              f" facts {len(repeated)}, turns that nobody asked for {len(unknown)})")  # fmt: skip
        print(f"out of order     {len(facts.disorder)}", *facts.disorder[:5], sep="\n  ")
        print(f"never spoken     {len(facts.unspoken)}", *facts.unspoken[:5], sep="\n  ")
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
