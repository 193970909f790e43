"""New generations of a space's index, built beside the one that serves, then switched to.

One replica builds: it holds the space's lease. Whatever is changed meanwhile is written to both. A
change that began before this generation was known is waited for: either it saw the generation when
it asked where to write, or its beginning is on record when the build looks. A build that was broken
off goes on where it was: a document that is there as a whole is passed over.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass, field

import structlog

from palabre.chassis.errors import Busy, Unavailable
from palabre.chassis.leases import Leases, MemoryLeases
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, IndexGeneration
from palabre.retriever.catalogue import Catalogue, Change
from palabre.retriever.index.generations import GRACE_S, Generations, Shelf
from palabre.retriever.knowledge import Knowledge

log = structlog.get_logger()

# Between two looks at what other replicas did.
LOOK_S = 2.0
_WAIT_S = 0.2
# From a build that was broken off to its next attempt.
_AGAIN_S = 30.0


@dataclass(slots=True)
class Progress:
    """Of a build; `lost` are documents without an original, which keep what served before."""

    documents: int = 0
    total: int = 0
    lost: list[str] = field(default_factory=list)
    generation: str = ""


class Builder:
    """Builds in the background, a space by one task; looks after what was built."""

    def __init__(
        self,
        knowledge: Knowledge,
        index: Generations,
        catalogue: Catalogue,
        leases: Leases | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        self._knowledge, self._index, self._catalogue = knowledge, index, catalogue
        self._leases, self._grace_s = leases or MemoryLeases(), grace_s
        self._builds: dict[str, tuple[Progress, asyncio.Task[None]]] = {}
        self._due: set[str] = set()
        self._not_before: dict[str, float] = {}

    async def rebuild(self, space: str) -> AsyncGenerator[Progress]:
        """Builds the space anew, or follows the build that goes on. Raises Unavailable.

        The build goes on when nobody listens any more.
        """
        progress, task = self._begin(space)
        while not task.done():
            yield progress
            await asyncio.wait([task], timeout=_WAIT_S)
        try:
            await task
        except Busy:
            message = "another replica is building this space: it goes on there"
            raise Unavailable(message) from None
        yield progress

    async def generations(self, space: str) -> list[IndexGeneration]:
        """Oldest first."""
        state = await self._index.state(space)
        return [
            IndexGeneration(
                name=generation.label,
                state=state.role(generation),
                passages=await self._index.size(generation),
                embedder=generation.shape.embedder,
                dimensions=generation.shape.size,
            )
            for generation in state.all
        ]

    def want(self, spaces: Collection[str]) -> None:
        """These are to be built, and those whose passages or vectors are made otherwise by now.

        Asked once, at the start: while replicas with other settings are being replaced, each would
        otherwise undo what the other built.
        """
        self._due = {*spaces, *(s for s in self._index.spaces if self._index.outdated(s))}

    async def keep(self, stop: asyncio.Event) -> None:
        """Looks after everything until the end; builds then stop, and go on at the next start."""
        while not stop.is_set():
            try:
                await self.look()
            except Unavailable as error:
                log.warning("could not look after the index", reason=str(error))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)
        await self.close()

    async def look(self) -> None:
        """Once: begins what is to be built, drops what served before, settles broken changes."""
        await self._index.refresh()
        await self._index.forget_retired(self._grace_s)
        await self._knowledge.settle()
        now = asyncio.get_running_loop().time()
        for space in {*self._due, *self._index.unfinished}:
            if self._not_before.get(space, now) <= now:
                self._begin(space)

    async def close(self) -> None:
        for _, task in self._builds.values():
            task.cancel()
        await asyncio.gather(*(t for _, t in self._builds.values()), return_exceptions=True)

    def _begin(self, space: str) -> tuple[Progress, asyncio.Task[None]]:
        if space not in self._builds:
            progress = Progress()
            task = asyncio.create_task(self._build(space, progress))
            self._builds[space] = progress, task
            task.add_done_callback(lambda done: self._ended(space, done))
        return self._builds[space]

    def _ended(self, space: str, task: asyncio.Task[None]) -> None:
        del self._builds[space]
        if task.cancelled():
            return
        if not (error := task.exception()):
            self._due.discard(space)
        elif not isinstance(error, Busy):
            log.error("a build was broken off", space=space, reason=str(error))
            self._not_before[space] = asyncio.get_running_loop().time() + _AGAIN_S

    async def _build(self, space: str, progress: Progress) -> None:
        async with self._leases.hold(f"build.{space}"):
            shelf = await self._shelf(space)
            progress.generation = shelf.generation.label
            log.info("building a generation", **shelf.said)
            filling = _Filling(shelf, self._knowledge, self._catalogue, progress)
            await filling.run()
            await self._index.serve(shelf)
            log.info("switched to a generation", documents=progress.total, **shelf.said)
            # What came in this moment and could not be written to both.
            await filling.run()
            await filling.recount()

    async def _shelf(self, space: str) -> Shelf:
        """The unfinished one, if it is as wanted."""
        for generation in (await self._index.state(space)).building:
            if generation.shape == self._index.wanted:
                return await self._index.shelf(generation)
            await self._index.forget(generation)
        return await self._index.new_shelf(space)


class _Filling:
    """Everything that the catalogue has, into a generation."""

    def __init__(
        self, shelf: Shelf, knowledge: Knowledge, catalogue: Catalogue, progress: Progress
    ) -> None:
        self._shelf, self._space = shelf, shelf.generation.space
        self._knowledge, self._catalogue, self._progress = knowledge, catalogue, progress
        self._done: dict[str, int] = {}
        self._recut: set[str] = set()

    async def run(self) -> None:
        """Until nothing is missing. Raises Unavailable."""
        earlier = await self._changes()
        while await self._round() or await self._go_on(earlier):
            pass

    async def recount(self) -> None:
        """Says how many passages documents have that are cut otherwise than before."""
        for document in self._recut:
            async with self._knowledge.turn(self._space, document):
                await self._knowledge.recount(self._shelf, document)

    async def _round(self) -> bool:
        """Whether anything was missing."""
        entries = await self._catalogue.entries(self._space)
        self._progress.total = len(entries)
        missing = [e for e in entries if self._done.get(e.document) != _stamp(e)]
        gone = self._done.keys() - {entry.document for entry in entries}
        for document in gone:
            await self._align(document)
            del self._done[document]
        for entry in missing:
            await self._take(entry)
            self._done[entry.document] = _stamp(entry)
            self._progress.documents = len(self._done)
        return bool(missing or gone)

    async def _take(self, entry: DocumentEntry) -> None:
        if not await self._shelf.whole(entry):
            await self._align(entry.document)
        if await self._shelf.whole(entry) != entry.passages:
            self._recut.add(entry.document)

    async def _align(self, document: str) -> None:
        async with self._knowledge.turn(self._space, document):
            if not await self._knowledge.align(self._shelf, document):
                self._progress.lost.append(document)

    async def _go_on(self, earlier: set[Change]) -> bool:
        """Whether some of these changes had not ended; a little later."""
        if going_on := bool(earlier & await self._changes()):
            await asyncio.sleep(_WAIT_S)
        return going_on

    async def _changes(self) -> set[Change]:
        """That have begun and not ended."""
        return {change for space, change in await self._catalogue.pending() if space == self._space}


def _stamp(entry: DocumentEntry) -> int:
    return hash(entry.SerializeToString(deterministic=True))
