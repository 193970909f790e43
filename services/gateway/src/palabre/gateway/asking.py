"""A question asked by one request: admitted, followed, and cancelled when the client goes."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog
from starlette.requests import Request

from palabre.channels import admission
from palabre.channels.admission import Thread
from palabre.channels.views import Told, TurnView
from palabre.channels.waiting import Gone
from palabre.channels.watching import Patience, watch
from palabre.chassis.errors import Erased, Unavailable
from palabre.chassis.ids import derived, uuid7
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.gateway import spent, sse, state
from palabre.gateway.callers import Caller
from palabre.gateway.chat import failure
from palabre.gateway.problems import Problem

log = structlog.get_logger()

GONE = 499  # nginx's "client closed request"; nobody reads it


@dataclass(frozen=True, slots=True)
class Asked:
    """An admitted turn in a conversation of its own. Close it when done."""

    gateway: state.State
    first: pb.Event
    source: AsyncIterator[pb.Event]
    close: contextlib.AsyncExitStack

    async def follow(self, gone: Gone) -> AsyncIterator[Told | None]:
        """Until the turn ends. Cancels it when the client goes."""
        view = TurnView(self.first.turn)
        thread = Thread(self.first.space, self.first.channel, self.first.conversation)
        patience = Patience(self.gateway.bus, thread, self.gateway.settings.deadline_s, "gateway")
        try:
            async for told in watch(self.source, view, patience, gone, lambda: view.ended):
                yield told
        finally:
            if not view.ended:
                await self._cancel(view.length)

    async def _cancel(self, heard: int) -> None:
        try:
            await self.gateway.bus.publish(admission.cancellation(self.first, "stop", heard))
        except (Unavailable, Erased) as error:
            log.warning("turn not cancelled", turn=self.first.turn, reason=type(error).__name__)


async def ask(
    gateway: state.State,
    caller: Caller,
    space: str,
    utterance: turns_pb2.Utterance,
    idempotency_key: str = "",
) -> Asked:
    """Admits a turn in a new conversation. Raises Problem 429 or 503, Unavailable.

    The same idempotency key finds the turn that it began before.
    """
    gateway.load.check()
    key = idempotency_key
    conversation = derived("conversation", caller.id, space, key) if key else uuid7()
    thread = Thread(space, caller.channel, conversation)
    turn = admission.turn_of_key(caller.id, conversation, key)
    if not key:  # a turn that was begun before is told anew, whatever was spent since
        await spent.check(gateway, thread, utterance)
    first = gateway.admission.begin(thread, utterance, turn)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(gateway.limits.stream(caller.id, caller.channel))
        source = await stack.enter_async_context(
            gateway.bus.follow(*thread, since_turn=first.turn if key else None, confirmed=False)
        )
        await gateway.admission.open(first)
        return Asked(gateway, first, source, stack.pop_all())
    raise AssertionError  # unreachable: nothing in the stack swallows exceptions


async def whole(asked: Asked, request: Request) -> dict[str, object]:
    """`completed`'s data. Raises Problem when there is no answer."""
    async with asked.close:
        with sse.departure(request.receive) as gone:
            async with contextlib.aclosing(asked.follow(gone)) as steps:  # type: ignore[type-var]
                async for told in steps:
                    if told and told.name == "completed":
                        return told.data
                    if told and told.name in ("failed", "cancelled"):
                        raise failure(told.data)
    raise Problem(503, "The request ended before its answer.")
