"""A large document is read once for all its pages."""

import asyncio

import pytest

from palabre.contracts.v1.retriever_pb2 import DocumentEntry
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever import paging
from palabre.retriever.paging import Pages


class Shelf:
    """Stands in for Knowledge: counts how often a document is read."""

    def __init__(self, passages: int) -> None:
        self.reads = 0
        self._passages = [Passage(text=f"{n} " + "é" * 8_000) for n in range(passages)]

    async def passages(self, space: str, entry: DocumentEntry) -> list[Passage]:
        self.reads += 1
        return self._passages


def pages(shelf: Shelf, kept_s: float = 60.0) -> Pages:
    return Pages(shelf, kept_s)  # type: ignore[arg-type]


async def whole(read: Pages, entry: DocumentEntry) -> list[str]:
    texts: list[str] = []
    while page := await read.page("demo", entry, len(texts)):
        texts += [passage.text for passage in page]
    return texts


async def test_the_pages_of_a_document_are_read_once() -> None:
    shelf = Shelf(1_000)
    read = pages(shelf)
    texts = await whole(read, DocumentEntry(document="livre.md", version="1"))
    assert [text.split()[0] for text in texts] == [str(n) for n in range(1_000)]
    assert shelf.reads == 1


async def test_another_version_is_read_anew() -> None:
    shelf = Shelf(600)
    read = pages(shelf)
    for version in ("1", "2", "1"):
        await read.page("demo", DocumentEntry(document="livre.md", version=version))
    assert shelf.reads == 2


async def test_what_fits_on_a_page_is_not_kept() -> None:
    shelf = Shelf(3)
    read = pages(shelf)
    for _ in range(2):
        assert len(await read.page("demo", DocumentEntry(document="fiche.md"))) == 3
    assert shelf.reads == 2


@pytest.mark.parametrize("others", [0, 2])
async def test_what_is_kept_goes_after_a_while_or_for_others(others: int) -> None:
    shelf = Shelf(600)
    read = pages(shelf, kept_s=60.0 if others else 0.01)
    names = ["livre.md", *(f"autre-{n}.md" for n in range(others))]
    for name in names:
        await read.page("demo", DocumentEntry(document=name))
    await asyncio.sleep(0.05)
    assert len(read._kept) == min(others, paging._AT_MOST)
    await read.page("demo", DocumentEntry(document="livre.md"), skip=400)
    assert shelf.reads == len(names) + 1
