"""Commands that take long: written down while they run, and run again after a restart."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict

from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.discord.by_token import GOOD_S
from palabre.discord.calls import patiently
from palabre.discord.interactions import Interaction
from palabre.discord.messages import Person
from palabre.discord.posts import said_at

_ENTRIES = "$KV.discord.begun."


class Begun:
    """Those of one bot, in the bucket `discord`, with what was asked for, while they run."""

    def __init__(self, bot: str, bus: Bus, clock: Callable[[], float] = time.time) -> None:
        self._bot, self._bus, self._clock = bot, bus, clock

    @contextlib.asynccontextmanager
    async def noted(self, asked: Interaction) -> AsyncIterator[None]:
        """Until it is over. Cancelled, or killed, it stays for `left`. Raises Unavailable."""
        entry = f"{_ENTRIES}{self._bot}.{asked.id}"
        sequence = (await self._bus.put(entry, json.dumps(asdict(asked)).encode())).seq
        is_over = True
        try:
            yield
        except asyncio.CancelledError:
            is_over = False
            raise
        finally:
            if is_over:
                await self._remove(sequence)

    async def left(self) -> list[Interaction]:
        """Takes what was broken off, and can still be answered; waits for the bus."""
        query = {"next_by_subj": f"{_ENTRIES}{self._bot}.*"}
        entries = await patiently(lambda: self._bus.raw("KV_discord", query), Unavailable)
        for entry in entries:
            await self._remove(entry.sequence)
        found = [_decoded(entry.data) for entry in entries]
        return [each for each in found if self._clock() - said_at(each.id) < GOOD_S]

    async def _remove(self, sequence: int) -> None:
        """With its words, which are a person's. What stays is not run again: it is too old."""
        with contextlib.suppress(Unavailable):
            await self._bus.overwrite("KV_discord", sequence)


def _decoded(data: bytes) -> Interaction:
    values = json.loads(data)
    person = values.pop("person")
    roles = tuple(person.pop("roles"))
    return Interaction(person=Person(roles=roles, **person), **values)
