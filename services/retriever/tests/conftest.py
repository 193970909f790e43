import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from qdrant_client import AsyncQdrantClient

from palabre.chassis.blobs import MemoryObjects
from palabre.retriever.catalogue import MemoryBucket
from palabre.retriever.index import Index
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.qdrant import QdrantIndex


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[EdgeIndex]:
    index = await EdgeIndex.open(tmp_path / "index")
    yield index
    await index.close()


@pytest.fixture
async def qdrant() -> AsyncIterator[QdrantIndex]:
    """Qdrant's own client in its local mode stands in for a server."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect")
        index = QdrantIndex(AsyncQdrantClient(":memory:"))
        yield index
        await index.close()


@pytest.fixture(params=["edge", "qdrant"])
def index(request: pytest.FixtureRequest, edge: EdgeIndex, qdrant: QdrantIndex) -> Index:
    return edge if request.param == "edge" else qdrant


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


@pytest.fixture
def originals() -> MemoryObjects:
    return MemoryObjects()
