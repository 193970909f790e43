"""What people chose by /persona and /modele, by the channel, post or direct messages."""

import asyncio
import contextlib
import json
from dataclasses import asdict, replace

from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.discord.messages import Place
from palabre.discord.routing import Choice

REFRESH_S = 1.0
_ENTRIES = "$KV.discord.choice."


class Choices:
    """In the bucket `discord`, an entry per channel; a local copy follows it.

    What the people of a post or thread did not choose, those of its forum or channel did.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus, self._seen = bus, 0
        self._own: dict[int, Choice] = {}

    def of(self, place: Place) -> Choice:
        """What holds there; empty parts were chosen by nobody."""
        own = self._own.get(place.channel, Choice())
        parents = self._own.get(place.parent or 0, Choice())
        return Choice(own.persona or parents.persona, own.model or parents.model)

    async def choose(self, channel: int, **parts: str) -> None:
        """Changes these parts, `persona` and `model`, of the channel's own. Raises Unavailable."""
        chosen = replace(self._own.get(channel, Choice()), **parts)
        await self._bus.put(f"{_ENTRIES}{channel}", json.dumps(asdict(chosen)).encode())
        self._own[channel] = chosen

    async def refresh(self) -> None:
        """Takes what was chosen since the last time. Raises Unavailable."""
        query = {"next_by_subj": f"{_ENTRIES}*", "seq": self._seen + 1}
        for entry in await self._bus.raw("KV_discord", query):
            values = json.loads(entry.data or b"{}")
            chosen = Choice(values.get("persona", ""), values.get("model", ""))
            self._own[int(entry.subject.removeprefix(_ENTRIES))] = chosen
            self._seen = entry.sequence

    async def keep_current(self, stop: asyncio.Event) -> None:
        """Another replica may have another bot of the same channel."""
        while not stop.is_set():
            with contextlib.suppress(Unavailable):
                await self.refresh()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REFRESH_S)
