"""A retriever with everything but NATS: the index is real, the catalogue is in memory."""

import asyncio
import datetime as dt
import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.search.corpus import Text
from palabre.contracts.v1.retriever_pb2 import DocumentHeader
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.generations import Generations
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.search import Found, Question, Search

SPACE = "bench"
AT_ONCE = 4  # as `palabre ingest` sends them


@dataclass
class Bench:
    index: Generations
    knowledge: Knowledge
    search: Search
    languages: tuple[str, ...] = ("fr",)

    async def ingest(self, text: Text) -> int:
        """Passages."""
        header = DocumentHeader(space=SPACE, document=text.name, media_type="text/markdown")
        done = 0
        async for progress in self.knowledge.ingest(header, text.markdown.encode(), "fr"):
            done = progress.done.passages
        return done

    async def ingest_all(self, texts: Iterable[Text]) -> int:
        """Passages; some documents at once."""
        waiting = iter(texts)

        async def worker() -> int:
            return sum([await self.ingest(text) for text in waiting])

        return sum(await asyncio.gather(*(worker() for _ in range(AT_ONCE))))

    async def find(self, question: str, limit: int = 6, floor: float | None = None) -> Found:
        asked = Question(SPACE, [question], ("public",), self.languages, limit, floor)
        return await self.search.find(asked)


class FolderObjects:
    """Originals as files, so that they are not counted as memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def put(self, key: str, data: bytes) -> None:
        self._file(key).write_bytes(data)

    async def get(self, key: str) -> bytes:
        try:
            return self._file(key).read_bytes()
        except FileNotFoundError:
            raise KeyError(key) from None

    async def delete(self, key: str) -> None:
        self._file(key).unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()


async def open_bench(folder: Path, languages: tuple[str, ...] = ("fr",)) -> Bench:
    sys.setswitchinterval(0.001)  # as the service does
    index = await EdgeIndex.open(folder / "index")
    catalogue, originals = Catalogue(MemoryBucket()), FolderObjects(folder / "originals")
    knowledge = Knowledge(index, catalogue, originals, lambda: dt.datetime.now(dt.UTC))
    return Bench(index, knowledge, Search(index), languages)
