"""The index of all spaces: several generations of each may exist, one of them serves.

What is asked goes to the one that serves; what is written goes to it and to those being built.
Replicas learn of a switch by `refresh`, or at the latest when what served is gone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

import structlog

from palabre.contracts.v1.retriever_pb2 import DocumentEntry
from palabre.retriever.engines import Embedder
from palabre.retriever.index.embedding import PATIENCE_S, Embedding
from palabre.retriever.index.generation import (
    Generation,
    Shape,
    State,
    name_of_snapshot,
    snapshot_of,
)
from palabre.retriever.index.port import DENSE, NO_MEANING, Collections, Gone, Meaning, Sketch
from palabre.retriever.index.ranking import Ranked
from palabre.retriever.metrics import SEARCHES_WITHOUT_MEANING
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import TWINS, Sparse

log = structlog.get_logger()

# A search that began in what served before ends in it.
GRACE_S = 60.0

# The embedder that these settings make, if it can be made here.
Recall = Callable[[Mapping[str, Any]], Embedder | None]


def nobody(recipe: Mapping[str, Any]) -> None:
    """No embedder but the wanted one can be made."""


class Generations:
    """Safe to share between tasks. Owns the collections."""

    def __init__(
        self,
        collections: Collections,
        embedder: Embedder | None = None,
        recipe: Mapping[str, Any] | None = None,
        recall: Recall = nobody,
        patience_s: float = PATIENCE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`recipe` are the settings that make this embedder, `patience_s` what a search waits.

        Passages are to be cut for its `window`, if there is one.
        """
        self._collections, self._recipe, self._recall = collections, dict(recipe or {}), recall
        self._patience_s, self._clock = patience_s, clock
        self._embeddings: dict[str, Embedding | None] = {"": None}
        self.wanted, self.window = Shape(), embedder
        if embedder:
            self.wanted = Shape(
                embedder=embedder.name, size=embedder.size, longest=embedder.longest
            )
            self._embeddings[embedder.name] = Embedding(embedder, patience_s, clock)
        self._states: dict[str, State] = {}
        self._retired: dict[str, float] = {}
        self._beginning = asyncio.Lock()

    async def meaning(self, space: str, questions: Sequence[str]) -> Meaning:
        serving = await self._serving(space)
        if not serving or not serving.shape.embedder or not questions:
            return NO_MEANING
        if embedding := self._embedding(serving):
            return await embedding.questions(questions)
        SEARCHES_WITHOUT_MEANING.labels("unknown").inc()
        return NO_MEANING

    async def rank(
        self,
        space: str,
        questions: Sequence[Mapping[str, Sparse]],
        tiers: Collection[str],
        limit: int,
        meaning: Meaning = NO_MEANING,
        folder: str = "",
    ) -> list[list[Ranked]]:
        def ask(generation: Generation) -> Awaitable[list[list[Ranked]]]:
            asked = _with_meaning(questions, meaning, generation.shape)
            return self._collections.rank(generation, asked, tiers, limit, folder)

        fields = sum(len(question) + bool(meaning) for question in questions)
        return await self._read(space, ask, [[] for _ in range(fields)])

    async def fetch(self, space: str, ids: Sequence[str]) -> dict[str, Indexed]:
        """Also from what served a moment ago: its ids may have been found there."""

        async def ask(generation: Generation) -> dict[str, Indexed]:
            found = await self._collections.fetch(generation, ids)
            for earlier in reversed(self._state(space).retired):
                missing = [identity for identity in ids if identity not in found]
                if missing:
                    found |= await self._fetched_late(earlier, missing)
            return found

        return await self._read(space, ask, {})

    async def rarity(self, space: str, terms: Sequence[int], tiers: Collection[str]) -> list[float]:
        return await self._read(
            space, lambda g: self._collections.rarity(g, terms, tiers), [0.0] * len(terms)
        )

    async def ids(self, space: str, document: str) -> set[str]:
        return await self._read(space, lambda g: self._collections.ids(g, document), set())

    async def count(self, space: str) -> int:
        return await self._read(space, self._collections.count, 0)

    async def sketches(self, space: str, tiers: Collection[str]) -> AsyncIterator[list[Sketch]]:
        """Of what serves when it begins."""
        if (serving := await self._serving(space)) and TWINS in serving.shape.fields:
            page, offset = await self._collections.sketches(serving, tiers)
            yield page
            while offset is not None:
                page, offset = await self._collections.sketches(serving, tiers, offset)
                yield page

    async def shelves(self, space: str) -> "list[Shelf]":
        """What a change is written to: first what serves, which is made if need be.

        As it is now: what began to be built before this call is among them.
        """
        state = await self._look(space)
        if not state.serving:
            state = await self._begun(space)
        written = [state.serving, *state.building]
        return [self._shelf(generation, state) for generation in written if generation]

    async def _begun(self, space: str) -> State:
        """With a first generation, which serves at once."""
        async with self._beginning:
            if not (await self._look(space)).serving:
                await self._collections.serve(await self._create(space, 1))
            return await self._look(space)

    async def shelf(self, generation: Generation) -> "Shelf":
        return self._shelf(generation, await self._look(generation.space))

    async def new_shelf(self, space: str) -> "Shelf":
        """A further generation, of the wanted shape, that searches do not see yet."""
        state = await self._look(space)
        generation = await self._create(space, state.next_number)
        return self._shelf(generation, await self._look(space))

    async def serve(self, shelf: "Shelf") -> None:
        await self._collections.serve(shelf.generation)
        await self._look(shelf.generation.space)

    async def state(self, space: str) -> State:
        """As it is now."""
        return await self._look(space)

    async def snapshots(self, space: str = "") -> list[str]:
        """Under which names the index has those of a space, or all; as it is now."""
        found = await self._collections.states()
        beginning = snapshot_of(space, "") if space else ""
        return sorted(s for s in found if name_of_snapshot(s) and s.startswith(beginning))

    async def snapshot(self, name: str) -> "Shelf":
        """One of `snapshots`. Raises Gone."""
        state = await self._look(name)
        if state.serving:
            return self._shelf(state.serving, state)
        raise Gone("this snapshot of the knowledge was dropped")

    async def size(self, generation: Generation) -> int:
        """Its passages."""
        return await self._collections.count(generation)

    async def refresh(self) -> None:
        """Notices what other replicas have switched, made and dropped."""
        self._states = await self._collections.states()
        for state in list(self._states.values()):
            if state.serving and state.serving.shape.embedder not in self._embeddings:
                await asyncio.to_thread(self._embedding, state.serving)

    @property
    def spaces(self) -> list[str]:
        """Those that had generations when last refreshed; no snapshots."""
        return sorted(space for space in self._states if not name_of_snapshot(space))

    @property
    def unfinished(self) -> list[str]:
        """Those whose next generation, as wanted here, was begun."""
        building = {space: state.building for space, state in self._states.items()}
        return [s for s, found in building.items() if found and found[-1].shape == self.wanted]

    def outdated(self, space: str) -> bool:
        """Its passages or vectors are made otherwise by now."""
        serving = self._state(space).serving
        return serving is not None and serving.shape != self.wanted

    async def forget_retired(self, grace_s: float = GRACE_S) -> None:
        """Drops what has not served for so long, as far as this process has seen."""
        now = self._clock()
        retired = [g for state in self._states.values() for g in state.retired]
        self._retired = {g.name: self._retired.get(g.name, now) for g in retired}
        for generation in retired:
            if now - self._retired[generation.name] >= grace_s:
                await self.forget(generation)

    async def forget(self, generation: Generation) -> None:
        """Drops it."""
        await self._collections.drop(generation)
        await self._look(generation.space)
        log.info("dropped a generation", space=generation.space, generation=generation.label)

    async def drop(self, space: str) -> None:
        """Forgets the space."""
        for generation in (await self._look(space)).all:
            await self._collections.drop(generation)
        await self._look(space)

    async def close(self) -> None:
        await self._collections.close()
        for embedding in self._embeddings.values():
            if embedding:
                await embedding.close()

    async def _read[R](
        self, space: str, ask: Callable[[Generation], Awaitable[R]], nothing: R
    ) -> R:
        serving = await self._serving(space)
        if not serving:
            return nothing
        try:
            return await ask(serving)
        except Gone:
            serving = (await self._look(space)).serving
            return await ask(serving) if serving else nothing

    async def _fetched_late(self, generation: Generation, ids: Sequence[str]) -> dict[str, Indexed]:
        try:
            return await self._collections.fetch(generation, ids)
        except Gone:
            return {}

    async def _serving(self, space: str) -> Generation | None:
        return (self._states.get(space) or await self._look(space)).serving

    def _state(self, space: str) -> State:
        return self._states.get(space, State())

    async def _look(self, space: str) -> State:
        found = (await self._collections.states(space)).get(space)
        if found:
            self._states[space] = found
        else:
            self._states.pop(space, None)
        return found or State()

    async def _create(self, space: str, number: int) -> Generation:
        generation = Generation(space, number, self.wanted, self._recipe)
        await self._collections.create(generation)
        log.info("made a generation", space=space, generation=generation.label)
        return generation

    def _shelf(self, generation: Generation, state: State) -> "Shelf":
        serves = generation == state.serving
        return Shelf(self._collections, generation, self._embedding(generation), serves)

    def _embedding(self, generation: Generation) -> Embedding | None:
        name = generation.shape.embedder
        if name not in self._embeddings:
            embedder = self._recall(generation.recipe)
            known = embedder if embedder and embedder.name == name else None
            self._embeddings[name] = (
                Embedding(known, self._patience_s, self._clock) if known else None
            )
            if not known:
                log.warning("searched by words alone: its embedder is unknown", embedder=name)
        return self._embeddings[name]

    def _recalled(self, generation: Generation) -> Embedding | None:
        """Blocks while a model is loaded, once."""
        embedder = self._recall(generation.recipe)
        if embedder and embedder.name == generation.shape.embedder:
            return Embedding(embedder, self._patience_s, self._clock)
        log.warning("searched by words alone: its embedder is unknown", space=generation.space)
        return None


class Shelf:
    """A generation that is written to. Every method may raise Unavailable."""

    def __init__(
        self,
        collections: Collections,
        generation: Generation,
        embedding: Embedding | None,
        serves: bool,
    ) -> None:
        self.generation, self.serves = generation, serves
        self._collections, self._embedding = collections, embedding

    @property
    def said(self) -> dict[str, str]:
        """For the log."""
        return {"space": self.generation.space, "generation": self.generation.label}

    async def add(self, passages: Sequence[Indexed]) -> None:
        """Writes them hidden, with the vectors that this generation has."""
        vectors = await self._embedding.passages(passages) if self._embedding else []
        await self._collections.add(self.generation, passages, vectors)

    async def switch(
        self, shown: Sequence[str], tier: str, version: str, removed: Sequence[str]
    ) -> None:
        await self._collections.switch(self.generation, shown, tier, version, removed)

    async def ids(self, document: str) -> set[str]:
        return await self._collections.ids(self.generation, document)

    async def fetch(self, ids: Sequence[str]) -> dict[str, Indexed]:
        return await self._collections.fetch(self.generation, ids)

    async def whole(self, entry: DocumentEntry) -> int:
        """How many passages it has of a document that is shown in this version; 0 when parts of it
        are hidden still, or others are there."""
        generation, document = self.generation, entry.document
        shown = await self._collections.shown(generation, document, entry.version, entry.tier)
        return shown if shown == len(await self.ids(document)) else 0


def _with_meaning(
    questions: Sequence[Mapping[str, Sparse]], meaning: Meaning, shape: Shape
) -> list[Mapping[str, Any]]:
    """Vectors of another embedder are left empty: they find nothing."""
    if not meaning:
        return list(questions)
    ours = meaning.embedder == shape.embedder
    return [
        {**question, DENSE: vector if ours else ()}
        for question, vector in zip(questions, meaning.vectors, strict=True)
    ]
