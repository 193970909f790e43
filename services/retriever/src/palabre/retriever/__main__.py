"""The retriever: documents become passages, a question finds them."""

import asyncio
import datetime as dt
import sys

from palabre.chassis import service
from palabre.chassis.health import Health
from palabre.chassis.settings import read
from palabre.chassis.stage import Stage
from palabre.retriever.catalogue import Catalogue, NatsBucket
from palabre.retriever.handlers import retriever
from palabre.retriever.index import Index
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.qdrant import connect
from palabre.retriever.knowledge import Knowledge, Limits
from palabre.retriever.search import Search
from palabre.retriever.servicer import NAME, Retriever
from palabre.retriever.settings import RetrieverSettings

# Longer than any document takes: before that, a change may be another replica's, going on.
CHANGE_S = 900.0


async def assemble(context: service.Context, settings: RetrieverSettings) -> service.Parts:
    index = await _index(settings)
    search = Search(index)
    knowledge = Knowledge(
        index,
        Catalogue(NatsBucket(context.bus)),
        await context.objects("documents"),
        lambda: dt.datetime.now(dt.UTC),
        Limits(settings.max_document_bytes, CHANGE_S if settings.qdrant_url else 0.0),
    )
    await _recovered(knowledge, context.health)
    servicer = Retriever(search, knowledge, context.spaces, settings.max_document_bytes)
    handle = retriever(search, context.spaces)
    return service.Parts(
        stages=[Stage("retrieve", handle, concurrency=settings.retriever_concurrency)],
        grpc=[servicer.add_to],
        grpc_names=[NAME],
        close=[index.close],
    )


async def _recovered(knowledge: Knowledge, health: Health) -> None:
    """Indexing all anew may take long: the process is alive meanwhile, though not ready."""
    recovering = asyncio.create_task(knowledge.recover())
    while not recovering.done():
        health.tick()
        await asyncio.wait([recovering], timeout=1.0)
    await recovering


async def _index(settings: RetrieverSettings) -> Index:
    if settings.qdrant_url:
        return connect(settings.qdrant_url, settings.qdrant_api_key.get_secret_value() or None)
    return await EdgeIndex.open(settings.data_dir / "index")


def main() -> None:
    settings = read(RetrieverSettings)
    # Searches change threads a few times; while documents come in, each change waits this long.
    sys.setswitchinterval(0.001)
    service.run("retriever", settings, lambda context: assemble(context, settings))


if __name__ == "__main__":
    main()
