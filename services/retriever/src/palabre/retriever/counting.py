"""Counts what becomes of documents, and looks how large the index is."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1.retriever_pb2 import IngestResponse
from palabre.retriever.errors import InvalidDocument
from palabre.retriever.index.port import Index
from palabre.retriever.metrics import DOCUMENTS, INDEX_PASSAGES

LOOK_EVERY_S = 15.0


async def counted(steps: AsyncGenerator[IngestResponse]) -> AsyncGenerator[IngestResponse]:
    """The same steps; what became of the document is counted once they end."""
    outcome, is_switched = "broken_off", False
    try:
        async with contextlib.aclosing(steps):
            async for progress in steps:
                is_switched = is_switched or progress.step.name == "switched"
                if progress.HasField("done"):
                    outcome = "ingested" if is_switched else "unchanged"
                yield progress
    except InvalidDocument:
        outcome = "refused"
        raise
    except Unavailable:
        outcome = "unavailable"
        raise
    finally:
        DOCUMENTS.labels(outcome).inc()


async def watch_index(
    index: Index,
    spaces: Callable[[], Iterable[str]],
    stop: asyncio.Event,
    every_s: float = LOOK_EVERY_S,
) -> None:
    """While the index is away, what was last known."""
    known: set[str] = set()
    while not stop.is_set():
        now = set(spaces())
        for space in known - now:
            INDEX_PASSAGES.remove(space)
        for space in now:
            with contextlib.suppress(Unavailable):
                INDEX_PASSAGES.labels(space).set(await index.count(space))
        known = now
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), every_s)
