"""Budgets of a space: what its turns have spent and hold, on counters that all replicas share.

Adding to a counter gives its new total in one step: of requests that come at the same
time, each sees another total, and at most one goes over a limit. What is added carries an id, and
counts once however often it is added.

A turn is counted when it is taken on. A cost is held before the call, as an estimate, and settled
after it; what holds it is written down first, so that a process that dies in between leaves nothing
for ever: the next delivery of the event settles it, or else `sweep` once the turn's time is over.
"""

import base64
import datetime as dt
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from palabre.chassis import streams, subjects
from palabre.chassis.counters import Counters, Held
from palabre.chassis.spaces import Limit, Period, Space
from palabre.contracts.v1.turns_pb2 import Author

# Until then an id that came before is known; later what was held is taken to have been.
FRESH_S = streams.DUPLICATE_WINDOW_S - 120.0


class Spent(NamedTuple):
    """A limit that is reached, and when it opens again."""

    limit: Limit
    opens: dt.datetime

    @property
    def phrase(self) -> str:
        """The key of the sentence that says so, in every service's texts."""
        whose = "person" if self.limit.scope == "person" else "shared"
        return f"budget_{whose}_{self.limit.period}"


class Standing(NamedTuple):
    """How a limit stands: what was used of it, what is held included, and when it opens again."""

    limit: Limit
    used: int
    opens: dt.datetime

    @property
    def left(self) -> int:
        return max(0, self.limit.most - self.used)


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose limits count: `person` as `person_of` says, empty where there is none."""

    id: str  # of the space
    space: Space
    persona: str
    person: str
    groups: tuple[str, ...] = ()

    @classmethod
    def of(cls, id_: str, space: Space, persona: str, channel: str, author: Author) -> Self:
        """Who asks on a channel."""
        return cls(id_, space, persona, person_of(channel, author.id), tuple(author.groups))

    @property
    def limits(self) -> list[Limit]:
        limits = self.space.budgets.limits(self.groups)
        return [limit for limit in limits if self.person or limit.scope != "person"]

    @property
    def refuses(self) -> bool:
        return self.space.budgets.when_spent == "refuse"

    def counter(self, limit: Limit, now: dt.datetime) -> str:
        who = {"person": self.person, "persona": self.persona, "space": "all"}[limit.scope]
        form = "%Y-%m-%d" if limit.period == "day" else "%Y-%m"
        period = now.astimezone(self.space.zone).strftime(form)
        return subjects.budget(self.id, limit.unit, limit.scope, who, period)

    def opens(self, period: Period, now: dt.datetime) -> dt.datetime:
        """The space's next midnight, or that of the first of the next month."""
        day = now.astimezone(self.space.zone).date()
        next_month = (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        after = day + dt.timedelta(days=1) if period == "day" else next_month
        return dt.datetime.combine(after, dt.time(), self.space.zone)


@dataclass(slots=True)
class Reservation:
    """What one delivery of an event has taken. `left` are the notes of deliveries that died."""

    turn: str
    key: str = ""
    turns: list[str] = field(default_factory=list)  # counters
    costs: dict[str, int] = field(default_factory=dict)  # what is held, by counter
    place: int = 0
    spent: Spent | None = None
    left: list[bytes] = field(default_factory=list)


class Delivery(NamedTuple):
    """Of a turn's event to a stage; past `until` (seconds since 1970) nobody works on it."""

    turn: str
    stage: str
    number: int
    until: float

    @property
    def key(self) -> str:
        return f"{self.turn}.{self.stage}.{self.number}"


class Cost(NamedTuple):
    """Of a call that is not made yet, in millionths: at most, and if it dies in the middle."""

    most: int
    least: int = 0
    note: bytes = b""  # handed back by whoever finds the call dead


class Budgets:
    """Any number of replicas may reserve at the same time. Everything raises Unavailable."""

    def __init__(
        self, counters: Counters, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    ) -> None:
        self._counters, self._now = counters, now

    async def reached(self, bearer: Bearer) -> Spent | None:
        """The limit that is reached and opens last; nothing is taken."""
        return await self._latest(bearer, bearer.limits)

    async def standings(self, bearer: Bearer) -> list[Standing]:
        """Every limit that binds, the person's own first; nothing is taken."""
        return await self._standings(bearer, bearer.limits)

    def named(self, bearer: Bearer, name: str) -> Spent | None:
        """The limit with this key, as if it were reached; None when the space has it no more."""
        for limit in bearer.limits:
            if limit.name == name:
                return Spent(limit, bearer.opens(limit.period, self._now()))
        return None

    async def reserve(
        self, bearer: Bearer, delivery: Delivery, *, turns: int = 0, cost: Cost | None = None
    ) -> Reservation:
        """Takes turns and a cost; `spent` says which limit had been reached before.

        Without a cost (what costs nothing may always be asked) only turns are looked at.
        """
        now, made = self._now(), Reservation(delivery.turn, delivery.key)
        made.left = await self._settle_dead(delivery)
        limits = [limit for limit in bearer.limits if (turns if limit.unit == "turns" else cost)]
        if cost and cost.most:
            counters = [bearer.counter(limit, now) for limit in limits if limit.unit == "cost"]
            made.place = await self._hold(delivery, counters, cost)
        for place, limit in enumerate(limits):
            amount = turns if limit.unit == "turns" else cost.most if cost else 0
            if await self._take(made, limit, bearer.counter(limit, now), amount):
                made.spent = made.spent or await self._latest(bearer, limits[place:])
                if bearer.refuses:
                    break  # the wider counters are not touched
        return made

    async def settle(self, made: Reservation, cost: int, *, refused: bool = False) -> None:
        """Counts what it did cost in place of what was held; a refused turn is not counted."""
        for counter, amount in made.costs.items():
            if cost or amount:  # also by 0: it is settled, and a record that stays is no debt
                await self._counters.add(counter, cost - amount, f"{made.key}/=")
        for counter in made.turns if refused else ():
            await self._counters.add(counter, -1, f"{made.turn}/-")
        if made.place:
            await self._counters.release(made.place)

    async def sweep(self) -> int:
        """Settles what is held for turns whose time is over. Safe from several replicas at once."""
        now = self._now().timestamp()
        held = await self._counters.held(">")
        dead = [each for each in held if _Record.decode(each).until < now]
        for each in dead:
            await self._settle_record(each)
        return len(dead)

    async def _hold(self, delivery: Delivery, counters: Sequence[str], cost: Cost) -> int:
        """Returns the place; 0 when no cost is limited."""
        if not counters:
            return 0
        record = _Record(
            dict.fromkeys(counters, cost.most), cost.least, cost.note, delivery.until,
            self._now().timestamp(),
        )  # fmt: skip
        return await self._counters.hold(delivery.key, record.encode())

    async def _take(self, made: Reservation, limit: Limit, counter: str, amount: int) -> bool:
        """Whether the limit had been reached before."""
        if limit.unit == "turns":
            made.turns.append(counter)
            once = f"{made.turn}/+"
        else:
            made.costs[counter] = amount
            once = f"{made.key}/+"
        if not amount:
            return (await self._counters.totals([counter]))[0] >= limit.most
        return await self._counters.add(counter, amount, once) - amount >= limit.most

    async def _latest(self, bearer: Bearer, limits: Sequence[Limit]) -> Spent | None:
        standings = await self._standings(bearer, limits)
        over = [Spent(each.limit, each.opens) for each in standings if not each.left]
        return max(over, key=lambda spent: spent.opens, default=None)

    async def _standings(self, bearer: Bearer, limits: Sequence[Limit]) -> list[Standing]:
        now = self._now()
        totals = await self._counters.totals([bearer.counter(limit, now) for limit in limits])
        return [
            Standing(limit, total, bearer.opens(limit.period, now))
            for limit, total in zip(limits, totals, strict=True)
        ]

    async def _settle_dead(self, delivery: Delivery) -> list[bytes]:
        """What earlier deliveries of the event held when they died; returns their notes."""
        if delivery.number == 1:
            return []
        held = await self._counters.held(f"{delivery.turn}.{delivery.stage}.*")
        return [await self._settle_record(each) for each in held]

    async def _settle_record(self, held: Held) -> bytes:
        """Its owner may have died before it had taken anything: that is taken first."""
        record = _Record.decode(held)
        is_fresh = self._now().timestamp() - record.at < FRESH_S
        for counter, amount in record.costs.items():
            if is_fresh:
                await self._counters.add(counter, amount, f"{held.key}/+")
            await self._counters.add(counter, record.least - amount, f"{held.key}/=")
        await self._counters.release(held.place)
        return record.note


def person_of(channel: str, author: str) -> str:
    """A person's token in subjects: an id is opaque, but not always one token."""
    return hashlib.sha256(f"{channel}:{author}".encode()).hexdigest()[:32] if author else ""


class _Record(NamedTuple):
    costs: dict[str, int]
    least: int
    note: bytes
    until: float
    at: float

    def encode(self) -> bytes:
        values = {**self._asdict(), "note": base64.b64encode(self.note).decode()}
        return json.dumps(values).encode()

    @classmethod
    def decode(cls, held: Held) -> Self:
        values = json.loads(held.record)
        return cls(**{**values, "note": base64.b64decode(values["note"])})
