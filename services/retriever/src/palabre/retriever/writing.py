"""How a document's passages get into generations: hidden first, then shown in one step."""

from collections.abc import AsyncGenerator, Sequence
from itertools import batched

import structlog

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, IngestResponse
from palabre.retriever.index.generations import Shelf
from palabre.retriever.passages import Indexed

log = structlog.get_logger()

# Passages between two words about progress.
STEP = 256


class Written:
    """What of a document is in which generations by now."""

    def __init__(self, document: str, passages: Sequence[Indexed]) -> None:
        self._document, self._passages = document, passages
        self._ready: list[tuple[Shelf, set[str]]] = []

    async def into(self, shelves: Sequence[Shelf]) -> AsyncGenerator[IngestResponse]:
        """Writes what is not there yet, hidden. Raises Unavailable.

        A generation that is still being built and cannot take it now has it later, from its build.
        """
        for shelf in shelves:
            existing = await shelf.ids(self._document)
            new = [p for p in self._passages if p.passage.id not in existing]
            try:
                for number, batch in enumerate(batched(new, STEP)):
                    await shelf.add(batch)
                    yield step("embedded", number * STEP + len(batch), len(new))
            except Unavailable:
                if shelf.serves:
                    raise
                log.warning("left to the build of the new generation", **shelf.said)
                continue
            self._ready.append((shelf, existing))

    async def show(self, entry: DocumentEntry) -> None:
        """And forgets what was shown before."""
        for shelf, existing in self._ready:
            await switch(shelf, entry, self._passages, existing)


async def switch(
    shelf: Shelf, entry: DocumentEntry, passages: Sequence[Indexed], existing: set[str]
) -> None:
    """Shows these passages; forgets the document's others."""
    shown = [p.passage.id for p in passages]
    await shelf.switch(shown, entry.tier, entry.version, sorted(existing - set(shown)))


def step(name: str, passages: int = 0, total: int = 0) -> IngestResponse:
    response = IngestResponse()
    response.step.name = name
    response.step.passages = passages
    response.step.passages_total = total
    return response
