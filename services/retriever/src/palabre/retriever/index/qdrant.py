"""A Qdrant server, shared by replicas.

A collection per space, so that a term's rarity is that of the space.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from itertools import batched
from typing import Any

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException

from palabre.chassis.errors import Unavailable
from palabre.retriever.index.port import HIDDEN
from palabre.retriever.index.ranking import Ranked, ranking
from palabre.retriever.index.records import ACCESS, DOCUMENT, from_payload, payload_of, unseen
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import FIELDS, TEXT, Sparse, of_passage

# Counted up when vectors or payloads change: originals are then indexed anew beside the old.
LAYOUT = "1"
_BATCH = 64
_PAGE = 1_000


class QdrantIndex:
    """Owns the client."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client
        self._known: set[str] = set()

    async def rank(
        self,
        space: str,
        questions: Sequence[Mapping[str, Sparse]],
        tiers: Collection[str],
        limit: int,
    ) -> list[list[Ranked]]:
        if not await self._exists(space):
            return [[] for _ in questions for _ in FIELDS]
        condition = models.MatchAny(any=sorted(set(tiers) - {HIDDEN}))
        allowed = models.Filter(must=[models.FieldCondition(key=ACCESS, match=condition)])
        requests = [
            models.QueryRequest(query=_sparse(q[field]), using=field, limit=limit, filter=allowed)
            for q in questions
            for field in FIELDS
        ]
        async with _translated():
            answers = await self._client.query_batch_points(_name(space), requests)
        scored = ([(str(p.id), p.score) for p in answer.points] for answer in answers)
        return [ranking(points, limit) for points in scored]

    async def fetch(self, space: str, ids: Sequence[str]) -> dict[str, Indexed]:
        if not ids or not await self._exists(space):
            return {}
        async with _translated():
            found = await self._client.retrieve(_name(space), list(ids))
        return {str(r.id): from_payload(str(r.id), r.payload or {}) for r in found}

    async def rarity(self, space: str, terms: Sequence[int]) -> list[float]:
        """A term's score in any passage is its rarity times its weight there."""
        if not terms or not await self._exists(space):
            return [0.0] * len(terms)
        requests = [
            models.QueryRequest(
                query=_sparse(Sparse([term], [1.0])), using=TEXT, limit=1, with_vector=[TEXT]
            )
            for term in terms
        ]
        async with _translated():
            answers = await self._client.query_batch_points(_name(space), requests)
        without = unseen(await self.count(space))
        return [
            _rarity(answer.points[0], term) if answer.points else without
            for term, answer in zip(terms, answers, strict=True)
        ]

    async def ids(self, space: str, document: str) -> set[str]:
        if not await self._exists(space):
            return set()
        condition = models.FieldCondition(key=DOCUMENT, match=models.MatchValue(value=document))
        ids: set[str] = set()
        offset: Any = None
        async with _translated():
            while True:
                page, offset = await self._client.scroll(
                    _name(space),
                    scroll_filter=models.Filter(must=[condition]),
                    limit=_PAGE,
                    offset=offset,
                    with_payload=False,
                )
                ids.update(str(record.id) for record in page)
                if offset is None:
                    return ids

    async def count(self, space: str) -> int:
        if not await self._exists(space):
            return 0
        async with _translated():
            return (await self._client.count(_name(space))).count

    async def add(self, space: str, passages: Sequence[Indexed]) -> None:
        await self._make(space)
        for batch in batched(passages, _BATCH):
            points = await asyncio.to_thread(_points, batch)
            async with _translated():
                await self._client.upsert(_name(space), points, wait=True)

    async def switch(
        self, space: str, shown: Sequence[str], tier: str, version: str, removed: Sequence[str]
    ) -> None:
        await self._make(space)
        payload = models.SetPayload(payload={ACCESS: tier, "version": version}, points=list(shown))
        steps: list[models.UpdateOperation] = []
        if shown:
            steps.append(models.SetPayloadOperation(set_payload=payload))
        if removed:
            steps.append(models.DeleteOperation(delete=models.PointIdsList(points=list(removed))))
        if steps:
            async with _translated():
                await self._client.batch_update_points(_name(space), steps, wait=True)

    async def drop(self, space: str) -> None:
        self._known.discard(space)
        async with _translated():
            await self._client.delete_collection(_name(space))

    async def close(self) -> None:
        await self._client.close()

    async def _exists(self, space: str) -> bool:
        if space not in self._known:
            async with _translated():
                if not await self._client.collection_exists(_name(space)):
                    return False
            self._known.add(space)
        return True

    async def _make(self, space: str) -> None:
        if await self._exists(space):
            return
        params = models.SparseVectorParams(modifier=models.Modifier.IDF)
        async with _translated():
            await self._client.create_collection(
                _name(space), sparse_vectors_config=dict.fromkeys(FIELDS, params)
            )
            for key in (ACCESS, DOCUMENT):
                await self._client.create_payload_index(
                    _name(space), key, models.PayloadSchemaType.KEYWORD
                )
        self._known.add(space)


def connect(url: str, api_key: str | None = None, timeout_s: int = 10) -> QdrantIndex:
    return QdrantIndex(AsyncQdrantClient(url=url, api_key=api_key, timeout=timeout_s))


@contextlib.asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (ApiException, ResponseHandlingException) as error:
        raise Unavailable("the Qdrant server did not answer as it should") from error


def _name(space: str) -> str:
    return f"palabre-{LAYOUT}-{space}"


def _sparse(vector: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=vector.terms, values=vector.weights)


def _points(batch: Sequence[Indexed]) -> list[models.PointStruct]:
    return [
        models.PointStruct(
            id=indexed.passage.id,
            vector={field: _sparse(vector) for field, vector in of_passage(indexed).items()},
            payload=payload_of(indexed),
        )
        for indexed in batch
    ]


def _rarity(point: models.ScoredPoint, term: int) -> float:
    vector: Any = point.vector
    weight = dict(zip(vector[TEXT].indices, vector[TEXT].values, strict=True))[term]
    return float(point.score / weight)
