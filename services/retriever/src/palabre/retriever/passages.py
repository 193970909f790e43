"""Documents are cut into passages that follow their headings.

A passage's id is derived from all that it says and how it may be read, so a new version of a
document keeps the ids of the passages that did not change: only the others are written.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from palabre.chassis.ids import derived
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.documents import Block, Section
from palabre.retriever.engines.port import Window
from palabre.retriever.fitting import GAP, PLACES, fitted, heading_rows, joined

if TYPE_CHECKING:
    from palabre.retriever.vectors import Sparse

# Characters of text that a passage aims at; measured, see bench/search/README.md.
TARGET = 900
# Lists and tables stay whole up to this many.
WHOLE = 2_400
# The contract's limit; UTF-8.
MAX_BYTES = 8 * 1024
_HEADING_CHARACTERS = 200
_MAX_HEADINGS = 8


@dataclass(frozen=True, slots=True)
class Indexed:
    """A passage and the words that find it besides its own.

    `terms` are those of its sparse fields, where it comes from an index; `vectors` are on their way
    into one, where they are computed by now.
    """

    passage: Passage
    keywords: tuple[str, ...] = ()
    terms: Mapping[str, Sequence[int]] = field(default_factory=dict, compare=False)
    vectors: "Mapping[str, Sparse]" = field(default_factory=dict, compare=False)


def cut(
    sections: Iterable[Section],
    common: Passage,
    keywords: tuple[str, ...] = (),
    target: int = TARGET,
    window: Window | None = None,
) -> list[Indexed]:
    """Passages in reading order. `common` holds what they share: document, title, version, tier…

    With a window none is longer than it, as far as that is known. Blocking.
    """
    seen: Counter[str] = Counter()
    passages = []
    for section in sections:
        shared = Passage(page=section.page, heading_path=_shortened(section.headings))
        shared.MergeFrom(common)
        for text in _texts(section, shared, target, window):
            passage = Passage(text=text)
            passage.MergeFrom(shared)
            identity = _identity(passage, keywords)
            passage.id = derived(*identity, str(seen["\0".join(identity)]))
            seen["\0".join(identity)] += 1
            passages.append(Indexed(passage, keywords))
    return passages


def _texts(section: Section, shared: Passage, target: int, window: Window | None) -> Iterator[str]:
    if window is None or not window.longest:
        return iter(pack(section.blocks, target))
    packed = _packed(section.blocks, target)
    return (text for blocks in packed for text in fitted(blocks, shared, window))


def pack(blocks: Iterable[Block], target: int = TARGET) -> list[str]:
    """Joins blocks up to the target; cuts those that are too long where it hurts least."""
    return [joined(each) for each in _packed(blocks, target)]


def _packed(blocks: Iterable[Block], target: int) -> list[list[Block]]:
    packed: list[list[Block]] = []
    length = 0
    for piece in (Block(text, block.kind) for block in blocks for text in _pieces(block, target)):
        # A short end is joined too: a few words alone answer nothing.
        room = target if len(piece.text) * 4 > target else target * 5 // 4
        if packed and length + len(piece.text) < room:
            packed[-1].append(piece)
            length += len(GAP) + len(piece.text)
        else:
            packed.append([piece])
            length = len(piece.text)
    return packed


def _pieces(block: Block, target: int) -> Iterator[str]:
    if len(block.text) <= (target if block.kind == "paragraph" else WHOLE):
        yield from _within(block.text, MAX_BYTES)
    elif block.kind == "table":
        yield from _rows(block.text, target)
    else:
        yield from _joined(PLACES[block.kind][0].split(block.text), target)


def _rows(table: str, target: int) -> Iterator[str]:
    """Every piece of a table begins with its heading rows."""
    heading = heading_rows(table, target // 2)
    rows = table.split("\n")[2 if heading else 0 :]
    for piece in _joined(("\n" + row for row in rows), target):
        yield f"{heading}\n{piece}" if heading else piece


def _joined(parts: Iterable[str], target: int) -> Iterator[str]:
    """Parts bring the white space that stood before them."""
    joined = ""
    for part in parts:
        if joined and len(joined) + len(part) > target:
            yield from _within(joined.strip(), MAX_BYTES // 2)
            joined = ""
        joined += part
    if joined.strip():
        yield from _within(joined.strip(), MAX_BYTES // 2)


def _within(text: str, max_bytes: int) -> Iterator[str]:
    """Cuts between words, where there are any, what nothing else could cut; bytes of UTF-8."""
    start = 0
    while start < len(text):
        fits = text[start : start + max_bytes].encode()[:max_bytes].decode(errors="ignore")
        end = len(fits)
        if start + end < len(text) and (space := fits.rfind(" ")) > end // 2:
            end = space
        if piece := fits[:end].strip():
            yield piece
        start += end


def _identity(passage: Passage, keywords: tuple[str, ...]) -> tuple[str, ...]:
    """Everything but the version and the place in the document."""
    p = passage
    said = (p.document, p.title, p.text, p.language, p.tier, p.url, str(p.page))
    return (*said, *p.heading_path, "", *keywords)


def _shortened(headings: tuple[str, ...]) -> list[str]:
    return [heading[:_HEADING_CHARACTERS] for heading in headings[-_MAX_HEADINGS:]]
