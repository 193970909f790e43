"""Sixty French files over all formats: words, headings, tables and pages survive."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

import pytest

from palabre.retriever.documents import Document, read
from tests.making import files
from tests.making.texts import Text, text

# Number and format: sixty in all.
FILES = [(number, suffix) for number in range(7) for suffix in files.FORMATS][:57]
WITHOUT_HEADINGS = ("txt",)
WITH_PAGES = {"pdf": 1, "pptx": 2}


def words(texts: Iterable[str]) -> Counter[str]:
    said = unicodedata.normalize("NFC", " ".join(texts))
    return Counter(re.findall(r"\w+", said))


def said_by(document: Document) -> Counter[str]:
    """A heading counts once, however many sections stand below it."""
    headings = {heading for s in document.sections for heading in s.headings}
    blocks = (block.text for s in document.sections for block in s.blocks)
    return words([document.title, *headings, *blocks])


def recall(document: Document, made: Text) -> float:
    wanted = words(made.words())
    lost = wanted - said_by(document)
    return 1 - lost.total() / wanted.total()


def spaced(said: str) -> str:
    """PDFs do not tell one space from another."""
    return said.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(("number", "suffix"), FILES)
def test_words_headings_and_tables_survive(number: int, suffix: str) -> None:
    made = text(number)
    document = read(f"{number}.{suffix}", files.FORMATS[suffix](made))
    assert recall(document, made) >= 0.99
    if suffix not in WITHOUT_HEADINGS:
        assert document.title == made.title
        check_structure(document, made, suffix)


def check_structure(document: Document, made: Text, suffix: str) -> None:
    for place, part in enumerate(made.parts):
        under = [s for s in document.sections if part.heading in s.headings]
        blocks = [block for s in under for block in s.blocks]
        head, *rows = (f"| {' | '.join(row)} |" for row in part.table)
        table = "\n".join([head, "| --- | --- | --- |", *rows])
        assert table in [block.text for block in blocks if block.kind == "table"]
        items = "\n".join(f"- {item}" for item in part.items)
        assert spaced(items) in "\n".join(spaced(b.text) for b in blocks if b.kind == "list")
        if first := WITH_PAGES.get(suffix):
            assert {s.page for s in under} == {first + place}


@pytest.mark.parametrize("number", range(3))
def test_a_page_of_two_columns_is_read_down_one_and_then_the_other(number: int) -> None:
    made = text(number + 100, parts=3)
    document = read("a.pdf", files.pdf(made, columns=2))
    assert recall(document, made) >= 0.99
    flat = " ".join(b.text for s in document.sections for b in s.blocks)
    for part in made.parts:
        places = [flat.find(paragraph[:30]) for paragraph in part.paragraphs]
        assert -1 not in places
        assert places == sorted(places)
