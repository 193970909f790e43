"""A Palabre that may be killed, whose answers come from the stand-in for a model."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from palabre.chassis import nats_config, streams
from palabre.chassis.bus import Bus
from palabre.cli.testing import Running, running
from tests.standins.model import Model


@dataclass(frozen=True, slots=True)
class OneMachine:
    """What `palabre run` starts, as a `System` of a campaign."""

    running: Running

    @property
    def urls(self) -> Sequence[str]:
        return [self.running.url]

    @property
    def token(self) -> str:
        return self.running.token

    def pids(self) -> dict[str, int]:
        return self.running.pids()

    async def bus(self) -> Bus:
        user = streams.OPERATOR
        word = nats_config.passwords(self.running.folder)[user]
        return await Bus.connect(self.running.instance.nats_url, user, user, word)


@asynccontextmanager
async def with_model(
    folder: Path,
    model: str,
    *,
    spaces: Path | None = None,
    endpoints: Sequence[str] = (),
    **settings: str,
) -> AsyncIterator[Running]:
    """Started and ended in a thread, so that the stand-in answers meanwhile.

    It is also behind these further endpoints.
    """
    async with Model().serving() as url:
        chosen = {
            "PALABRE_LLM_BASE_URL": url,
            "PALABRE_LLM_API_KEY": "none",
            "PALABRE_LLM_MODEL": model,
            "PALABRE_LLM_ENDPOINTS": json.dumps({name: {"base_url": url} for name in endpoints}),
            **settings,
        }
        context = running(folder, chosen, spaces=spaces)
        system = await asyncio.to_thread(context.__enter__)
        try:
            yield system
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)
