"""What the calls of a stage took: noted where they are made, whatever becomes of them.

The account of the stage in hand is found by a context variable: every call is made through the
ladder, and none of those who ask it has to pass the account on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

import structlog

from palabre.chassis import replays
from palabre.chassis.budgets import Bearer, Budgets, Delivery, Spent
from palabre.chassis.errors import Erased, Unavailable
from palabre.chassis.events import follow
from palabre.chassis.spaces import Space
from palabre.chassis.stage import deliveries
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Author, Usage
from palabre.llm import counting, meters
from palabre.llm.allowances import Allowance
from palabre.llm.engines import Completion, Engine, Judge, Pieces, Rung, Schema, Verdict
from palabre.llm.errors import EngineError, Refused, TooSlow
from palabre.llm.prices import FREE, LAST, Prices

log = structlog.get_logger()

GRACE_S = 30.0  # after a turn's deadline nobody works on it any more

Publish = Callable[[pb.Event], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose money it is, and for whom it is spent."""

    id: str  # of the space
    space: Space
    persona: str
    author: Author = field(default_factory=Author)

    @property
    def models(self) -> tuple[str, ...]:
        return self.space.personas[self.persona].models

    def frugal(self) -> Self:
        """With the models of a space whose budget is spent, and none that comprehends."""
        models = self.space.budgets.models or (LAST,)
        persona = self.space.personas[self.persona].model_copy(update={"models": models})
        personas = {**self.space.personas, self.persona: persona}
        changed = {"comprehend": "never", "personas": personas}
        return replace(self, space=self.space.model_copy(update=changed))


@dataclass(slots=True)
class Account:
    """The calls of one delivery of an event to a stage. `told`: a stored fact has them."""

    stage: str
    price: Callable[[Usage], None]
    allowance: Allowance | None = None
    lost: list[Usage] = field(default_factory=list)  # of deliveries that died, settled already
    made: list[Usage] = field(default_factory=list)
    told: bool = False

    async def reserve(
        self,
        *,
        turns: int = 0,
        call: Usage | None = None,
        after: Usage | None = None,
        paid: bool = False,
    ) -> Spent | None:
        """As `Allowance.reserve`; what died before is among the calls from then on."""
        if not self.allowance:
            return None
        spent = await self.allowance.reserve(turns=turns, call=call, after=after, paid=paid)
        self.lost = self.allowance.lost
        return spent

    def note(self, usage: Usage) -> None:
        usage.call = f"{self.stage}/{deliveries.get()}/{len(self.made)}"
        self.price(usage)
        self.made.append(usage)

    @property
    def refuses(self) -> bool:
        """Whether a spent budget ends a turn."""
        return bool(self.allowance and self.allowance.bearer.refuses)

    @property
    def calls(self) -> list[Usage]:
        return self.lost + self.made

    @property
    def latest(self) -> Usage:
        """The last call, whatever became of it."""
        return self.made[-1] if self.made else Usage()

    @property
    def untold(self) -> list[Usage]:
        return [] if self.told else [call for call in self.calls if call.engine not in FREE]


_account: ContextVar[Account | None] = ContextVar("account", default=None)


@dataclass(frozen=True, slots=True)
class Spending:
    """Opens accounts, and records what no other fact tells."""

    prices: Prices
    publish: Publish
    budgets: Budgets

    @contextlib.asynccontextmanager
    async def account(
        self, stage: str, event: pb.Event, payer: Payer | None
    ) -> AsyncIterator[Account]:
        """For everything that the ladder is asked while it is entered.

        What nobody pays for, the deployment's own calls, is priced but not recorded.
        """
        price = partial(self.prices.fill, ours=payer.space.prices if payer else {})
        allowance = self._allowance(stage, event, payer, price) if payer else None
        account = Account(stage, price, allowance)
        _account.set(account)
        try:
            yield account
        finally:
            if payer:
                await asyncio.shield(self._close(account, event, payer))

    def _allowance(
        self, stage: str, event: pb.Event, payer: Payer, price: Callable[[Usage], None]
    ) -> Allowance | None:
        if not payer.space.budgets.all or replays.is_replay(event):
            return None  # who replays has a limit of their own
        bearer = Bearer.of(payer.id, payer.space, payer.persona, event.channel, payer.author)
        until = event.deadline.seconds + GRACE_S
        delivery = Delivery(event.turn, stage, deliveries.get(), until)
        return Allowance(self.budgets, bearer, delivery, price)

    async def _close(self, account: Account, event: pb.Event, payer: Payer) -> None:
        """The turn does not fail with it."""
        if account.allowance:
            await account.allowance.settle(account.made)
        if account.untold:
            try:
                await self.publish(_fact(account, event, payer))
            except (Unavailable, Erased) as error:
                log.warning("spending not recorded", turn=event.turn, reason=type(error).__name__)


def _fact(account: Account, event: pb.Event, payer: Payer) -> pb.Event:
    body = pb.SpendingRecorded(
        calls=account.calls, stage=account.stage, persona=payer.persona, author=payer.author
    )
    return follow(event, body, index=deliveries.get())


def current() -> Account:
    """The account of the stage in hand; one that leads nowhere outside of any."""
    return _account.get() or Account("", lambda usage: None)


def at_most(rungs: Sequence[Rung], asked: Completion) -> Usage | None:
    """What the first of these rungs may take for it; None when none will be asked."""
    if not rungs:
        return None
    usage = counting.estimate(rungs[0].engine.name, replace(asked, model=rungs[0].model), 0)
    usage.completion_tokens = asked.sampling.max_tokens
    return usage


def note(usage: Usage) -> None:
    """A call that is over; outside of any account nothing is kept."""
    if account := _account.get():
        account.note(usage)


async def streamed(engine: Engine, asked: Completion) -> Pieces:
    """The engine's pieces; the usage of a call that breaks off, or is left, is estimated."""
    written, over = 0, False
    try:
        async with aclosing(engine.stream(asked)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Usage):
                    over = True
                    note(piece)
                else:
                    written += len(piece)
                yield piece
    except EngineError as error:
        over = True
        _note_failure(engine.name, asked, written, error)
        raise
    finally:
        if not over:  # left by who asked
            _note_part(counting.estimate(engine.name, asked, written))


async def judged(rung: Rung, asked: Completion, schema: Schema) -> Verdict:
    """As `streamed`, for a structured call. Raises Refused when the engine does not judge."""
    if not isinstance(rung.engine, Judge):
        raise Refused(f"{rung.engine.name} does not judge")
    try:
        verdict = await rung.engine.judge(asked, schema)
    except EngineError as error:
        _note_failure(rung.engine.name, asked, 0, error)
        raise
    except asyncio.CancelledError:
        _note_part(counting.estimate(rung.engine.name, asked, 0))
        raise
    note(verdict.usage)
    return verdict


def _note_failure(engine: str, asked: Completion, written: int, error: EngineError) -> None:
    """A request that was turned away cost nothing; one that began, or was worked at, did."""
    if error.usage:
        _note_part(error.usage)
    elif written or isinstance(error, TooSlow):
        _note_part(counting.estimate(engine, asked, written))


def _note_part(usage: Usage) -> None:
    note(usage)
    meters.used(usage)
