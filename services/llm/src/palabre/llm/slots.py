"""How many calls each engine has in hand at the same time; further ones wait, in turn."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

from palabre.llm import meters
from palabre.llm.errors import NoSlot


class Slots:
    """An engine without a bound takes any number."""

    def __init__(self, bounds: Mapping[str, int]) -> None:
        self._free = {name: asyncio.Semaphore(bound) for name, bound in bounds.items()}

    @contextlib.asynccontextmanager
    async def taken(self, engine: str, within_s: float) -> AsyncIterator[None]:
        """Raises NoSlot."""
        if not (free := self._free.get(engine)):
            yield
            return
        with meters.waiting(engine):
            try:
                async with asyncio.timeout(within_s):
                    await free.acquire()
            except TimeoutError:
                raise NoSlot(f"all calls to {engine} are in hand") from None
        try:
            yield
        finally:
            free.release()
