"""Messages of ours that shall go because the person whom they answered wants to be forgotten.

They are written down before anything is erased, by bot: whichever replica holds the bot's lease
takes them down, now, after a restart, or once it is back.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from palabre.chassis.bus import Bus
from palabre.chassis.direct_get import Raw
from palabre.chassis.errors import Unavailable
from palabre.discord.calls import Refused, Unreachable
from palabre.discord.posts import Posts

log = structlog.get_logger()

EVERY_S = 2.0
AGAIN_S = 600.0  # after Discord refused it: a locked post may be opened again
GIVEN_UP_S = 86_400.0
_ENTRIES = "$KV.discord.takedown."


class Deleting(Protocol):
    """What this needs of a bot's Discord."""

    async def delete(self, channel: int, message: int) -> None:
        """One that is gone is no error. Raises Refused, Unreachable."""


class Takedowns:
    """Everything raises Unavailable."""

    def __init__(self, bus: Bus, posts: Posts, clock: Callable[[], float] = time.time) -> None:
        self._bus, self._posts, self._clock = bus, posts, clock

    async def order(self, author: int, cause: int) -> int:
        """Writes down every message of ours that answers this person; returns how many."""
        posts = await self._posts.of_author(author)
        made = [f"{p.bot}.{p.channel}.{message}" for p in posts for message in p.answers]
        data = json.dumps({"since": self._clock(), "cause": cause}).encode()
        for entry in made:
            await self._bus.put(f"{_ENTRIES}{entry}", data)
        return len(made)

    async def left(self, cause: int) -> int:
        """How many of those that were ordered so are still there."""
        found = await self._bus.raw("KV_discord", {"next_by_subj": f"{_ENTRIES}>"})
        return sum(json.loads(entry.data or b"{}").get("cause") == cause for entry in found)

    async def carry_out(self, bot: str, discord: Deleting) -> None:
        """While the bot's lease is held."""
        refused: dict[str, float] = {}
        while True:
            for entry in await self._due(bot):
                if refused.get(entry.subject, 0) < self._clock():
                    await self._take_down(entry, discord, refused)
            await asyncio.sleep(EVERY_S)

    async def _due(self, bot: str) -> list[Raw]:
        try:
            return await self._bus.raw("KV_discord", {"next_by_subj": f"{_ENTRIES}{bot}.>"})
        except Unavailable:
            return []

    async def _take_down(self, entry: Raw, discord: Deleting, refused: dict[str, float]) -> None:
        channel, message = map(int, entry.subject.split(".")[-2:])
        try:
            await discord.delete(channel, message)
        except (Refused, Unreachable) as error:
            refused[entry.subject] = self._clock() + AGAIN_S
            if self._clock() - json.loads(entry.data)["since"] < GIVEN_UP_S:
                return
            log.warning("a message stays", channel=channel, message=message, reason=str(error))
        try:
            await self._bus.overwrite("KV_discord", entry.sequence)
        except Unavailable:
            return  # it is gone there, and is found gone the next time
