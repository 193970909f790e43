"""A Palabre that may be killed, whose answers come from the stand-in for a model."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from palabre.cli.testing import Running, running
from tests.standins.model import Model


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
