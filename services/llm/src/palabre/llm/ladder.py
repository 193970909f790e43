"""Ordered fall-backs: the engines that may answer, each tried once."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog

from palabre.chassis.breaker import Breaker
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm import meters
from palabre.llm.engines import Completion, Engine, Judge, Pieces, Rung, Schema, Verdict
from palabre.llm.errors import (
    EngineError,
    Exhausted,
    Interrupted,
    Overloaded,
    Refused,
    Unreachable,
)

log = structlog.get_logger()

FIRST = "openai"  # the endpoint of a model that names none
LAST = "extractive"


class Ladder:
    """Retries have one owner, and it is this: each rung once, a broken connection once more."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        models: Sequence[str] = (),
        breaker: Breaker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engines, self._models = engines, tuple(models)
        self._breaker, self._clock = breaker or Breaker(), clock

    def rungs(self, models: Sequence[str] = ()) -> list[Rung]:
        """For these models, else the deployment's own; the engine without a model comes last.

        A model whose endpoint is not set up is left out: spaces are written apart from deployments.
        """
        names = [*(models or self._models), *({LAST} & self._engines.keys())]
        return list(dict.fromkeys(rung for name in names if (rung := self._rung(name))))

    def reads(self, models: Sequence[str] = ()) -> bool:
        """The first of these models reads passages, and can tell that they do not answer."""
        return any(rung.engine.name != LAST for rung in self.rungs(models)[:1])

    def judges(self, models: Sequence[str] = ()) -> list[Rung]:
        """Those that answer with a JSON object."""
        return [rung for rung in self.rungs(models) if isinstance(rung.engine, Judge)]

    async def stream(self, completion: Completion, rungs: Sequence[Rung]) -> Pieces:
        """Text as it is written, then one Usage.

        Raises Exhausted when no rung answered, Interrupted when one broke off after it had
        yielded text.
        """
        for rung, rest in self._in_turn(rungs):
            written = False
            try:
                async with aclosing(self._written(rung, completion)) as pieces:
                    async for piece in pieces:
                        written = True
                        yield piece
                return
            except EngineError as error:
                self._note_failure(rung, error)
                if written:
                    raise Interrupted(f"{rung.engine.name} broke off", rest) from error
        raise Exhausted("no engine answered")

    async def judge(self, completion: Completion, schema: Schema, rungs: Sequence[Rung]) -> Verdict:
        """The first rung's JSON object, not yet checked. Raises Exhausted."""
        for rung, _ in self._in_turn(rungs, "judge"):
            try:
                verdict = await self._judged(rung, completion, schema)
            except EngineError as error:
                self._note_failure(rung, error, "judge")
                continue
            self._breaker.succeeded(_key(rung, "judge"))
            meters.used(verdict.usage)
            return verdict
        raise Exhausted("no engine judged")

    async def _written(self, rung: Rung, completion: Completion) -> Pieces:
        begun, first = self._clock(), True
        async with aclosing(_connected(rung, completion)) as pieces:
            async for piece in pieces:
                if first:
                    first = False
                    self._breaker.succeeded(_key(rung))
                    meters.first_token(rung, self._clock() - begun)
                if isinstance(piece, Usage):
                    meters.used(piece)
                yield piece

    async def _judged(self, rung: Rung, completion: Completion, schema: Schema) -> Verdict:
        if not isinstance(rung.engine, Judge):
            raise Refused(f"{rung.engine.name} does not judge")
        asked = replace(completion, model=rung.model)
        try:
            return await rung.engine.judge(asked, schema)
        except Unreachable:
            return await rung.engine.judge(asked, schema)

    def _in_turn(
        self, rungs: Sequence[Rung], purpose: str = "answer"
    ) -> Iterator[tuple[Rung, Sequence[Rung]]]:
        """The rungs that may be asked now, each with those after it."""
        for place, rung in enumerate(rungs):
            if self._breaker.allows(_key(rung, purpose)):
                yield rung, rungs[place + 1 :]

    def _rung(self, name: str) -> Rung | None:
        if name in self._engines and name != FIRST:
            return Rung(self._engines[name], "")
        model, at, endpoint = name.rpartition("@")
        if at and endpoint in self._engines:
            return Rung(self._engines[endpoint], model)
        return Rung(self._engines[FIRST], name) if FIRST in self._engines else None

    def _note_failure(self, rung: Rung, error: EngineError, purpose: str = "answer") -> None:
        pause = error.retry_after if isinstance(error, Overloaded) else 0.0
        self._breaker.failed(_key(rung, purpose), pause)
        meters.failed(rung, error)
        log.warning(
            "engine failed", engine=rung.engine.name, model=rung.model, reason=error.reason,
            detail=str(error),
        )  # fmt: skip


async def _connected(rung: Rung, completion: Completion) -> Pieces:
    """Once more, at once, when the connection failed before the first byte."""
    asked = replace(completion, model=rung.model)
    try:
        async with aclosing(rung.engine.stream(asked)) as pieces:
            async for piece in pieces:
                yield piece
        return
    except Unreachable:
        pass
    async with aclosing(rung.engine.stream(asked)) as pieces:
        async for piece in pieces:
            yield piece


def _key(rung: Rung, purpose: str = "answer") -> tuple[str, str, str]:
    """A model that cannot judge may well answer: each has a circuit of its own."""
    return rung.engine.name, rung.model, purpose
