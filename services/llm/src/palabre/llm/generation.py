"""A completion that runs beside whoever reads it."""

import asyncio
from types import TracebackType
from typing import Self

from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm.coalescing import Coalescer
from palabre.llm.engines import Pieces


class Generation:
    """Begins when entered, stops when left. `usage` is known once `texts` has ended."""

    def __init__(self, pieces: Pieces, texts: Coalescer) -> None:
        self.texts = texts
        self.usage = Usage()
        self._pieces = pieces
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._close)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """No further text comes; what the call took until now is noted."""
        if task := self._task:
            self._task = None  # its error knows its frame, which knows us
            task.cancel()
            await asyncio.wait([task])
        await self._pieces.aclose()

    async def _run(self) -> None:
        async for piece in self._pieces:
            if isinstance(piece, Usage):
                self.usage = piece
            else:
                self.texts.put(piece)
                await self.texts.rest()

    def _close(self, task: asyncio.Task[None]) -> None:
        self.texts.close(None if task.cancelled() else task.exception())
