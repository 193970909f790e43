"""What the calls of a stage took: noted where they are made, whatever becomes of them.

The account of the stage in hand is found by a context variable: every call is made through the
ladder, and none of those who ask it has to pass the account on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial

import structlog

from palabre.chassis.errors import Erased, Unavailable
from palabre.chassis.events import follow
from palabre.chassis.spaces import Space
from palabre.chassis.stage import deliveries
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Author, Usage
from palabre.llm import counting, meters
from palabre.llm.engines import Completion, Engine, Judge, Pieces, Rung, Schema, Verdict
from palabre.llm.errors import EngineError, Refused, TooSlow
from palabre.llm.prices import FREE, Prices

log = structlog.get_logger()

Publish = Callable[[pb.Event], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose money it is, and for whom it is spent."""

    space: Space
    persona: str
    author: Author = field(default_factory=Author)

    @property
    def models(self) -> tuple[str, ...]:
        return self.space.personas[self.persona].models


@dataclass(slots=True)
class Account:
    """The calls of one delivery of an event to a stage. `told`: a stored fact has them."""

    stage: str
    price: Callable[[Usage], None]
    calls: list[Usage] = field(default_factory=list)
    told: bool = False

    def note(self, usage: Usage) -> None:
        usage.call = f"{self.stage}/{deliveries.get()}/{len(self.calls)}"
        self.price(usage)
        self.calls.append(usage)

    @property
    def untold(self) -> list[Usage]:
        return [] if self.told else [call for call in self.calls if call.engine not in FREE]


_account: ContextVar[Account | None] = ContextVar("account", default=None)


@dataclass(frozen=True, slots=True)
class Spending:
    """Opens accounts, and records what no other fact tells."""

    prices: Prices
    publish: Publish

    @contextlib.asynccontextmanager
    async def account(
        self, stage: str, event: pb.Event, payer: Payer | None
    ) -> AsyncIterator[Account]:
        """For everything that the ladder is asked while it is entered.

        What nobody pays for, the deployment's own calls, is priced but not recorded.
        """
        prices = payer.space.prices if payer else {}
        account = Account(stage, partial(self.prices.fill, ours=prices))
        _account.set(account)
        try:
            yield account
        finally:
            if payer and account.untold:
                await asyncio.shield(self._record(_fact(account, event, payer)))

    async def _record(self, fact: pb.Event) -> None:
        """The turn does not wait for it, nor fail with it."""
        try:
            await self.publish(fact)
        except (Unavailable, Erased) as error:
            log.warning("spending not recorded", turn=fact.turn, reason=type(error).__name__)


def _fact(account: Account, event: pb.Event, payer: Payer) -> pb.Event:
    body = pb.SpendingRecorded(
        calls=account.calls, stage=account.stage, persona=payer.persona, author=payer.author
    )
    return follow(event, body, index=deliveries.get())


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
