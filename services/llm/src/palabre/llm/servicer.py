"""LlmService over gRPC: a model, through the same ladder as every answer."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc

from palabre.chassis.events import begin
from palabre.chassis.ids import uuid7
from palabre.chassis.spaces import Space, UnknownSpace
from palabre.contracts.v1 import llm_pb2 as pb, llm_pb2_grpc
from palabre.contracts.v1.events_pb2 import Event, SpendingRecorded
from palabre.contracts.v1.turns_pb2 import Exchange, Usage
from palabre.llm import replies, summarising
from palabre.llm.checking import Checking
from palabre.llm.completing import screened
from palabre.llm.engines import Completion, Message
from palabre.llm.errors import LlmError
from palabre.llm.ladder import Ladder
from palabre.llm.spending import Account, Payer, Spending, at_most

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
    ) -> None:
        self._spaces, self._ladder, self._checking = spaces, ladder, checking
        self._spending = spending

    def add_to(self, server: grpc.aio.Server) -> None:
        llm_pb2_grpc.add_LlmServiceServicer_to_server(self, server)

    async def Complete(
        self, request: pb.CompleteRequest, context: ServicerContext
    ) -> AsyncIterator[pb.CompleteResponse]:
        payer = await self._payer(request, context)
        if not request.prompt:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "prompt: is empty")
        asked = Completion(tuple(_messages(request)), sampling=request.sampling)
        left_s = context.time_remaining()
        until = self._ladder.until() if left_s is None else self._ladder.until(left_s)
        rungs = self._ladder.rungs(payer.models if payer else ())
        try:
            async with (
                self._spending.account("complete", _event(request), payer) as account,
                aclosing(self._ladder.stream(asked, rungs, until)) as pieces,
                aclosing(screened(pieces, request.system, _refusal(payer))) as seen,
            ):
                await _afford(account, context, at_most(rungs, asked))
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
        payer = await self._payer(request, context)
        if wrong := summarising.objection(request):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, wrong)
        models = payer.models if payer else ()
        spoken = payer.space.languages if payer else ("fr",)
        summary = summarising.summary(request, self._ladder, models, spoken)
        async with self._spending.account("summarise", _event(request), payer) as account:
            await _afford(account, context)
            points = await summary.points()
        for point in points:
            yield pb.SummariseResponse(point=summarising.told(request, point))
        yield pb.SummariseResponse(end=summarising.end(summary.tally, account.calls))

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
        self, request: pb.CompleteRequest | pb.SummariseRequest, context: Any
    ) -> Payer | None:
        """The persona; the deployment itself when the request names no space."""
        if not request.space:
            return None
        try:
            space = self._spaces(request.space)
            name = space.persona_name(request.persona)
            space.persona(name)
        except (UnknownSpace, KeyError):
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such space or persona")
            raise
        return Payer(request.space, space, name)


async def _afford(account: Account, context: Any, call: Usage | None = None) -> None:
    """Ends the call when a budget of the space is spent that refuses."""
    spent = await account.reserve(call=call, paid=True)
    if spent and account.refuses:
        told = f"the budget {spent.limit.name} is spent until {spent.opens.isoformat()}"
        await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, told)


def _event(request: pb.CompleteRequest | pb.SummariseRequest) -> Event:
    """What the ledger counts it under: a turn of nobody's."""
    return begin(request.space, "grpc", uuid7(), SpendingRecorded())


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
