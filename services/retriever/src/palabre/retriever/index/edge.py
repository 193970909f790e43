"""Qdrant Edge: the engine inside this process, a shard per space. One process owns the folder.

Edge holds the GIL while it writes: hence small batches, so that the event loop never stands still.
`optimize()` holds it for seconds: only `compacting` calls it, in a process of its own.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched, repeat
from pathlib import Path
from typing import Any, Self

from qdrant_edge import (
    CountRequest,
    Distance,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    FieldCondition,
    Filter,
    MatchAny,
    MatchValue,
    Modifier,
    PayloadSchemaType,
    Point,
    Query,
    QueryBatchRequest,
    QueryRequest,
    ScrollRequest,
    SparseVector,
    UpdateOperation,
)

from palabre.retriever.engines import Embedder
from palabre.retriever.index.compacting import compact
from palabre.retriever.index.generation import Generation, Shape, State
from palabre.retriever.index.generations import Generations
from palabre.retriever.index.port import DENSE, Gone, Sketch, Vector
from palabre.retriever.index.precedence import Precedence
from palabre.retriever.index.ranking import Ranked, ranking
from palabre.retriever.index.records import (
    ACCESS,
    DOCUMENT,
    FILTERED,
    answers,
    from_record,
    kept_terms,
    payload_of,
    unseen,
    wanted,
)
from palabre.retriever.index.shard_files import ShardFiles
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import TEXT, TWINS, Sparse, of_passage

# Points a write: 3 ms of GIL.
_BATCH = 32
# Points between flushes, which hold the GIL for tens of ms however few there are; until then the
# write-ahead log keeps them, from which they are read again in half a second.
_FLUSH_EVERY = 4_000
_PAGE = 1_000


class EdgeIndex(Generations):
    """All spaces in one folder."""

    @classmethod
    async def open(cls, folder: Path, embedder: Embedder | None = None, **rest: Any) -> Self:
        """`rest` is for Generations. Raises IndexInUse."""
        index = cls(await EdgeShards.open(folder), embedder, **rest)
        await index.refresh()
        return index


class EdgeShards:
    """Writes run in one thread, searches in another and first; a lock makes a switch one step."""

    def __init__(self, folder: Path) -> None:
        self._files = ShardFiles(folder)
        self._shards: dict[str, EdgeShard] = {}
        self._unflushed: dict[str, int] = {}
        self._switching, self._precedence = threading.Lock(), Precedence()
        self._writer = ThreadPoolExecutor(1, "index-write")
        self._reader = ThreadPoolExecutor(1, "index-read")

    @classmethod
    async def open(cls, folder: Path) -> Self:
        """Loads all generations now, because loading holds the GIL. Raises IndexInUse."""
        shards = cls(folder)
        for generation in await shards._write(shards._files.open):
            await compact(shards._files.folder(generation))
            await shards._write(shards._load, generation)
        return shards

    async def states(self, space: str | None = None) -> dict[str, State]:
        return {
            name: state for name, state in self._files.states().items() if space in (None, name)
        }

    async def create(self, generation: Generation) -> None:
        await self._write(self._create, generation)

    async def serve(self, generation: Generation) -> None:
        await self._write(self._files.serve, generation)

    async def drop(self, generation: Generation) -> None:
        await self._write(self._drop, generation)

    async def rank(
        self,
        generation: Generation,
        questions: Sequence[Mapping[str, Sparse | Vector]],
        tiers: Collection[str],
        limit: int,
        folder: str = "",
    ) -> list[list[Ranked]]:
        allowed = _of_tiers(tiers, folder)
        asked = [(f, vector) for question in questions for f, vector in question.items()]
        requests = {
            place: QueryRequest(limit=limit, query=_nearest(vector, field), filter=allowed)
            for place, (field, vector) in enumerate(asked)
            if answers(generation.shape, field, vector)
        }
        shard = self._shard(generation)
        batch = QueryBatchRequest(list(requests.values()))
        found = await self._search(self._rank, shard, batch, limit) if requests else []
        placed = dict(zip(requests, found, strict=True))
        return [placed.get(place, []) for place in range(len(asked))]

    async def fetch(self, generation: Generation, ids: Sequence[str]) -> dict[str, Indexed]:
        shard, fields = self._shard(generation), kept_terms(generation.shape)
        return await self._search(_fetch, shard, list(ids), fields) if ids else {}

    async def rarity(
        self, generation: Generation, terms: Sequence[int], tiers: Collection[str]
    ) -> list[float]:
        shard, mine = self._shard(generation), _of_tiers(tiers)
        return await self._search(_rarity, shard, terms, mine) if terms else []

    async def ids(self, generation: Generation, document: str) -> set[str]:
        return await self._read(_ids, self._shard(generation), document)

    async def count(self, generation: Generation) -> int:
        return await self._read(self._shard(generation).count, CountRequest())

    async def sketches(
        self, generation: Generation, tiers: Collection[str], offset: Any = None
    ) -> tuple[list[Sketch], Any]:
        return await self._read(_sketches, self._shard(generation), _of_tiers(tiers), offset)

    async def shown(self, generation: Generation, document: str, version: str, tier: str) -> int:
        values = {DOCUMENT: document, "version": version, ACCESS: tier}
        conditions = [FieldCondition(key=key, match=MatchValue(values[key])) for key in values]
        request = CountRequest(filter=Filter(must=list(conditions)))
        return await self._read(self._shard(generation).count, request)

    async def add(
        self, generation: Generation, passages: Sequence[Indexed], vectors: Sequence[Vector]
    ) -> None:
        for batch in batched(zip(passages, vectors or repeat(()), strict=False), _BATCH):
            await self._precedence.write()
            await self._write(self._add, generation, batch)

    async def switch(
        self,
        generation: Generation,
        shown: Sequence[str],
        tier: str,
        version: str,
        removed: Sequence[str],
    ) -> None:
        await self._write(self._switch, generation, shown, tier, version, removed)

    async def close(self) -> None:
        await self._write(self._close)
        self._reader.shutdown()
        self._writer.shutdown()

    async def _search[**P, R](self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        with self._precedence.search():
            return await self._read(call, *args, **kwargs)

    async def _read[**P, R](self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(
            self._reader, lambda: call(*args, **kwargs)
        )

    async def _write[**P, R](self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(
            self._writer, lambda: call(*args, **kwargs)
        )

    def _rank(self, shard: EdgeShard, batch: QueryBatchRequest, limit: int) -> list[list[Ranked]]:
        with self._switching:
            answers = shard.query_batch(batch)
        return [ranking(((str(p.id), p.score) for p in answer), limit) for answer in answers]

    def _load(self, generation: Generation) -> None:
        self._shards[generation.name] = EdgeShard.load(str(self._files.folder(generation)))

    def _shard(self, generation: Generation) -> EdgeShard:
        if shard := self._shards.get(generation.name):
            return shard
        raise Gone(f"{generation.name}: this generation of the index is gone")

    def _create(self, generation: Generation) -> None:
        """Written under another name, so that a crash leaves no half shard under its own."""
        if generation.name in self._shards:
            return
        shard = EdgeShard.create(str(self._files.begun(generation)), _config(generation.shape))
        for key in FILTERED:
            shard.update(UpdateOperation.create_field_index(key, PayloadSchemaType.Keyword))
        shard.close()
        self._shards[generation.name] = EdgeShard.load(str(self._files.finished(generation)))

    def _add(self, generation: Generation, batch: Sequence[tuple[Indexed, Vector]]) -> None:
        points = [_point(indexed, vector, generation.shape) for indexed, vector in batch]
        self._shard(generation).update(UpdateOperation.upsert_points(points))
        self._written(generation, len(points))

    def _switch(
        self,
        generation: Generation,
        shown: Sequence[str],
        tier: str,
        version: str,
        removed: Sequence[str],
    ) -> None:
        """Searches wait, the event loop does not; nobody waits for the disk."""
        shard, payload = self._shard(generation), {ACCESS: tier, "version": version}
        if shard.info().segments_count > 1:
            self._make_writable(generation, shown)
        with self._switching:
            for batch in batched(shown, _BATCH):
                shard.update(UpdateOperation.set_payload(list(batch), payload))
            for batch in batched(removed, _BATCH):
                shard.update(UpdateOperation.delete_points(list(batch)))
        self._written(generation, len(shown) + len(removed))

    def _make_writable(self, generation: Generation, ids: Sequence[str]) -> None:
        """Passages leave segments that are only read when they are changed: eight times the work
        of a change. So they are changed to what they are, while nobody waits."""
        for batch in batched(ids, _BATCH):
            shard = self._shard(generation)
            shard.update(UpdateOperation.delete_payload(list(batch), ["nothing"]))
            self._written(generation, len(batch))

    def _written(self, generation: Generation, points: int) -> None:
        name = generation.name
        self._unflushed[name] = self._unflushed.get(name, 0) + points
        if self._unflushed[name] >= _FLUSH_EVERY:
            _write_out(self._files.folder(generation))
            self._shards[name].flush()
            self._unflushed[name] = 0

    def _drop(self, generation: Generation) -> None:
        if shard := self._shards.pop(generation.name, None):
            with self._switching:
                shard.close()
            self._files.drop(generation)

    def _close(self) -> None:
        for shard in self._shards.values():
            shard.flush()
            shard.close()
        self._shards.clear()
        self._files.close()


def _write_out(folder: Path) -> None:
    """Waits for the disk without the GIL, so that the flush, which holds it, need not: 12 ms."""
    for file in (path for path in folder.rglob("*") if path.is_file()):
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _config(shape: Shape) -> EdgeConfig:
    """Dense vectors are compared one by one: 50,000 of 384 dimensions in 3 to 6 ms."""
    dense = {DENSE: EdgeVectorParams(shape.size, Distance.Cosine)} if shape.size else None
    sparse = {field: EdgeSparseVectorParams(modifier=Modifier.Idf) for field in shape.fields}
    return EdgeConfig(vectors=dense, sparse_vectors=sparse)


def _point(indexed: Indexed, vector: Vector, shape: Shape) -> Point:
    vectors: dict[str, Any] = {
        field: _sparse(sparse)
        for field, sparse in of_passage(indexed).items()
        if field in shape.fields
    }
    if len(vector):
        vectors[DENSE] = list(vector)
    return Point(indexed.passage.id, vectors, payload_of(indexed))


def _sparse(vector: Sparse) -> SparseVector:
    """Any sequence will do."""
    return SparseVector(vector.terms, vector.weights)  # type: ignore[arg-type]


def _nearest(vector: Sparse | Vector, field: str) -> Query:
    if isinstance(vector, Sparse):
        return Query.Nearest(_sparse(vector), using=field)
    return Query.Nearest(list(vector), using=field)


def _fetch(shard: EdgeShard, ids: list[Any], fields: list[str]) -> dict[str, Indexed]:
    found = shard.retrieve(ids, with_payload=True, with_vector=fields)
    return {str(r.id): from_record(str(r.id), r.payload, r.vector) for r in found}


def _rarity(shard: EdgeShard, terms: Sequence[int], allowed: Filter) -> list[float]:
    """A term's score in any passage is its rarity times its weight there."""
    requests = [
        QueryRequest(
            limit=1,
            query=_nearest(Sparse([term], [1.0]), TEXT),
            filter=allowed,
            with_vector=[TEXT],
        )
        for term in terms
    ]
    answers = shard.query_batch(QueryBatchRequest(requests))
    without = unseen(shard.count(CountRequest(exact=False, filter=allowed)))
    return [
        answer[0].score / _weight(answer[0].vector[TEXT], term) if answer else without  # type: ignore
        for term, answer in zip(terms, answers, strict=True)
    ]


def _weight(vector: SparseVector, term: int) -> float:
    return vector.values[vector.indices.index(term)]


def _of_tiers(tiers: Collection[str], folder: str = "") -> Filter:
    bound = wanted(tiers, folder).items()
    return Filter(must=[FieldCondition(key=key, match=MatchAny(values)) for key, values in bound])


def _sketches(shard: EdgeShard, allowed: Filter, offset: Any) -> tuple[list[Sketch], Any]:
    page, following = shard.scroll(
        ScrollRequest(
            offset=offset, limit=_PAGE, filter=allowed, with_payload=False, with_vector=[TWINS]
        )
    )
    vectors: list[tuple[str, Any]] = [(str(record.id), record.vector) for record in page]
    return [Sketch(identity, sorted(each[TWINS].indices)) for identity, each in vectors], following


def _ids(shard: EdgeShard, document: str) -> set[str]:
    of_document = Filter(must=[FieldCondition(key=DOCUMENT, match=MatchValue(document))])
    ids: set[str] = set()
    offset = None
    while True:
        page, offset = shard.scroll(
            ScrollRequest(offset=offset, limit=_PAGE, filter=of_document, with_payload=False)
        )
        ids.update(str(record.id) for record in page)
        if offset is None:
            return ids
