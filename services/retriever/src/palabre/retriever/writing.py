"""How a document's passages get into generations: hidden first, then shown in one step."""

import asyncio
import contextlib
import time
from array import array
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace
from itertools import batched

import structlog

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, IngestResponse
from palabre.retriever.access import narrower
from palabre.retriever.index.generations import Generations, Shelf
from palabre.retriever.index.port import Gone
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import TWINS
from palabre.retriever.weighting import Weighting

log = structlog.get_logger()

# Passages between two words about progress.
STEP = 256


class Written:
    """What of a document is in which generations by now."""

    def __init__(self, document: str, passages: Iterable[Indexed], weighting: Weighting) -> None:
        self._document, self._weighting = document, weighting
        self.passages = list(passages)
        self._ready: list[tuple[Shelf, set[str]]] = []

    async def into(self, shelves: Sequence[Shelf]) -> AsyncGenerator[IngestResponse]:
        """Writes what is not there yet, hidden. Raises Unavailable.

        A generation that is still being built and cannot take it now has it later, from its build.
        """
        for shelf in shelves:
            existing = await shelf.ids(self._document)
            new = [n for n, p in enumerate(self.passages) if p.passage.id not in existing]
            try:
                for number, batch in enumerate(batched(new, STEP)):
                    await self._add(shelf, batch)
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
            await switch(shelf, entry, self.passages, existing)

    async def _add(self, shelf: Shelf, batch: Sequence[int]) -> None:
        """Keeps the sketches alone: all vectors of a long document are hundreds of megabytes."""
        weighted = await self._weighting.of([self.passages[number] for number in batch])
        await shelf.add(weighted)
        for number, each in zip(batch, weighted, strict=True):
            if each.vectors:
                sketch = array("I", each.vectors[TWINS].terms)
                self.passages[number] = replace(each, terms={TWINS: sketch}, vectors={})


async def fill(
    shelf: Shelf,
    weighting: Weighting,
    entry: DocumentEntry,
    passages: Sequence[Indexed],
    existing: set[str],
    *,
    resting: bool,
) -> None:
    """Makes a generation have these passages of a document, and no others.

    `resting` leaves as much time to those who search as it takes itself.
    """
    for batch in batched((p for p in passages if p.passage.id not in existing), STEP):
        begun = time.monotonic()
        await shelf.add(await weighting.of(batch))
        await asyncio.sleep(time.monotonic() - begun if resting else 0)
    await switch(shelf, entry, passages, existing)


async def switch(
    shelf: Shelf, entry: DocumentEntry, passages: Sequence[Indexed], existing: set[str]
) -> None:
    """Shows these passages; forgets the document's others."""
    shown = [p.passage.id for p in passages]
    await shelf.switch(shown, entry.tier, entry.version, sorted(existing - set(shown)))


async def withdraw(index: Generations, space: str, document: str, tier: str | None) -> None:
    """Takes a document from the space's snapshots, unless those who read it there may read it in
    this tier; without a tier it is gone. Raises Unavailable."""
    for name in await index.snapshots(space):
        with contextlib.suppress(Gone):
            shelf = await index.snapshot(name)
            ids = sorted(await shelf.ids(document))
            # A document has one tier.
            for each in (await shelf.fetch(ids[:1])).values():
                if tier is None or narrower(each.passage.tier, tier) != each.passage.tier:
                    await shelf.switch([], "", "", ids)


def same(current: DocumentEntry, entry: DocumentEntry) -> bool:
    """Nothing has changed but the clock."""
    again = DocumentEntry()
    again.CopyFrom(entry)
    again.ingested_at.CopyFrom(current.ingested_at)
    again.changed = current.changed
    return again == current


def step(name: str, passages: int = 0, total: int = 0) -> IngestResponse:
    response = IngestResponse()
    response.step.name = name
    response.step.passages = passages
    response.step.passages_total = total
    return response
