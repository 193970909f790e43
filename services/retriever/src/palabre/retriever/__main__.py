"""The retriever: documents become passages, a question finds them."""

import asyncio
import datetime as dt
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import structlog
from pydantic import ValidationError

from palabre.chassis import service
from palabre.chassis.confinement import Confinement
from palabre.chassis.health import Health
from palabre.chassis.leases import Leases, MemoryLeases
from palabre.chassis.recalling import of_its_time
from palabre.chassis.settings import read, refuse
from palabre.chassis.stage import Stage
from palabre.retriever import counting
from palabre.retriever.building import Builder
from palabre.retriever.catalogue import Catalogue, NatsBucket
from palabre.retriever.documents.archives import ArchiveLimits
from palabre.retriever.documents.isolation import Isolated, Reading
from palabre.retriever.documents.ocr import Pages, Recognising
from palabre.retriever.engines import Embedder, EngineMissing, embedder, ocr, reranker
from palabre.retriever.handlers import retriever
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.generations import Generations
from palabre.retriever.index.qdrant import connect
from palabre.retriever.index.shard_files import IndexInUse
from palabre.retriever.knowledge import Knowledge, Limits
from palabre.retriever.reranking import Reranking
from palabre.retriever.search import Search
from palabre.retriever.servicer import NAME, Retriever
from palabre.retriever.settings import RetrieverSettings
from palabre.retriever.snapshots import Snapshots
from palabre.retriever.weighting import Weighting

log = structlog.get_logger()


async def assemble(context: service.Context, settings: RetrieverSettings) -> service.Parts:
    index = await _alive(_index(settings), context.health)
    reranking = await _alive(asyncio.to_thread(_reranking, settings), context.health)
    search = Search(index, reranking=reranking)
    catalogue = Catalogue(NatsBucket(context.bus), settings.document_versions)
    # With a server other replicas may be there; a folder has one owner.
    leases: Leases = context.leases if settings.qdrant_url else MemoryLeases()
    reading, weighting = _reading(settings), Weighting()
    knowledge = Knowledge(
        index,
        catalogue,
        await context.objects("documents"),
        _now,
        Limits(settings.max_document_bytes),
        leases,
        reading,
        weighting,
    )
    builder = Builder(knowledge, index, catalogue, leases)
    builder.want(await _alive(knowledge.recover(), context.health))
    snapshots = Snapshots(knowledge, index, catalogue, _now, leases)
    servicer = Retriever(
        search,
        knowledge,
        context.spaces,
        settings.max_document_bytes,
        builder,
        snapshots,
        _archives(settings),
    )
    handle = of_its_time(retriever(search, context.spaces, snapshots), context.bus)
    return service.Parts(
        stages=[Stage("retrieve", handle, concurrency=settings.retriever_concurrency)],
        grpc=[servicer.add_to],
        grpc_names=[NAME],
        tasks=[
            builder.keep,
            snapshots.keep,
            partial(counting.watch_index, index, context.spaces.all),
        ],
        close=[index.close, reading.close, weighting.close, *_closing(reranking)],
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _closing(reranking: Reranking | None) -> list[Callable[[], Awaitable[None]]]:
    return [reranking.reranker.close] if reranking else []


def _reading(settings: RetrieverSettings) -> Reading:
    limits = Confinement(memory=settings.reading_memory_mib << 20, seconds=settings.reading_seconds)
    reading = Isolated(limits, settings.reading_at_once)
    engine = ocr(settings)
    if not engine:
        return reading
    return Recognising(reading, engine, Pages(settings.ocr_pages_at_once, settings.ocr_max_pages))


def _archives(settings: RetrieverSettings) -> ArchiveLimits:
    return ArchiveLimits(
        documents=settings.max_archive_documents,
        unpacked=settings.max_archive_unpacked_bytes,
        document=settings.max_document_bytes,
        packed=settings.max_archive_bytes,
    )


async def _alive[T](work: Coroutine[Any, Any, T], health: Health) -> T:
    """Loading a model or indexing all anew may take long: alive meanwhile, though not ready."""
    task = asyncio.create_task(work)
    while not task.done():
        health.tick()
        await asyncio.wait([task], timeout=1.0)
    return await task


async def _index(settings: RetrieverSettings) -> Generations:
    """With the embedder of the settings; one that made an older generation is made when needed."""
    wanted: dict[str, Any] = {
        "embedder": await asyncio.to_thread(embedder, settings),
        "recipe": settings.embedding_recipe,
        "recall": lambda recipe: _recalled(settings, recipe),
        "patience_s": settings.embedding_timeout_s,
    }
    if not settings.qdrant_url:
        return await EdgeIndex.open(settings.data_dir / "index", **wanted)
    key = settings.qdrant_api_key.get_secret_value() or None
    return connect(settings.qdrant_url, key, **wanted)


def _reranking(settings: RetrieverSettings) -> Reranking | None:
    """Blocks while a model is loaded. Raises EngineMissing."""
    if engine := reranker(settings):
        return Reranking(
            engine,
            settings.reranker_candidates,
            settings.reranker_timeout_s,
            settings.reranker_floor,
        )
    return None


def _recalled(settings: RetrieverSettings, recipe: Mapping[str, Any]) -> Embedder | None:
    """What cannot be made any more is done without."""
    try:
        return embedder(settings.with_embedding(recipe))
    except (EngineMissing, ValidationError) as error:
        log.warning("an older embedder cannot be made", reason=str(error))
        return None


def main() -> None:
    settings = read(RetrieverSettings)
    # Searches change threads a few times; while documents come in, each change waits this long.
    sys.setswitchinterval(0.001)
    try:
        service.run("retriever", settings, lambda context: assemble(context, settings))
    except EngineMissing as error:
        refuse(f"retriever: {error}")
    except IndexInUse as error:
        sys.exit(f"retriever: {error}")


if __name__ == "__main__":
    main()
