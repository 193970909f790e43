"""A Qdrant server, from 1.16 on, shared by replicas.

A collection per generation, so that a term's rarity is that of the space; an alias per space. What
a generation is stands in its collection's metadata.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from itertools import batched, repeat
from typing import Any

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import (
    ApiException,
    ResponseHandlingException,
    UnexpectedResponse,
)

from palabre.chassis.errors import Unavailable
from palabre.retriever.engines import Embedder
from palabre.retriever.index.generation import Generation, Shape, State, states
from palabre.retriever.index.generations import Generations
from palabre.retriever.index.port import DENSE, Gone, Sketch, Vector
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
from palabre.retriever.metrics import INDEX_FAILURES
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import TEXT, TWINS, Sparse, of_passage

_PREFIX = "palabre."
# Collections from before there were generations: one a space, without an alias.
_EARLIER = "palabre-1-"
_BATCH = 64
_PAGE = 1_000


class QdrantIndex(Generations):
    """All spaces on one server."""

    def __init__(
        self, client: AsyncQdrantClient, embedder: Embedder | None = None, **rest: Any
    ) -> None:
        """`rest` is for Generations."""
        super().__init__(QdrantCollections(client), embedder, **rest)


class QdrantCollections:
    """Owns the client."""

    def __init__(self, client: AsyncQdrantClient) -> None:
        self._client = client
        self._known: dict[str, Generation] = {}

    async def states(self, space: str | None = None) -> dict[str, State]:
        async with _translated():
            names = {c.name for c in (await self._client.get_collections()).collections}
            aliases = (await self._client.get_aliases()).aliases
        self._known = {n: g for n, g in self._known.items() if n in names}
        wanted = [name for name in names if space is None or _is_of(name, space)]
        found = [generation for name in wanted if (generation := await self._described(name))]
        serving = {a.alias_name.removeprefix(_PREFIX): a.collection_name for a in aliases}
        of_collection = {_name(generation): generation.name for generation in found}
        return states(found, {s: of_collection.get(name, "") for s, name in serving.items()})

    async def create(self, generation: Generation) -> None:
        name, shape = _name(generation), generation.shape
        dense = models.VectorParams(size=shape.size or 1, distance=models.Distance.COSINE)
        sparse = models.SparseVectorParams(modifier=models.Modifier.IDF)
        async with _translated(), _unless_exists():
            if await self._client.collection_exists(name):
                return
            await self._client.create_collection(
                name,
                vectors_config={DENSE: dense} if shape.size else {},
                sparse_vectors_config=dict.fromkeys(shape.fields, sparse),
                metadata=generation.described(),
            )
            for key in FILTERED:
                await self._client.create_payload_index(name, key, models.PayloadSchemaType.KEYWORD)

    async def serve(self, generation: Generation) -> None:
        """One request, which the server carries out as one step."""
        alias = _PREFIX + generation.space
        create = models.CreateAlias(collection_name=_name(generation), alias_name=alias)
        async with _translated():
            present = {a.alias_name for a in (await self._client.get_aliases()).aliases}
            steps: list[models.AliasOperations] = []
            if alias in present:
                delete = models.DeleteAlias(alias_name=alias)
                steps.append(models.DeleteAliasOperation(delete_alias=delete))
            steps.append(models.CreateAliasOperation(create_alias=create))
            await self._client.update_collection_aliases(steps)

    async def drop(self, generation: Generation) -> None:
        async with _translated():
            await self._client.delete_collection(_name(generation))

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
            place: models.QueryRequest(
                query=_vector(vector), using=field, limit=limit, filter=allowed
            )
            for place, (field, vector) in enumerate(asked)
            if answers(generation.shape, field, vector)
        }
        found = await self._queried(generation, list(requests.values()))
        placed = dict(zip(requests, found, strict=True))
        scored = (placed.get(place, []) for place in range(len(asked)))
        return [ranking(((str(p.id), p.score) for p in points), limit) for points in scored]

    async def fetch(self, generation: Generation, ids: Sequence[str]) -> dict[str, Indexed]:
        if not ids:
            return {}
        async with _translated():
            found = await self._client.retrieve(
                _name(generation), list(ids), with_vectors=kept_terms(generation.shape)
            )
        return {str(r.id): from_record(str(r.id), r.payload, r.vector) for r in found}

    async def rarity(
        self, generation: Generation, terms: Sequence[int], tiers: Collection[str]
    ) -> list[float]:
        """A term's score in any passage is its rarity times its weight there."""
        allowed = _of_tiers(tiers)
        requests = [
            models.QueryRequest(
                query=_vector(Sparse([term], [1.0])),
                using=TEXT,
                limit=1,
                filter=allowed,
                with_vector=[TEXT],
            )
            for term in terms
        ]
        found = await self._queried(generation, requests)
        async with _translated():
            visible = await self._client.count(_name(generation), allowed, exact=False)
        without = unseen(visible.count)
        return [
            _rarity(points[0], term) if points else without
            for term, points in zip(terms, found, strict=True)
        ]

    async def ids(self, generation: Generation, document: str) -> set[str]:
        ids: set[str] = set()
        offset: Any = None
        async with _translated():
            while True:
                page, offset = await self._client.scroll(
                    _name(generation),
                    scroll_filter=_matching({DOCUMENT: document}),
                    limit=_PAGE,
                    offset=offset,
                    with_payload=False,
                )
                ids.update(str(record.id) for record in page)
                if offset is None:
                    return ids

    async def count(self, generation: Generation) -> int:
        async with _translated():
            return (await self._client.count(_name(generation))).count

    async def sketches(
        self, generation: Generation, tiers: Collection[str], offset: Any = None
    ) -> tuple[list[Sketch], Any]:
        async with _translated():
            page, following = await self._client.scroll(
                _name(generation),
                scroll_filter=_of_tiers(tiers),
                limit=_PAGE,
                offset=offset,
                with_payload=False,
                with_vectors=[TWINS],
            )
        vectors: list[tuple[str, Any]] = [(str(record.id), record.vector) for record in page]
        return [Sketch(identity, sorted(v[TWINS].indices)) for identity, v in vectors], following

    async def shown(self, generation: Generation, document: str, version: str, tier: str) -> int:
        wanted = _matching({DOCUMENT: document, "version": version, ACCESS: tier})
        async with _translated():
            return (await self._client.count(_name(generation), wanted)).count

    async def add(
        self, generation: Generation, passages: Sequence[Indexed], vectors: Sequence[Vector]
    ) -> None:
        for batch in batched(zip(passages, vectors or repeat(()), strict=False), _BATCH):
            points = await asyncio.to_thread(_points, generation.shape, batch)
            async with _translated():
                await self._client.upsert(_name(generation), points, wait=True)

    async def switch(
        self,
        generation: Generation,
        shown: Sequence[str],
        tier: str,
        version: str,
        removed: Sequence[str],
    ) -> None:
        payload = models.SetPayload(payload={ACCESS: tier, "version": version}, points=list(shown))
        steps: list[models.UpdateOperation] = []
        if shown:
            steps.append(models.SetPayloadOperation(set_payload=payload))
        if removed:
            steps.append(models.DeleteOperation(delete=models.PointIdsList(points=list(removed))))
        if steps:
            async with _translated():
                await self._client.batch_update_points(_name(generation), steps, wait=True)

    async def close(self) -> None:
        await self._client.close()

    async def _described(self, name: str) -> Generation | None:
        """Nothing for what is not ours, or went this moment."""
        if name.startswith(_EARLIER):
            return Generation.before_generations(name.removeprefix(_EARLIER))
        if name.startswith(_PREFIX) and name not in self._known:
            with contextlib.suppress(Gone, KeyError, TypeError):
                async with _translated():
                    info = await self._client.get_collection(name)
                self._known[name] = Generation.of(info.config.metadata or {})
        return self._known.get(name)

    async def _queried(
        self, generation: Generation, requests: list[models.QueryRequest]
    ) -> list[list[models.ScoredPoint]]:
        if not requests:
            return []
        async with _translated():
            found = await self._client.query_batch_points(_name(generation), requests)
        return [answer.points for answer in found]


def connect(url: str, api_key: str | None = None, timeout_s: int = 10, **rest: Any) -> QdrantIndex:
    """`rest` is for Generations, as the embedder."""
    return QdrantIndex(AsyncQdrantClient(url=url, api_key=api_key, timeout=timeout_s), **rest)


@contextlib.asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Raises Gone, also for what the client's local mode says of a missing collection."""
    try:
        yield
    except UnexpectedResponse as error:
        if error.status_code == 404:
            raise Gone("this generation of the index is gone") from error
        INDEX_FAILURES.labels("refused").inc()
        raise Unavailable("the Qdrant server did not answer as it should") from error
    except (ApiException, ResponseHandlingException) as error:
        INDEX_FAILURES.labels("unreachable").inc()
        raise Unavailable("the Qdrant server did not answer as it should") from error
    except ValueError as error:
        if "not found" in str(error):
            raise Gone("this generation of the index is gone") from error
        raise


@contextlib.asynccontextmanager
async def _unless_exists() -> AsyncIterator[None]:
    """Another replica made it this moment."""
    try:
        yield
    except UnexpectedResponse as error:
        if error.status_code != 409:
            raise


def _name(generation: Generation) -> str:
    if generation.number == 0:
        return _EARLIER + generation.space
    return _PREFIX + generation.name


def _is_of(name: str, space: str) -> bool:
    return name == _EARLIER + space or name.startswith(f"{_PREFIX}{space}.")


def _vector(vector: Sparse | Vector) -> models.SparseVector | list[float]:
    if isinstance(vector, Sparse):
        return models.SparseVector(indices=list(vector.terms), values=list(vector.weights))
    return list(vector)


def _of_tiers(tiers: Collection[str], folder: str = "") -> models.Filter:
    return models.Filter(
        must=[
            models.FieldCondition(key=key, match=models.MatchAny(any=values))
            for key, values in wanted(tiers, folder).items()
        ]
    )


def _matching(values: Mapping[str, str]) -> models.Filter:
    return models.Filter(
        must=[
            models.FieldCondition(key=key, match=models.MatchValue(value=value))
            for key, value in values.items()
        ]
    )


def _points(shape: Shape, batch: Sequence[tuple[Indexed, Vector]]) -> list[models.PointStruct]:
    return [_point(shape, indexed, vector) for indexed, vector in batch]


def _point(shape: Shape, indexed: Indexed, vector: Vector) -> models.PointStruct:
    vectors: dict[str, Any] = {
        field: _vector(sparse)
        for field, sparse in of_passage(indexed).items()
        if field in shape.fields
    }
    if len(vector):
        vectors[DENSE] = list(vector)
    return models.PointStruct(id=indexed.passage.id, vector=vectors, payload=payload_of(indexed))


def _rarity(point: models.ScoredPoint, term: int) -> float:
    vector: Any = point.vector
    weight = dict(zip(vector[TEXT].indices, vector[TEXT].values, strict=True))[term]
    return float(point.score / weight)
