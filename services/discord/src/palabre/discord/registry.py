"""Who our bots are, on whichever replica they run: so that all decide the same who answers."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable

from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.discord.routing import Bot

EVERY_S = 20.0
ABSENT_S = 90.0  # whoever was not heard of for so long does not answer
_BOTS = "$KV.discord.bots"


class Registry:
    """`present` are the bots of this process that are connected."""

    def __init__(
        self, bus: Bus, present: Callable[[], list[Bot]], clock: Callable[[], float] = time.time
    ) -> None:
        self._bus, self._present, self._clock = bus, present, clock
        self._others: dict[str, tuple[float, Bot]] = {}

    @property
    def bots(self) -> dict[str, Bot]:
        """By name."""
        since = self._clock() - ABSENT_S
        known = {name: bot for name, (seen, bot) in self._others.items() if seen > since}
        return known | {bot.name: bot for bot in self._present()}

    async def keep_current(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with contextlib.suppress(Unavailable):
                await self.refresh()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY_S)

    async def refresh(self) -> None:
        """Tells which of ours are here, and reads which are elsewhere. Raises Unavailable."""
        for bot in self._present():
            entry = {"user": bot.user, "servers": sorted(bot.servers), "seen": self._clock()}
            await self._bus.put(f"{_BOTS}.{bot.name}", json.dumps(entry).encode())
        for raw in await self._bus.raw("KV_discord", {"multi_last": [f"{_BOTS}.>"]}):
            if raw.data:
                name, entry = raw.subject.removeprefix(f"{_BOTS}."), json.loads(raw.data)
                bot = Bot(name, entry["user"], frozenset(entry["servers"]))
                self._others[name] = (entry["seen"], bot)
