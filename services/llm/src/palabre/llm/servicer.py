"""LlmService over gRPC: a model, through the same ladder as every answer."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc

from palabre.chassis.events import DEADLINE_S, begin
from palabre.chassis.ids import uuid7
from palabre.chassis.spaces import Space, UnknownSpace
from palabre.contracts.v1 import llm_pb2 as pb, llm_pb2_grpc
from palabre.contracts.v1.events_pb2 import Event, SpendingRecorded
from palabre.contracts.v1.turns_pb2 import Author, Exchange, Usage
from palabre.llm import replies, summarising
from palabre.llm.checking import Checking
from palabre.llm.completing import screened
from palabre.llm.engines import Completion, Message
from palabre.llm.errors import LlmError
from palabre.llm.images import Vision
from palabre.llm.ladder import Ladder
from palabre.llm.spending import Account, Payer, Spending, at_most
from palabre.llm.summarising import Summarising

NOBODY = Author()
NO_MODEL = "no engine answered: set PALABRE_LLM_MODEL, or try again in a little while"

ServicerContext = grpc.aio.ServicerContext[pb.CompleteRequest, pb.CompleteResponse]


class LlmServicer(llm_pb2_grpc.LlmServiceServicer):
    """NOT_FOUND: no such space, persona, engine. UNAVAILABLE: no engine answered, or broke off.

    RESOURCE_EXHAUSTED: a budget of the space is spent.
    """

    def __init__(
        self,
        spaces: Callable[[str], Space],
        ladder: Ladder,
        checking: Checking,
        spending: Spending,
        vision: Vision,
    ) -> None:
        self._spaces, self._ladder, self._checking = spaces, ladder, checking
        self._spending, self._vision = spending, vision

    def add_to(self, server: grpc.aio.Server) -> None:
        llm_pb2_grpc.add_LlmServiceServicer_to_server(self, server)

    async def Complete(
        self, request: pb.CompleteRequest, context: ServicerContext
    ) -> AsyncIterator[pb.CompleteResponse]:
        payer = await self._payer(request.space, request.persona, context)
        if not request.prompt:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "prompt: is empty")
        asked = Completion(tuple(_messages(request)), sampling=request.sampling)
        left_s = context.time_remaining()
        until = self._ladder.until() if left_s is None else self._ladder.until(left_s)
        rungs = self._ladder.rungs(payer.models if payer else ())
        event = _event(request.space, "", left_s)
        try:
            async with self._spending.account("complete", event, payer) as account:
                if await _afford(account, context, at_most(rungs, asked), paid=True):
                    rungs = self._ladder.rungs(payer.frugal().models if payer else ())
                async with (
                    aclosing(self._ladder.stream(asked, rungs, until)) as pieces,
                    aclosing(screened(pieces, request.system, _refusal(payer))) as seen,
                ):
                    async for piece in seen:
                        if isinstance(piece, Usage):
                            yield pb.CompleteResponse(usage=piece)
                        else:
                            yield pb.CompleteResponse(text=piece)
        except LlmError:
            await context.abort(grpc.StatusCode.UNAVAILABLE, NO_MODEL)

    async def Summarise(
        self, request: pb.SummariseRequest, context: Any
    ) -> AsyncIterator[pb.SummariseResponse]:
        payer = await self._payer(
            request.space, request.persona, context, request.channel, request.author
        )
        if wrong := summarising.objection(request):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, wrong)
        event = _event(request.space, request.channel, context.time_remaining())
        async with self._spending.account("summarise", event, payer) as account:
            made = self._summarising(request, payer, self._vision)
            asks = int(bool(request.author.id))
            if await _afford(account, context, made.at_most(), turns=asks, paid=made.looks):
                made = self._summarising(request, _frugal(payer), None)
            async with aclosing(made.pieces()) as pieces:
                async for piece in pieces:
                    yield piece
            yield pb.SummariseResponse(end=made.end(account.calls))

    def _summarising(
        self, request: pb.SummariseRequest, payer: Payer | None, vision: Vision | None
    ) -> Summarising:
        models = payer.models if payer else ()
        spoken = payer.space.languages if payer else ("fr",)
        return Summarising(request, self._ladder, vision, models, spoken)

    async def ListEngines(
        self, request: pb.ListEnginesRequest, context: Any
    ) -> pb.ListEnginesResponse:
        return self._checking.entries()

    async def CheckEngines(
        self, request: pb.CheckEnginesRequest, context: Any
    ) -> AsyncIterator[pb.CheckEnginesResponse]:
        known = self._checking.engines
        for name in request.engines:
            if name not in known:
                told = f"There is no engine {name!r}: there are {', '.join(known)}."
                await context.abort(grpc.StatusCode.NOT_FOUND, told)
        async for trial in self._checking.trials(request.engines):
            yield pb.CheckEnginesResponse(trial=trial)

    async def _payer(
        self, space_id: str, persona: str, context: Any, channel: str = "", author: Author = NOBODY
    ) -> Payer | None:
        """The persona's; the deployment's own when the request names no space."""
        if not space_id:
            return None
        try:
            space = self._spaces(space_id)
            name = space.persona_name(persona, channel)
            space.persona(name)
        except (UnknownSpace, KeyError):
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such space or persona")
            raise
        return Payer(space_id, space, name, author)


async def _afford(
    account: Account, context: Any, call: Usage | None, *, turns: int = 0, paid: bool
) -> bool:
    """Whether it has to be made with less. Ends the call when a spent budget refuses."""
    spent = await account.reserve(turns=turns, call=call, paid=paid)
    if spent and account.refuses:
        limit, opens = spent.limit.name, spent.opens.isoformat()
        told = f"the budget {limit} is spent until {opens}"
        when = (("palabre-limit", limit), ("palabre-opens", opens))
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, told, when)
    return bool(spent)


def _frugal(payer: Payer | None) -> Payer | None:
    return payer.frugal() if payer else None


def _event(space: str, channel: str, left_s: float | None) -> Event:
    """What the ledger counts it under: a turn in no conversation."""
    lasts_s = DEADLINE_S if left_s is None else left_s
    return begin(space, channel or "grpc", uuid7(), SpendingRecorded(), deadline_s=lasts_s)


def _messages(request: pb.CompleteRequest) -> list[Message]:
    said = [message for exchange in request.history for message in _exchange(exchange)]
    system = [Message("system", request.system)] if request.system else []
    return [*system, *said, Message("user", request.prompt)]


def _refusal(payer: Payer | None) -> str:
    """What is said to who made a model tell its instructions."""
    if not payer:
        return replies.of("fr", "vous")("injection")
    persona = payer.space.personas[payer.persona]
    return replies.of(payer.space.languages[0], persona.address)("injection")


def _exchange(exchange: Exchange) -> tuple[Message, Message]:
    return Message("user", exchange.question), Message("assistant", exchange.answer)
