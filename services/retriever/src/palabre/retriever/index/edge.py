"""Qdrant Edge: the engine inside this process, a shard per space. One process owns the folder.

Edge holds the GIL while it writes: hence small batches, so that the event loop never stands still.
`optimize()` holds it for seconds and sparse search does not need it: it is never called.
"""

import asyncio
import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from pathlib import Path
from typing import IO, Self

from qdrant_edge import (
    CountRequest,
    EdgeConfig,
    EdgeShard,
    EdgeSparseVectorParams,
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

from palabre.retriever.index.port import HIDDEN
from palabre.retriever.index.ranking import Ranked, ranking
from palabre.retriever.index.records import ACCESS, DOCUMENT, from_payload, payload_of, unseen
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import FIELDS, TEXT, Sparse, of_passage

# Counted up when vectors or payloads change: the old folder is left, originals are indexed anew.
LAYOUT = "1"
# Points a write: 3 ms of GIL.
_BATCH = 32
# Points between flushes; until then the write-ahead log keeps them.
_FLUSH_EVERY = 2_000
_PAGE = 1_000


class IndexInUse(RuntimeError):
    """Another process owns the folder."""


class EdgeIndex:
    """Writes run in one thread, searches in another; a lock makes a switch one step."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / LAYOUT
        self._shards: dict[str, EdgeShard] = {}
        self._unflushed: dict[str, int] = {}
        self._switching = threading.Lock()
        self._writer = ThreadPoolExecutor(1, "index-write")
        self._reader = ThreadPoolExecutor(1, "index-read")
        self._lock: IO[str] | None = None

    @classmethod
    async def open(cls, folder: Path) -> Self:
        """Loads all spaces now, because loading holds the GIL. Raises IndexInUse."""
        index = cls(folder)
        await index._write(index._load_all)
        return index

    async def rank(
        self,
        space: str,
        questions: Sequence[Mapping[str, Sparse]],
        tiers: Collection[str],
        limit: int,
    ) -> list[list[Ranked]]:
        shard = self._shards.get(space)
        if not shard:
            return [[] for _ in questions for _ in FIELDS]
        allowed = Filter(must=[FieldCondition(key=ACCESS, match=MatchAny(_tiers(tiers)))])
        requests = [
            QueryRequest(limit=limit, query=_nearest(q[field], field), filter=allowed)
            for q in questions
            for field in FIELDS
        ]
        return await self._read(self._rank, shard, QueryBatchRequest(requests), limit)

    async def fetch(self, space: str, ids: Sequence[str]) -> dict[str, Indexed]:
        shard = self._shards.get(space)
        return await self._read(_fetch, shard, list(ids)) if shard and ids else {}

    async def rarity(self, space: str, terms: Sequence[int]) -> list[float]:
        shard = self._shards.get(space)
        return await self._read(_rarity, shard, terms) if shard and terms else [0.0] * len(terms)

    async def ids(self, space: str, document: str) -> set[str]:
        shard = self._shards.get(space)
        return await self._read(_ids, shard, document) if shard else set()

    async def count(self, space: str) -> int:
        shard = self._shards.get(space)
        return await self._read(shard.count, CountRequest()) if shard else 0

    async def add(self, space: str, passages: Sequence[Indexed]) -> None:
        for batch in batched(passages, _BATCH):
            await self._write(self._add, space, batch)

    async def switch(
        self, space: str, shown: Sequence[str], tier: str, version: str, removed: Sequence[str]
    ) -> None:
        await self._write(self._switch, space, shown, tier, version, removed)

    async def drop(self, space: str) -> None:
        await self._write(self._drop, space)

    async def close(self) -> None:
        await self._write(self._close)
        self._reader.shutdown()
        self._writer.shutdown()

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

    def _load_all(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self._folder / "lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise IndexInUse(
                f"{self._folder}: another process owns this index: stop it, choose another"
                " PALABRE_DATA_DIR, or set PALABRE_QDRANT_URL to share a Qdrant server"
            ) from None
        for path in sorted(p for p in self._folder.iterdir() if p.is_dir()):
            self._shards[path.name] = EdgeShard.load(str(path))

    def _shard(self, space: str) -> EdgeShard:
        if space not in self._shards:
            fields = {f: EdgeSparseVectorParams(modifier=Modifier.Idf) for f in FIELDS}
            (self._folder / space).mkdir()
            shard = EdgeShard.create(str(self._folder / space), EdgeConfig(sparse_vectors=fields))
            for key in (ACCESS, DOCUMENT):
                shard.update(UpdateOperation.create_field_index(key, PayloadSchemaType.Keyword))
            self._shards[space] = shard
        return self._shards[space]

    def _add(self, space: str, passages: Sequence[Indexed]) -> None:
        self._shard(space).update(UpdateOperation.upsert_points([_point(p) for p in passages]))
        self._written(space, len(passages))

    def _switch(
        self, space: str, shown: Sequence[str], tier: str, version: str, removed: Sequence[str]
    ) -> None:
        shard, payload = self._shard(space), {ACCESS: tier, "version": version}
        with self._switching:
            for batch in batched(shown, _PAGE):
                shard.update(UpdateOperation.set_payload(list(batch), payload))
            for batch in batched(removed, _PAGE):
                shard.update(UpdateOperation.delete_points(list(batch)))
        self._written(space, len(shown) + len(removed))

    def _written(self, space: str, points: int) -> None:
        self._unflushed[space] = self._unflushed.get(space, 0) + points
        if self._unflushed[space] >= _FLUSH_EVERY:
            _write_out(self._folder / space)
            self._shards[space].flush()
            self._unflushed[space] = 0

    def _drop(self, space: str) -> None:
        if shard := self._shards.pop(space, None):
            with self._switching:
                shard.close()
            shutil.rmtree(self._folder / space)

    def _close(self) -> None:
        for shard in self._shards.values():
            shard.flush()
            shard.close()
        self._shards.clear()
        if self._lock:
            self._lock.close()


def _write_out(folder: Path) -> None:
    """Waits for the disk without the GIL, so that the flush, which holds it, need not: 12 ms."""
    for file in (path for path in folder.rglob("*") if path.is_file()):
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _tiers(tiers: Collection[str]) -> list[str]:
    """A reader can never name what is hidden."""
    return sorted(set(tiers) - {HIDDEN})


def _point(indexed: Indexed) -> Point:
    vectors = {
        field: SparseVector(indices=vector.terms, values=vector.weights)
        for field, vector in of_passage(indexed).items()
    }
    return Point(indexed.passage.id, vectors, payload_of(indexed))  # type: ignore[arg-type]


def _nearest(vector: Sparse, field: str) -> Query:
    return Query.Nearest(SparseVector(indices=vector.terms, values=vector.weights), using=field)


def _fetch(shard: EdgeShard, ids: list[str]) -> dict[str, Indexed]:
    found = shard.retrieve(ids, with_payload=True, with_vector=False)  # type: ignore[arg-type]
    return {str(r.id): from_payload(str(r.id), r.payload or {}) for r in found}


def _rarity(shard: EdgeShard, terms: Sequence[int]) -> list[float]:
    """A term's score in any passage is its rarity times its weight there."""
    requests = [
        QueryRequest(limit=1, query=_nearest(Sparse([term], [1.0]), TEXT), with_vector=[TEXT])
        for term in terms
    ]
    answers = shard.query_batch(QueryBatchRequest(requests))
    without = unseen(shard.count(CountRequest(exact=False)))
    return [
        answer[0].score / _weight(answer[0].vector[TEXT], term) if answer else without  # type: ignore
        for term, answer in zip(terms, answers, strict=True)
    ]


def _weight(vector: SparseVector, term: int) -> float:
    return vector.values[vector.indices.index(term)]


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
