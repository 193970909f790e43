"""Passages that a model of embeddings reads to their end.

What it would not read any more is no part of a vector, and nobody notices.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from math import ceil

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.documents import Block
from palabre.retriever.engines.port import Window

# Between the blocks of a passage.
GAP = "\n\n"
# Where a text may be cut: before the white space, which stays with what follows.
SENTENCE = re.compile(r"(?<=[.!?…])(?=\s)|(?=\n)")
ITEM = re.compile(r"(?=\n(?:[-*+]|\d+[.)])\s)")
LINE = re.compile(r"(?=\n)")
# By kind of block, the best first.
PLACES = {
    "paragraph": (SENTENCE,),
    "list": (ITEM, SENTENCE),
    "table": (LINE,),
    "code": (LINE,),
}
# Where nothing else can be cut, this share of a piece stands in the next one too.
_OVERLAP = 8


def embedded(passage: Passage, window: Window | None = None) -> str:
    """A passage with the headings above it: alone it often does not say what it is about.

    They take half of the window at most: the outermost ones are left out first, the title last.
    """
    return "\n".join((*_above(passage, window), passage.text))


def fitted(blocks: Sequence[Block], passage: Passage, window: Window) -> Iterator[str]:
    """The text of these blocks, in few pieces that the window takes, about as long as each other.

    `passage` is what it will stand in, with its headings. Blocking: it counts tokens.
    """
    above = "\n".join((*_above(passage, window), ""))
    taken = window.tokens(above)
    room = max(1, window.longest - taken)
    waiting = [list(blocks)]
    while waiting:
        part = waiting.pop()
        text = joined(part)
        # No token is shorter than a byte: most need not be counted for a model that reads much.
        fits = len(text.encode()) <= room
        times = 1 if fits else ceil((window.tokens(above + text) - taken) / room)
        parts = _parted(part, len(text) // times) if times > 1 else []
        waiting.extend(reversed(parts))
        if not parts:
            yield text


def _above(passage: Passage, window: Window | None) -> list[str]:
    above = [passage.title, *passage.heading_path]
    while window and window.longest and above and _crowds(above, window):
        del above[1 if len(above) > 1 else 0]
    return above


def joined(blocks: Iterable[Block]) -> str:
    return GAP.join(block.text for block in blocks)


def heading_rows(table: str, most: int) -> str:
    """The first two lines of a table in Markdown, if they head it in fewer characters than that."""
    lines = table.split("\n", 2)
    headed = len(lines) > 2 and set(lines[1]) <= set("|-: ") and len(lines[0]) < most
    return "\n".join(lines[:2]) if headed else ""


def _parted(blocks: Sequence[Block], at: int) -> list[list[Block]]:
    """Two parts, the first about `at` characters long; none where nothing can be parted."""
    if len(blocks) == 1:
        [block] = blocks
        return [[Block(text, block.kind)] for text in _cut(block, at) if text]
    ends = list(accumulate(len(block.text) + len(GAP) for block in blocks[:-1]))
    place = 1 + ends.index(_nearest(ends, at))
    return [list(blocks[:place]), list(blocks[place:])]


def _cut(block: Block, at: int) -> tuple[str, ...]:
    text = block.text
    heading = heading_rows(text, at // 2) if block.kind == "table" else ""
    for boundary in PLACES[block.kind]:
        found = (match.start() for match in boundary.finditer(text))
        if places := [place for place in found if len(heading) < place < len(text)]:
            place = _nearest(places, at)
            rest = text[place:].strip()
            return text[:place].strip(), f"{heading}\n{rest}" if heading else rest
    return _overlapping(text, at) if 0 < at < len(text) else ()


def _overlapping(text: str, at: int) -> tuple[str, str]:
    """Between words, where there are any."""
    end = max(text.rfind(" ", at // 2, at + 1), 0) or at
    before = end - at // _OVERLAP
    start = max(text.find(" ", before, end), 0) or before
    return text[:end].strip(), text[start:].strip()


def _nearest(places: Sequence[int], at: int) -> int:
    return min(places, key=lambda place: abs(place - at))


def _crowds(above: Sequence[str], window: Window) -> bool:
    return window.tokens("\n".join(above)) * 2 > window.longest
