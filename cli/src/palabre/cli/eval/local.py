"""Documents of the command line, searched by the retriever's own code in this process.

The index is real, in a folder that goes at the end; the catalogue is in memory.
"""

import asyncio
import contextlib
import datetime as dt
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from palabre.chassis.blobs import MemoryObjects
from palabre.cli.eval.outcomes import PLACES
from palabre.cli.eval.questions import Asked
from palabre.cli.eval.searched import Hit
from palabre.cli.eval.setting import FIELDS, Setting
from palabre.cli.folders import File, media_type, walk
from palabre.cli.server import Trouble
from palabre.contracts.v1.retriever_pb2 import DocumentEntry, DocumentHeader, IngestResponse
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever import engines
from palabre.retriever.access import RESTRICTED, tiers_of
from palabre.retriever.catalogue import Catalogue, MemoryBucket
from palabre.retriever.documents.archives import ArchiveLimits, is_archive
from palabre.retriever.documents.isolation import Isolated
from palabre.retriever.errors import InvalidDocument
from palabre.retriever.index import Index
from palabre.retriever.index.edge import EdgeIndex
from palabre.retriever.index.generations import Generations
from palabre.retriever.index.ranking import Ranked
from palabre.retriever.knowledge import Knowledge, Limits
from palabre.retriever.reranking import Reranking
from palabre.retriever.search import Question, Search
from palabre.retriever.settings import RetrieverSettings
from palabre.retriever.unpacking import ingest_archive
from palabre.retriever.vectors import Sparse

SPACE = "eval"
AT_ONCE = 4

Told = Callable[[str], None]  # what is wrong with a document; empty when nothing is


class Local:
    """Documents in an index of their own."""

    def __init__(
        self, knowledge: Knowledge, search: Search, setting: Setting, languages: Sequence[str]
    ) -> None:
        self._knowledge, self._search = knowledge, search
        self._setting, self._languages = setting, tuple(languages)
        self._files: dict[str, File] = {}

    async def take_in(self, files: Iterable[File], told: Told) -> None:
        """Some documents at once. What fails is told; the rest goes on."""
        waiting = iter(files)

        async def worker() -> None:
            for file in waiting:
                self._files[file.document] = file
                told(await self._take_in(file))

        await asyncio.gather(*(worker() for _ in range(AT_ONCE)))

    @contextlib.asynccontextmanager
    async def without(self, names: Iterable[str]) -> AsyncIterator[None]:
        """As if these documents had never come, while entered."""
        gone = list(names)
        for name in gone:
            await self._knowledge.delete(SPACE, name)
        yield
        sources = {source.document: source for source in map(self._source, gone)}
        await self.take_in(sources.values(), lambda problem: None)

    async def find(self, asked: Asked, *, floor: bool) -> Sequence[Hit]:
        own = (asked.language, *self._languages)
        found = await self._search.find(
            Question(
                SPACE,
                [asked.question],
                tiers_of(asked.groups, asked.tier or RESTRICTED),
                tuple(dict.fromkeys(filter(None, own))),
                PLACES,
                self._setting.floor if floor else 0.0,
            )
        )
        return [Hit(p.document, p.text, p.relevance) for p in found.passages]

    async def documents(self) -> set[str]:
        return {entry.document for entry in await self.entries()}

    async def entries(self) -> list[DocumentEntry]:
        """Ordered by name."""
        return await self._knowledge.documents(SPACE)

    async def passages(self, entry: DocumentEntry) -> list[Passage]:
        """In reading order."""
        return await self._knowledge.passages(SPACE, entry)

    async def described(self) -> dict[str, Any]:
        entries = await self.entries()
        return {
            "documents": len(entries),
            "passages": sum(entry.passages for entry in entries),
            "languages": list(self._languages),
            "setting": self._setting.described(),
        }

    def _source(self, name: str) -> File:
        """The file that a document came from: itself, or its archive."""
        above = (name, *(parent.as_posix() for parent in PurePosixPath(name).parents))
        return next(self._files[each] for each in above if each in self._files)

    async def _take_in(self, file: File) -> str:
        """What is wrong, or nothing."""
        failed = []
        try:
            header = DocumentHeader(
                space=SPACE,
                document=file.document,
                media_type=media_type(file.path),
                front_matter=file.front_matter(),
            )
            async for progress in self._steps(header, file.path):
                if progress.HasField("failed"):
                    failed.append(f"{progress.failed.document}: {progress.failed.reason}")
        except InvalidDocument as error:
            return str(error)
        except (OSError, UnicodeError) as error:
            return f"{file.path}: cannot be read: {error}"
        return "; ".join(failed)

    async def _steps(self, header: DocumentHeader, path: Path) -> AsyncIterator[IngestResponse]:
        language = self._languages[0]
        with path.open("rb") as content:
            if is_archive(header.document):
                limits, turns = ArchiveLimits(), asyncio.Semaphore()
                steps = ingest_archive(self._knowledge, header, content, language, limits, turns)
            else:
                steps = self._knowledge.ingest(header, content.read(), language)
            async with contextlib.aclosing(steps):
                async for step in steps:
                    yield step


class OnlyFields:
    """An index of which some fields find nothing."""

    def __init__(self, index: Index, fields: Iterable[str]) -> None:
        self._index, self._fields = index, frozenset(fields)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def rank(
        self, space: str, questions: Sequence[Mapping[str, Sparse]], *rest: Any, **more: Any
    ) -> list[list[Ranked]]:
        """A ranking per question and field, as the index has them."""
        rankings = await self._index.rank(space, questions, *rest, **more)
        each = len(rankings) // (len(questions) or 1)
        return [
            ranking if FIELDS[place % each] in self._fields else []
            for place, ranking in enumerate(rankings)
        ]


@contextlib.asynccontextmanager
async def opened(setting: Setting, languages: Sequence[str]) -> AsyncIterator[Local]:
    """Its index goes when this is left. Raises Trouble when an engine is missing."""
    sys.setswitchinterval(0.001)  # as the service does
    with tempfile.TemporaryDirectory(prefix="palabre-eval-") as folder:
        try:
            reranking = await asyncio.to_thread(_reranking, setting.retriever)
            index = await _index(Path(folder), setting.retriever)
        except engines.EngineMissing as error:
            raise Trouble(str(error)) from error
        reading = Isolated()
        limits = Limits(setting.retriever.max_document_bytes, setting.passage_characters)
        knowledge = Knowledge(
            index, Catalogue(MemoryBucket()), MemoryObjects(), _now, limits, reading=reading
        )
        ranked = OnlyFields(index, setting.fields)
        search = Search(ranked, reranking=reranking, documents=setting.documents)
        try:
            yield Local(knowledge, search, setting, languages)
        finally:
            await index.close()
            await reading.close()


async def _index(folder: Path, settings: RetrieverSettings) -> Generations:
    """As the service makes it. Raises EngineMissing."""
    return await EdgeIndex.open(
        folder,
        embedder=await asyncio.to_thread(engines.embedder, settings),
        recipe=settings.embedding_recipe,
        patience_s=settings.embedding_timeout_s,
    )


def _reranking(settings: RetrieverSettings) -> Reranking | None:
    if engine := engines.reranker(settings):
        return Reranking(
            engine,
            settings.reranker_candidates,
            settings.reranker_timeout_s,
            settings.reranker_floor,
        )
    return None


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def collect(paths: Iterable[Path]) -> list[File]:
    """Files, and all that is below folders, ordered by name. Raises Trouble."""
    found: dict[str, File] = {}
    for path in paths:
        if not path.exists():
            raise Trouble(f"{path}: there is no such file or folder")
        for file in walk([path]):
            if not isinstance(file, File):
                continue
            if (other := found.setdefault(file.document, file)) != file:
                raise Trouble(
                    f"{other.path} and {file.path} would both be {file.document}:"
                    " name the folder that holds both"
                )
    if not found:
        raise Trouble("no documents there: name files, or a folder that has some")
    return sorted(found.values(), key=lambda file: file.document)
