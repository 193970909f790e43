"""A crowd: so many people, each of whom asks at an even pace and reads every answer."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

from bench.load.people import READS, Turn
from bench.overhead.client import Client, Reply

DIRECT_EVERY_S = 0.2


class Asker(Protocol):
    """A person, or whoever asks instead."""

    async def ask(
        self, text: str, noted: Callable[[Turn], object], manner: str = READS
    ) -> Turn: ...

    def close(self) -> None: ...


class Crowd:
    """`make` makes a person. Everybody asks once in `cycle_s`, or when the answer is there."""

    def __init__(
        self,
        make: Callable[[], Asker],
        texts: list[str],
        cycle_s: float,
        manner: Callable[[], str] = lambda: READS,
    ) -> None:
        self._make, self._texts, self._cycle_s = make, itertools.cycle(texts), cycle_s
        self._manner, self._living = manner, asyncio.Event()
        self.turns: list[Turn] = []
        self._people: list[asyncio.Task[None]] = []

    async def grow(self, to: int, over_s: float) -> None:
        """Newcomers come evenly."""
        more = to - len(self._people)
        for _ in range(more):
            self._people.append(asyncio.create_task(self._live(self._make())))
            await asyncio.sleep(over_s / more)

    async def _live(self, person: Asker) -> None:
        begun = time.perf_counter()
        for due in itertools.count(begun, self._cycle_s):
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - time.perf_counter())):
                    await self._living.wait()  # it is set when the crowd goes
            if self._living.is_set():
                break
            await person.ask(next(self._texts), self.turns.append, self._manner())
        person.close()

    async def go(self) -> None:
        """Everybody reads to the end."""
        self._living.set()
        await asyncio.gather(*self._people)


class Direct:
    """Asks the model itself, now and then, in the same minutes."""

    def __init__(self, client: Client, model: str, texts: list[str]) -> None:
        self._client, self._model = client, model
        self._texts: Iterator[str] = itertools.cycle(texts)
        self.replies: list[Reply] = []
        self._asking: set[asyncio.Task[None]] = set()

    async def keep_asking(self) -> None:
        while True:
            task = asyncio.create_task(self._ask())
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
            await asyncio.sleep(DIRECT_EVERY_S)

    async def _ask(self) -> None:
        self.replies.append(await self._client.ask(self._model, next(self._texts)))

    def first_ms(self, since: float, until: float) -> list[float]:
        found = (reply for reply in self.replies if since <= reply.begun < until)
        return [reply.first * 1000 for reply in found if reply.texts]
