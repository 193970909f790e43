"""What every format is read into."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from palabre.retriever.documents.front import Front

Kind = Literal["paragraph", "list", "table", "code"]
# Where a word may be broken, and other signs that nobody sees: soft hyphen, space without width,
# word joiner, byte order mark. No search finds a word with one inside.
_MARKS = re.compile("[\u00ad\u200b\u2060\ufeff]+")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table or code, in light Markdown, never empty."""

    text: str
    kind: Kind = "paragraph"


@dataclass(frozen=True, slots=True)
class Section:
    """What stands below one heading; `headings` is the path to it, without the document's title."""

    headings: tuple[str, ...]
    blocks: tuple[Block, ...]
    page: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """What a reader is given. `charset` is empty when nobody named one.

    `language` is the one to take for a document that does not say its own; empty: unknown.
    """

    name: str
    data: bytes
    charset: str = ""
    front: Front = field(default_factory=Front)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A file's content. What the file does not say of itself is empty.

    `remarks` are English sentences for its owner; `unread` the pages that hold no text to read.
    """

    sections: tuple[Section, ...]
    title: str = ""
    language: str = ""
    tier: str = ""
    url: str = ""
    keywords: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    unread: tuple[int, ...] = ()
    media_type: str = ""


# Raises InvalidDocument. Blocking.
Reader = Callable[[Source], Document]


class Outline:
    """Collects blocks under the headings they stand below, in reading order."""

    def __init__(self) -> None:
        self._path: list[tuple[int, str]] = []
        self._blocks: list[Block] = []
        self._sections: list[Section] = []
        self._page = 0

    def page(self, number: int) -> None:
        """What follows stands on this page, from 1, under the headings that are open."""
        self._close()
        self._page = number

    def heading(self, level: int, text: str) -> None:
        self._close()
        self._path = [(depth, title) for depth, title in self._path if depth < level]
        if text:
            self._path.append((level, text))

    def block(self, text: str, kind: Kind = "paragraph") -> None:
        if text := text.strip("\n").rstrip():
            self._blocks.append(Block(text, kind))

    def sections(self) -> tuple[Section, ...]:
        self._close()
        return tuple(self._sections)

    def _close(self) -> None:
        if self._blocks:
            headings = tuple(text for _, text in self._path)
            self._sections.append(Section(headings, tuple(self._blocks), self._page))
            self._blocks = []


def without_title(sections: tuple[Section, ...], title: str) -> tuple[Section, ...]:
    """Drops the title from the heading paths that begin with it."""
    return tuple(
        Section(s.headings[1:], s.blocks, s.page) if s.headings[:1] == (title,) else s
        for s in sections
    )


def without_marks(document: Document) -> Document:
    """Without the invisible signs that typesetters put into words."""
    sections = (
        Section(
            tuple(_MARKS.sub("", heading) for heading in s.headings),
            tuple(Block(text, b.kind) for b in s.blocks if (text := _MARKS.sub("", b.text))),
            s.page,
        )
        for s in document.sections
    )
    return replace(
        document,
        title=_MARKS.sub("", document.title),
        sections=tuple(section for section in sections if section.blocks),
    )
