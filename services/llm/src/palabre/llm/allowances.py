"""What the budgets of a space allow one delivery of an event to a stage to spend."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import structlog

from palabre.chassis.budgets import Bearer, Budgets, Cost, Delivery, Reservation, Spent
from palabre.chassis.errors import Unavailable
from palabre.chassis.spaces import Budgets as Limits, Space
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm import metrics
from palabre.llm.prices import FREE

log = structlog.get_logger()

SWEEP_EVERY_S = 30.0


@dataclass(slots=True)
class Allowance:
    """Asks for nothing, and touches no counter, where the space has no limits."""

    budgets: Budgets
    bearer: Bearer
    delivery: Delivery
    price: Callable[[Usage], None]
    made: Reservation | None = None

    async def reserve(
        self,
        *,
        turns: int = 0,
        call: Usage | None = None,
        after: Usage | None = None,
        paid: bool = False,
    ) -> Spent | None:
        """The limit that had been reached before. Raises Unavailable.

        `call` is about what will be asked for, at most, `after` what may be once that is answered;
        `paid`: something that costs will be, but not yet. Counted either way, unless the space
        refuses who comes too late.
        """
        if not self.bearer.limits:
            return None
        cost = self._cost(call, after) if call else Cost(0) if paid else None
        self.made = await self.budgets.reserve(self.bearer, self.delivery, turns=turns, cost=cost)
        if spent := self.made.spent:
            outcome = self.bearer.space.budgets.when_spent
            metrics.BUDGETS_REACHED.labels(self.bearer.id, spent.limit.name, outcome).inc()
            log.warning(
                "budget reached", space=self.bearer.id, limit=spent.limit.name, then=outcome
            )
        return spent

    def named(self, limit: str) -> Spent | None:
        """What another stage found to be spent, by the limit's key."""
        return self.budgets.named(self.bearer, limit)

    @property
    def lost(self) -> list[Usage]:
        """Calls of earlier deliveries, which died while they were made."""
        return [Usage.FromString(note) for note in self.made.left] if self.made else []

    async def settle(self, calls: Iterable[Usage]) -> None:
        """Counts what was spent. What cannot be settled now is settled by who sweeps."""
        cost = sum(worth(self.bearer.space.budgets, call) for call in calls)
        if not (self.made or cost):
            return
        try:
            if not self.made:  # nobody asked before: it is counted all the same
                self.made = await self.budgets.reserve(self.bearer, self.delivery, cost=Cost(0))
            refused = bool(self.made.spent) and self.bearer.refuses
            await self.budgets.settle(self.made, cost, refused=refused)
        except Unavailable:
            log.warning("budget not settled", turn=self.delivery.turn)

    def _cost(self, call: Usage, after: Usage | None) -> Cost | None:
        """With its prompt alone if nobody hears of it again."""
        if call.engine in FREE:
            return None
        least = Usage()
        least.CopyFrom(call)
        least.completion_tokens = 0
        least.call = f"{self.delivery.stage}/{self.delivery.number}/lost"
        calls = [call, after] if after else [call]
        for usage in (least, *calls):
            self.price(usage)
        limits = self.bearer.space.budgets
        most = sum(worth(limits, usage) for usage in calls)
        return Cost(most, worth(limits, least), least.SerializeToString())


def worth(limits: Limits, call: Usage) -> int:
    """In millionths of the budgets' currency; 0, and said so, where nobody knows."""
    rate = 1.0 if call.currency == limits.currency else limits.rates.get(call.currency)
    if call.cost_known and not call.cost_micros:
        return 0
    if call.cost_known and rate:
        return round(call.cost_micros * rate)
    metrics.BUDGETS_BLIND.labels(call.engine, call.model).inc()
    return 0


async def sweep(
    budgets: Budgets, spaces: Callable[[], Mapping[str, Space]], stop: asyncio.Event
) -> None:
    """Settles what died, now and then, where there are limits at all."""
    while not stop.is_set():
        if any(space.budgets.all for space in spaces().values()):
            with contextlib.suppress(Unavailable):
                await budgets.sweep()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SWEEP_EVERY_S)
