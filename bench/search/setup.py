"""A retriever with everything but NATS: the index is real, the catalogue is in memory."""

import asyncio
import datetime as dt
import gc
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.overhead.machine import cpu_s
from bench.search.corpus import Text
from palabre.contracts.v1.retriever_pb2 import DocumentHeader
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.generations import Generations
from palabre.retriever.knowledge import Knowledge
from palabre.retriever.search import Found, Question, Search
from palabre.retriever.weighting import Weighting

SPACE = "bench"
AT_ONCE = 4  # as `palabre ingest` sends them


@dataclass
class Bench:
    index: Generations
    weighting: Weighting
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

    def cpu_s(self) -> float:
        """With the child's."""
        return sum(map(cpu_s, filter(None, (os.getpid(), self.weighting.pid))))

    async def close(self) -> None:
        await self.index.close()
        await self.weighting.close()

    async def find(self, question: str, limit: int = 6, floor: float | None = None) -> Found:
        asked = Question(SPACE, [question], ("public",), self.languages, limit, floor)
        return await self.search.find(asked)


class FileObjects:
    """Originals in one file, so that they are not counted as memory, and cost next to nothing."""

    def __init__(self, file: Path) -> None:
        self._file, self._end = os.open(file, os.O_RDWR | os.O_CREAT), 0
        self._places: dict[str, tuple[int, int]] = {}

    async def put(self, key: str, data: bytes) -> None:
        self._places[key] = len(data), self._end
        self._end += os.pwrite(self._file, data, self._end)

    async def get(self, key: str) -> bytes:
        return os.pread(self._file, *self._places[key])

    async def delete(self, key: str) -> None:
        self._places.pop(key, None)


async def open_bench(folder: Path, languages: tuple[str, ...] = ("fr",)) -> Bench:
    sys.setswitchinterval(0.001)  # as the service does
    index = await EdgeIndex.open(folder / "index")
    catalogue, originals = Catalogue(MemoryBucket()), FileObjects(folder / "originals")
    weighting = Weighting()
    knowledge = Knowledge(
        index, catalogue, originals, lambda: dt.datetime.now(dt.UTC), weighting=weighting
    )
    gc.collect()
    gc.freeze()  # as the service does
    return Bench(index, weighting, knowledge, Search(index), languages)
