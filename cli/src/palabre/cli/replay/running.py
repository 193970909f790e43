"""Many turns asked again, a few at a time, until they are done, or have cost enough."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from palabre.chassis.bus import Bus
from palabre.cli.replay import recorded
from palabre.cli.replay.again import Again, history_of
from palabre.cli.replay.differing import Pair
from palabre.cli.replay.recorded import Turn
from palabre.cli.replay.sides import Side
from palabre.contracts.v1.turns_pb2 import Exchange


class Asked(NamedTuple):
    """A turn to ask again, and the history that it had."""

    turn: Turn
    history: list[Exchange]


Source = AsyncGenerator[Asked, None]


@dataclass(slots=True)
class Limit:
    """What a run may cost; `reason` says why it stopped before its end."""

    most: Decimal
    spent: Decimal = Decimal(0)
    unpriced: bool = False  # go on where nobody knows a price
    reason: str = ""

    def note(self, side: Side) -> None:
        self.spent += side.cost or 0
        if side.cost is None and not self.unpriced:
            model = side.model or "a model that was asked"
            self.reason = (
                f"nobody knows what {model} costs: give it a price (docs/costs.md), or go on"
                " with --unpriced"
            )
        if self.spent >= self.most:
            self.reason = f"--max-cost {self.most} is reached"


@dataclass(slots=True)
class Run:
    """`tell` is called with each pair, in the order in which they end."""

    again: Again
    limit: Limit
    tell: Callable[[Pair], None]
    at_once: int = 4
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def through(self, source: Source) -> None:
        """Until the source ends or the limit is reached; what has begun is ended.

        Raises ExceptionGroup of what `Again.ask` raises.
        """
        async with asyncio.TaskGroup() as workers:
            for _ in range(self.at_once):
                workers.create_task(self._work(source))

    async def _work(self, source: Source) -> None:
        while asked := await self._next(source):
            await self.again.quiet()
            heard = await self.again.ask(*asked)
            after = Side.of(heard)
            self.limit.note(after)
            self.tell(pair(asked.turn, after))

    async def _next(self, source: Source) -> Asked | None:
        async with self._taking:
            return None if self.limit.reason else await anext(source, None)


def pair(turn: Turn, after: Side) -> Pair:
    return Pair(turn.any.conversation, turn.utterance.text, Side.of(turn), after)


async def of_conversation(turns: list[Turn], only: str, skip: Callable[[str], bool]) -> Source:
    """Those that ended, oldest first; `only` one of them, if it is named."""
    for turn in turns:
        if turn.ended and only in ("", turn.id) and not skip(turn.id):
            yield Asked(turn, history_of(turn, turns))


async def of_space(
    bus: Bus, pages: AsyncIterator[list[Turn]], limit: int, skip: Callable[[str], bool]
) -> Source:
    """Whole answers, in the order of the log; their conversations are read one by one."""
    left = limit
    async for page in pages:
        for told in page:
            if not left:
                return
            if not told.completed or told.any.conversation in bus.erased or skip(told.id):
                continue
            turns = await recorded.conversation(bus, told.any.conversation)
            found = next((turn for turn in turns if turn.id == told.id), told)
            left -= 1
            yield Asked(found, history_of(found, turns))
