"""Ordered fall-backs: the engines that may answer, each tried once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import structlog

from palabre.chassis.breaker import Breaker
from palabre.chassis.tracing import Span
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm import meters, spending
from palabre.llm.engines import (
    Completion,
    Engine,
    Judge,
    Limited,
    Piece,
    Pieces,
    Rung,
    Schema,
    Verdict,
)
from palabre.llm.errors import (
    EngineError,
    Exhausted,
    Interrupted,
    NoSlot,
    OutOfQuota,
    Overloaded,
    TooSlow,
    UnknownModel,
    Unreachable,
    WrongKey,
)
from palabre.llm.prices import LAST
from palabre.llm.settings import FIRST
from palabre.llm.slots import Slots

log = structlog.get_logger()


BUDGET_S = 60.0
BEGUN_BY = 0.8  # of the time until the deadline: an answer that only begins by then is of no use
WAITING = 0.5  # of a rung's share that may go into waiting for one of its slots
PATIENT_S = 5.0
OPERATOR_S = 60.0  # what only a person can mend is left alone for so long
UNPAID_S = 300.0


@dataclass(frozen=True, slots=True)
class Chance:
    """A rung whose turn it is, those after it, and by when it has to have begun to answer."""

    rung: Rung
    rest: Sequence[Rung]
    begun: float
    limit: float
    wait_s: float = 0.0  # until its provider wants to be asked again


class Ladder:
    """Retries have one owner, and it is this: each rung once, a broken connection once more."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        models: Sequence[str] = (),
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.monotonic,
        slots: Slots | None = None,
        budget_s: float = BUDGET_S,
    ) -> None:
        self._engines, self._models = engines, tuple(models)
        self._breaker, self._clock = breaker or Breaker(), clock
        self._slots, self._budget_s = slots or Slots({}), budget_s
        self._unpaid: set[str] = set()  # engines whose empty account the log has told of

    def rungs(self, models: Sequence[str] = ()) -> list[Rung]:
        """For these models, else the deployment's own; the engine without a model comes last.

        A model whose endpoint is not set up is left out: spaces are written apart from deployments.
        """
        names = [*self.names(models), *({LAST} & self._engines.keys())]
        return list(dict.fromkeys(rung for name in names if (rung := self.rung(name))))

    def names(self, models: Sequence[str] = ()) -> tuple[str, ...]:
        """These models, else the deployment's own."""
        return tuple(models or self._models)

    def reads(self, models: Sequence[str] = ()) -> bool:
        """The first of these models reads passages, and can tell that they do not answer."""
        return any(rung.engine.name != LAST for rung in self.rungs(models)[:1])

    def judges(self, models: Sequence[str] = ()) -> list[Rung]:
        """Those that answer with a JSON object and are not left alone now."""
        return [
            rung
            for rung in self.rungs(models)
            if isinstance(rung.engine, Judge)
            and not self._breaker.leaves_alone(*_keys(rung, "judge"))
        ]

    def until(self, seconds_left: float = float("inf")) -> float:
        """By when an answer has to have begun, with so much time until the turn's deadline."""
        return self._clock() + min(self._budget_s, BEGUN_BY * seconds_left)

    def left_alone(self, engine: str) -> int:
        """How many uses of the engine (a model, a purpose) are not asked for now."""
        keys = (key for key in self._breaker.open() if isinstance(key, tuple))
        return sum(key[0] == engine for key in keys)

    async def stream(
        self, completion: Completion, rungs: Sequence[Rung], until: float | None = None
    ) -> Pieces:
        """Text as it is written, then one Usage. `until`: see there.

        Raises Exhausted when no rung answered, Interrupted when one broke off after it had
        yielded text.
        """
        for chance in self._in_turn(rungs, until):
            written = False
            try:
                async with aclosing(self._written(chance, completion)) as pieces:
                    async for piece in pieces:
                        written = True
                        yield piece
                return
            except EngineError as error:
                self._note_failure(chance, error)
                if written:
                    raise Interrupted(
                        f"{chance.rung.engine.name} broke off", chance.rest
                    ) from error
        raise Exhausted("no engine answered")

    async def judge(self, completion: Completion, schema: Schema, rungs: Sequence[Rung]) -> Verdict:
        """The first rung's JSON object, not yet checked. Raises Exhausted."""
        for chance in self._in_turn(rungs, purpose="judge"):
            try:
                verdict = await self._judged(chance, completion, schema)
            except EngineError as error:
                self._note_failure(chance, error, "judge")
                continue
            self._heed(chance.rung)
            self._note_success(chance.rung, "judge")
            meters.used(verdict.usage)
            return verdict
        raise Exhausted("no engine judged")

    async def _written(self, chance: Chance, completion: Completion) -> Pieces:
        with meters.called(chance.rung, "answer") as call:
            async with self._taken(chance):
                begun = self._clock()
                async with aclosing(_connected(chance.rung, completion)) as pieces:
                    first = await _first(pieces, chance.limit - begun)
                    self._heed(chance.rung)
                    meters.first_token(chance.rung, call, self._clock() - begun)
                    yield _counted(first, call)
                    async for piece in pieces:
                        yield _counted(piece, call)
        self._note_success(chance.rung)

    @asynccontextmanager
    async def _taken(self, chance: Chance) -> AsyncIterator[None]:
        """One of the engine's slots, once its provider wants to be asked. Raises NoSlot."""
        engine, share = chance.rung.engine.name, chance.limit - chance.begun
        if chance.wait_s:
            await asyncio.sleep(chance.wait_s)
        async with self._slots.taken(engine, WAITING * share - chance.wait_s):
            yield

    async def _judged(self, chance: Chance, completion: Completion, schema: Schema) -> Verdict:
        rung = chance.rung
        asked = replace(completion, model=rung.model)
        with meters.called(rung, "judge") as call:
            async with self._taken(chance):
                try:
                    verdict = await spending.judged(rung, asked, schema)
                except Unreachable:
                    verdict = await spending.judged(rung, asked, schema)
            meters.told(call, verdict.usage)
        return verdict

    def _in_turn(
        self, rungs: Sequence[Rung], until: float | None = None, purpose: str = "answer"
    ) -> Iterator[Chance]:
        """The rungs that may be asked now, with equal shares of the time that is left then.

        The last model of all may also be waited for a little: quotes alone are worse.
        """
        until = self.until() if until is None else until
        for place, rung in enumerate(rungs):
            now, rest = self._clock(), rungs[place + 1 :]
            if rung.engine.name == LAST:
                yield Chance(rung, rest, now, float("inf"))
                continue
            slow = sum(other.engine.name != LAST for other in rest)
            share, keys = (until - now) / (1 + slow), _keys(rung, purpose)
            wait_s = 0.0 if slow else self._breaker.asked_to_wait(*keys)
            if 0 < wait_s <= min(PATIENT_S, WAITING * share):
                yield Chance(rung, rest, now, now + share, wait_s)
            elif share > 0 and self._breaker.allows(*keys):
                yield Chance(rung, rest, now, now + share)

    def rung(self, name: str) -> Rung | None:
        """Of `model`, `model@endpoint` or an engine's own name; None without its endpoint."""
        if name in self._engines and name != FIRST:
            return Rung(self._engines[name], "")
        model, at, endpoint = name.rpartition("@")
        if at and endpoint in self._engines:
            return Rung(self._engines[endpoint], model)
        return Rung(self._engines[FIRST], name) if FIRST in self._engines else None

    def _note_success(self, rung: Rung, purpose: str = "answer") -> None:
        self._breaker.succeeded(_keys(rung, purpose)[-1])
        self._unpaid.discard(rung.engine.name)

    def _heed(self, rung: Rung) -> None:
        """What its provider said, with the answer, that it has left."""
        if isinstance(rung.engine, Limited) and (pause := rung.engine.closed_for(rung.model)):
            self._breaker.leave_alone(_model(rung), pause)

    def _note_failure(self, chance: Chance, error: EngineError, purpose: str = "answer") -> None:
        rung, seconds = chance.rung, self._clock() - chance.begun
        meters.failed(rung, error, seconds)
        match error:
            case NoSlot():
                pass  # nobody was asked
            case OutOfQuota():
                self._breaker.leave_alone(_engine(rung), UNPAID_S)
            case WrongKey():
                self._breaker.leave_alone(_engine(rung), OPERATOR_S)
            case UnknownModel():
                self._breaker.leave_alone(_model(rung), OPERATOR_S)
            case Overloaded(retry_after=pause) if pause:
                self._breaker.leave_alone(_model(rung), pause)
            case _:
                self._breaker.failed(_keys(rung, purpose)[-1])
        self._tell(rung, error, seconds)

    def _tell(self, rung: Rung, error: EngineError, seconds: float) -> None:
        engine = rung.engine.name
        told = engine in self._unpaid
        if isinstance(error, OutOfQuota):
            self._unpaid.add(engine)
        if not (isinstance(error, OutOfQuota) and told):
            log.warning(
                "engine failed", engine=engine, model=rung.model, reason=error.reason,
                detail=str(error), lost_s=round(seconds, 3),
            )  # fmt: skip


async def _first(pieces: Pieces, within_s: float) -> Piece:
    """Raises TooSlow."""
    ours = asyncio.timeout(within_s if within_s < float("inf") else None)
    try:
        async with ours:
            return await anext(pieces)
    except TimeoutError as error:
        raise TooSlow("its share of the turn's time ran out") from error


def _counted(piece: Piece, call: Span) -> Piece:
    if isinstance(piece, Usage):
        meters.used(piece)
        meters.told(call, piece)
    return piece


async def _connected(rung: Rung, completion: Completion) -> Pieces:
    """Once more, at once, when the connection failed before the first byte."""
    asked = replace(completion, model=rung.model)
    try:
        async with aclosing(spending.streamed(rung.engine, asked)) as pieces:
            async for piece in pieces:
                yield piece
        return
    except Unreachable:
        pass
    async with aclosing(spending.streamed(rung.engine, asked)) as pieces:
        async for piece in pieces:
            yield piece


def _engine(rung: Rung) -> Hashable:
    return (rung.engine.name,)


def _model(rung: Rung) -> Hashable:
    return rung.engine.name, rung.model


def _keys(rung: Rung, purpose: str) -> tuple[Hashable, Hashable, Hashable]:
    """Account, limits and faults: a model that cannot judge may well answer."""
    return _engine(rung), _model(rung), (rung.engine.name, rung.model, purpose)
