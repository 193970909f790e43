import warnings
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from qdrant_client import AsyncQdrantClient

from palabre.chassis.blobs import MemoryObjects
from palabre.retriever.catalogue import MemoryBucket
from palabre.retriever.engines.words import HashedWords
from palabre.retriever.index.edge import EdgeIndex, EdgeShards
from palabre.retriever.index.generations import Generations
from palabre.retriever.index.port import Collections
from palabre.retriever.index.qdrant import QdrantCollections, QdrantIndex


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
def index(request: pytest.FixtureRequest, edge: EdgeIndex, qdrant: QdrantIndex) -> Generations:
    return edge if request.param == "edge" else qdrant


@pytest.fixture(params=["edge", "qdrant"])
async def collections(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Collections]:
    """An engine without generations in it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect")
        made: Collections = (
            await EdgeShards.open(tmp_path / "shards")
            if request.param == "edge"
            else QdrantCollections(AsyncQdrantClient(":memory:"))
        )
        yield made
        await made.close()


@pytest.fixture
def meaningful(collections: Collections) -> Generations:
    """An index with dense vectors."""
    return Generations(collections, HashedWords())


@pytest.fixture
def bucket() -> MemoryBucket:
    return MemoryBucket()


@pytest.fixture
def originals() -> MemoryObjects:
    return MemoryObjects()
