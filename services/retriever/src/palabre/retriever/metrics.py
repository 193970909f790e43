"""What is counted of searches, documents and the index."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable

from prometheus_client import Counter, Gauge, Histogram

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1.retriever_pb2 import IngestResponse
from palabre.retriever.errors import InvalidDocument
from palabre.retriever.index.port import Index

LOOK_EVERY_S = 15.0

SEARCH_SECONDS = Histogram(
    "palabre_search_seconds",
    "Searches, from the question to its passages",
    buckets=(
        0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ),
)  # fmt: skip
SEARCH_PASSAGES = Histogram(
    "palabre_search_passages", "Passages that a search found", buckets=(0, 1, 2, 4, 6, 8, 12, 50)
)
DOCUMENTS = Counter(
    "palabre_documents_total",
    "Documents that were sent: ingested, unchanged, refused, unavailable or broken_off",
    ["outcome"],
)
INDEX_PASSAGES = Gauge("palabre_index_passages", "Passages in the index", ["space"])


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
