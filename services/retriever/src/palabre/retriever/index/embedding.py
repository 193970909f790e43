"""Dense vectors of passages and questions: in bounded batches, and without holding up a search."""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import batched

import structlog

from palabre.chassis import tracing
from palabre.chassis.errors import Unavailable
from palabre.retriever.engines import Embedder
from palabre.retriever.fitting import embedded
from palabre.retriever.index.port import NO_MEANING, Meaning, Vector
from palabre.retriever.metrics import SEARCHES_WITHOUT_MEANING
from palabre.retriever.passages import Indexed

log = structlog.get_logger()

# Texts a call, and calls at once: however many documents come in.
BATCH = 32
_AT_ONCE = 2
# A search goes without rather than wait longer; after a failure none asks for a while.
PATIENCE_S = 2.0
_PAUSE_S = 5.0


class Embedding:
    """An embedder as the index uses it. Safe to share between tasks."""

    def __init__(
        self,
        embedder: Embedder,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.size = embedder.name, embedder.size
        self._embedder, self._patience_s, self._clock = embedder, patience_s, clock
        self._calls = asyncio.Semaphore(_AT_ONCE)
        self._away_until = 0.0

    async def passages(self, passages: Sequence[Indexed]) -> list[Vector]:
        """In this order. Raises Unavailable."""
        vectors: list[Vector] = []
        for batch in batched(passages, BATCH):
            texts = [embedded(each.passage, self._embedder) for each in batch]
            async with self._calls:
                vectors += await self._embedder.passages(texts)
        return vectors

    async def questions(self, texts: Sequence[str]) -> Meaning:
        """None of them when the embedder is away or slow: it is left in peace for a while."""
        if self._clock() < self._away_until:
            SEARCHES_WITHOUT_MEANING.labels("away").inc()
            return NO_MEANING
        try:
            with tracing.step("embed", tracing.CLIENT, {"palabre.engine": self.name}):
                async with asyncio.timeout(self._patience_s):
                    return Meaning(self.name, await self._embedder.questions(texts))
        except (Unavailable, TimeoutError) as error:
            self._away_until = self._clock() + _PAUSE_S
            SEARCHES_WITHOUT_MEANING.labels("away").inc()
            log.warning("searching by words alone: no embedding", reason=type(error).__name__)
            return NO_MEANING

    async def close(self) -> None:
        await self._embedder.close()
