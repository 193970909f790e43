"""Tasks of one bot: one that fails is logged and counted, and the others go on."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any

import structlog

from palabre.discord import metrics

log = structlog.get_logger()


class Work:
    """Everything that a bot does beside listening; it ends with the bot's lease."""

    def __init__(self, bot: str) -> None:
        self._bot = bot
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ended = False

    def start(self, what: str, doing: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """`what` is its kind, for logs and metrics. Raises CancelledError once it has ended."""
        if self._ended:
            doing.close()
            raise asyncio.CancelledError
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(partial(self._done, what))
        return task

    async def end(self) -> None:
        """Cancels all, and waits until they are done; nothing is started any more."""
        self._ended = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _done(self, what: str, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            metrics.FAULTS.labels(what).inc()
            log.error("work on Discord failed", bot=self._bot, work=what, exc_info=error)
