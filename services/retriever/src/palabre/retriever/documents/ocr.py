"""Pages without text are read by an OCR engine, after the child process has said which they are."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from palabre.chassis.errors import Unavailable
from palabre.retriever.documents.isolation import Reading
from palabre.retriever.documents.markdown import write_markdown
from palabre.retriever.documents.structure import Document, Outline, Section
from palabre.retriever.engines.port import Ocr, Unreadable
from palabre.retriever.errors import InvalidDocument

# Reasons that are told one by one; further pages are only counted.
_MAX_REASONS = 20


@dataclass(frozen=True, slots=True)
class Pages:
    """Of one document: read at the same time, and at most."""

    at_once: int = 4
    at_most: int = 100


class Recognising:
    """Reads as another does, then what that one could not.

    A page that the engine cannot read is named and stays unread; an engine that is away or refuses
    our key lets the whole document wait.
    """

    def __init__(self, reading: Reading, engine: Ocr, pages: Pages = Pages()) -> None:
        self._reading, self._engine, self._pages = reading, engine, pages
        self._slots = asyncio.Semaphore(pages.at_once)

    async def read(
        self,
        name: str,
        data: bytes,
        media_type: str = "",
        front_matter: str = "",
        language: str = "",
    ) -> Document:
        """As Reading. Raises Unavailable also when the engine could read none of the pages."""
        document = await self._reading.read(name, data, media_type, front_matter, language)
        if not document.unread:
            return document
        wanted = document.unread[: self._pages.at_most]
        texts, failures = await self._recognised(name, data, wanted)
        if len(failures) == len(wanted):
            raise Unavailable(f"OCR read none of the pages: {next(iter(failures.values()))}")
        return self._completed(name, document, texts, failures)

    async def render(self, name: str, data: bytes, page: int) -> bytes:
        return await self._reading.render(name, data, page)

    async def close(self) -> None:
        await self._engine.close()
        await self._reading.close()

    async def _recognised(
        self, name: str, data: bytes, pages: Iterable[int]
    ) -> tuple[dict[int, str], dict[int, str]]:
        """Words by page, and by page why there are none."""
        texts: dict[int, str] = {}
        failures: dict[int, str] = {}

        async def recognise(page: int) -> None:
            async with self._slots:
                try:
                    picture = await self._reading.render(name, data, page)
                    texts[page] = await self._engine.read(picture)
                except Unreadable as error:
                    failures[page] = str(error)
                except InvalidDocument as error:
                    failures[page] = error.reason

        tasks = [asyncio.create_task(recognise(page)) for page in pages]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return texts, failures

    def _completed(
        self, name: str, document: Document, texts: Mapping[int, str], failures: Mapping[int, str]
    ) -> Document:
        sections = sorted([*document.sections, *_sections(texts)], key=lambda s: s.page)
        left = tuple(page for page in document.unread if page not in texts)
        if not sections and not left:
            raise InvalidDocument(
                name, "has no words that OCR could find", "send a sharper or larger picture"
            )
        remarks = [*document.remarks, *self._remarks(texts, failures, len(left))]
        return replace(document, sections=tuple(sections), unread=left, remarks=tuple(remarks))

    def _remarks(
        self, texts: Mapping[int, str], failures: Mapping[int, str], left: int
    ) -> Iterable[str]:
        read = sum(map(bool, texts.values()))
        yield f"OCR by {self._engine.name} read {_counted(read)}: check names and figures."
        told = sorted(failures)[:_MAX_REASONS]
        yield from (f"OCR could not read page {page}: {failures[page]}." for page in told)
        if beyond := left - len(failures):
            limit = f"{self._pages.at_most} pages a document (PALABRE_OCR_MAX_PAGES)"
            yield f"{_counted(beyond)} not given to OCR: the limit is {limit}."


def _counted(pages: int) -> str:
    return f"{pages} page{'' if pages == 1 else 's'}"


def _sections(texts: Mapping[int, str]) -> tuple[Section, ...]:
    """A heading holds on the pages that follow it."""
    outline = Outline()
    for page in sorted(texts):
        outline.page(page)
        write_markdown(outline, texts[page])
    return outline.sections()
