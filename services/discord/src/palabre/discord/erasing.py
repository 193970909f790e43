"""Everything that is kept of a person is erased: what somebody confirmed is done, also after a
restart, and while the archive is away it is begun again.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

import grpc
import structlog

from palabre.chassis.bus import Bus
from palabre.chassis.direct_get import Raw
from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import archive_pb2 as pb
from palabre.discord.calls import Gone, Refused, Unreachable
from palabre.discord.interactions import Interaction, Replies
from palabre.discord.messages import Body
from palabre.discord.posts import person_of
from palabre.discord.routing import CHANNEL
from palabre.discord.takedowns import Takedowns
from palabre.discord.texts import counted, say

if TYPE_CHECKING:  # this name is in the stubs' types only
    from palabre.contracts.v1.archive_pb2_grpc import ArchiveServiceAsyncStub

log = structlog.get_logger()

AGAIN_S = 60.0
_ENTRIES = "$KV.discord.erasing."
_ERASING_S = 3_600.0
_PROGRESS_S = 2.0
_TAKING_DOWN_S = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody confirmed, and by which token they are told how it goes."""

    person: int
    interaction: int
    token: str
    language: str
    messages: int  # of ours, to take down

    @classmethod
    def decode(cls, data: bytes) -> Self:
        return cls(**json.loads(data))


class Erasing:
    """For one bot, while its lease is held."""

    def __init__(
        self,
        bot: str,
        bus: Bus,
        archive: "ArchiveServiceAsyncStub",
        takedowns: Takedowns,
        replies: Callable[[int, str], Replies],
    ) -> None:
        self._bot, self._bus, self._archive = bot, bus, archive
        self._takedowns, self._replies = takedowns, replies
        self._more = asyncio.Event()
        self._running: set[str] = set()

    async def order(self, asked: Interaction) -> None:
        """Writes it down. Raises Unavailable.

        Our messages come first: where they are is erased with the rest.
        """
        person = asked.person.id
        messages = await self._takedowns.order(person, asked.id)
        order = Order(person, asked.id, asked.token, asked.language, messages)
        entry = f"{_ENTRIES}{self._bot}.{person}"
        await self._bus.put(entry, json.dumps(asdict(order)).encode())
        self._more.set()

    async def carry_out(self) -> None:
        """What is ordered now, and what was ordered before a restart."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._more.clear()
                for entry in await self._due():
                    self._running.add(entry.subject)
                    tasks.create_task(self._erase(entry))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._more.wait(), AGAIN_S)

    async def _due(self) -> list[Raw]:
        try:
            query = {"next_by_subj": f"{_ENTRIES}{self._bot}.*"}
            found = await self._bus.raw("KV_discord", query)
        except Unavailable:
            return []
        return [entry for entry in found if entry.subject not in self._running]

    async def _erase(self, entry: Raw) -> None:
        order = Order.decode(entry.data)
        try:
            erased = await self._erase_archived(order)
            left = await self._taken_down(order)
            await self._bus.overwrite("KV_discord", entry.sequence)
            await self._tell(order, _outcome(order, erased, left))
        except (Unavailable, grpc.aio.AioRpcError) as error:
            log.warning("erasing broke off", bot=self._bot, reason=type(error).__name__)
            await self._tell(order, say("erasing.broke", order.language))
        finally:
            self._running.discard(entry.subject)

    async def _erase_archived(self, order: Order) -> int:
        """How many conversations. Raises AioRpcError."""
        request = pb.EraseRequest(channel=CHANNEL, person=person_of(order.person))
        done, told_at = 0, time.monotonic()
        async for told in self._archive.Erase(request, timeout=_ERASING_S):
            done = told.conversations
            if time.monotonic() - told_at > _PROGRESS_S:
                told_at = time.monotonic()
                total = told.conversations_total
                text = say("erasing.progress", order.language, done=done, total=total)
                await self._tell(order, text)
        return done

    async def _taken_down(self, order: Order) -> int:
        """Waits a while until our messages are gone; returns how many are not."""
        until = time.monotonic() + _TAKING_DOWN_S
        while True:
            left = await self._takedowns.left(order.interaction)
            if not left or time.monotonic() > until:
                return left
            await asyncio.sleep(0.5)

    async def _tell(self, order: Order, text: str) -> None:
        """As long as the token is good."""
        replies = self._replies(order.interaction, order.token)
        with contextlib.suppress(Gone, Refused, Unreachable):
            await replies.show(Body(content=text))


def _outcome(order: Order, erased: int, left: int) -> str:
    language = order.language
    if not (erased or order.messages):
        return say("erasing.nothing", language)
    conversations = counted("erasing.conversations", erased, language)
    messages = counted("erasing.messages", order.messages - left, language)
    told = [say("erasing.done", language, conversations=conversations, messages=messages)]
    if left:
        told.append(say("erasing.left", language, left=left))
    return "\n".join(told)
