"""/oublier: everything that is kept of a person is erased, once they have confirmed it."""

import asyncio
import time

import grpc
import structlog

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import archive_pb2 as pb
from palabre.discord.commands.defining import Call, Command
from palabre.discord.messages import Body, Button
from palabre.discord.posts import person_of
from palabre.discord.routing import CHANNEL

log = structlog.get_logger()

YES, NO = "c:forget:yes", "c:forget:no"
_ERASING_S = 14 * 60.0  # the answer cannot be changed much longer
_PROGRESS_S = 2.0
_TAKING_DOWN_S = 60.0


async def _ask(call: Call) -> None:
    yes = Button(YES, call.say("yes"), is_danger=True)
    await call.show(call.say("forget-sure"), yes, Button(NO, call.say("no")))


async def _pressed(call: Call) -> None:
    """The buttons go away with the first answer; a second click before that erases no more."""
    sure = call.asked.name == YES
    text = call.say("forget-begun" if sure else "forget-cancelled")
    if await call.replies.update(Body(content=text)) and sure:
        await _forget(call)


async def _forget(call: Call) -> None:
    """Our messages first: where they are is erased with the rest."""
    ordered = await call.desk.takedowns.order(call.person.id)
    try:
        erased = await _erase(call)
    except grpc.aio.AioRpcError as error:
        log.warning("erasing broke off", reason=error.code().name)
        await call.show(call.say("forget-broke"))
        return
    left = await _taken_down(call, ordered)
    if not (erased or ordered):
        await call.show(call.say("forget-nothing"))
        return
    conversations = call.counted("erased", erased)
    messages = call.counted("removed", len(ordered) - left)
    told = [call.say("forget-done", conversations=conversations, messages=messages)]
    if left:
        told.append(call.say("forget-left", left=left))
    await call.show("\n".join(told))


async def _erase(call: Call) -> int:
    """How many conversations. Raises AioRpcError."""
    request = pb.EraseRequest(channel=CHANNEL, person=person_of(call.person.id))
    done, told_at = 0, time.monotonic()
    async for told in call.desk.archive.Erase(request, timeout=_ERASING_S):
        done = told.conversations
        if time.monotonic() - told_at > _PROGRESS_S:
            told_at = time.monotonic()
            total = told.conversations_total
            await call.show(call.say("forget-progress", done=done, total=total))
    return done


async def _taken_down(call: Call, ordered: list[str]) -> int:
    """Waits a while until our messages are gone; returns how many are not."""
    until = time.monotonic() + _TAKING_DOWN_S
    while True:
        try:
            left = await call.desk.takedowns.left(ordered) if ordered else 0
        except Unavailable:
            left = len(ordered)
        if not left or time.monotonic() > until:
            return left
        await asyncio.sleep(0.5)


FORGET = Command("oublier", "forget", _ask, buttons={"forget": _pressed})
