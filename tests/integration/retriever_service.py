"""A retriever in this process, as it serves by gRPC: the index is real, all else in memory."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from palabre.chassis import rpc
from palabre.chassis.blobs import MemoryObjects
from palabre.chassis.directory import Spaces
from palabre.chassis.spaces import Space
from palabre.retriever.building import Builder
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.search import Search
from palabre.retriever.servicer import NAME, Retriever
from palabre.retriever.snapshots import Snapshots

_MAX_BYTES = 1 << 20


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextlib.asynccontextmanager
async def serving(folder: Path, spaces: Mapping[str, Space]) -> AsyncIterator[str]:
    """Its address."""
    index, catalogue = await EdgeIndex.open(folder), Catalogue(MemoryBucket())
    knowledge = Knowledge(index, catalogue, MemoryObjects(), _now)
    builder = Builder(knowledge, index, catalogue)
    snapshots = Snapshots(knowledge, index, catalogue, _now, resting=False)
    servicer = Retriever(
        Search(index), knowledge, Spaces(dict(spaces)), _MAX_BYTES, builder, snapshots
    )
    server, port = await rpc.serve([servicer.add_to], [NAME], "127.0.0.1:0", reflect=False)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
        await index.close()
