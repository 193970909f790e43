"""Lines in reading order become paragraphs, lists, tables and headings."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low

from palabre.retriever.documents.pdf.lines import MARKER, Line
from palabre.retriever.documents.structure import Kind

_ITEM = re.compile(rf"({MARKER.pattern})[\s\xa0]+(?=\S)")
_ORDERED = re.compile(r"\(?(\d{1,2})[.)]")
_WORD = re.compile(r"\w+(?:-\w+)*")
_ENDS_BROKEN = re.compile(r"[^\w]*\w[\w’'-]*-")
_LONGEST_WORD = 80
_BEGINS = re.compile(r"\w+")
# In sizes of letters: how much larger than usual white space parts paragraphs, the widest that is
# usual when no line was broken, an indent, and how far before the next line a last one ends.
_PARTED = 0.25
_LOOSE = 0.3
_INDENT = 0.8
_SHORT = 6.0
_SAME_SIZE = 0.6
# Points.
_SAME_ROW = 3.0
_LARGER = 1.15
_MAX_HEADING = 200
_BOLD_HEADING = 100
# French compounds that keep their hyphen wherever a line ends.
_KEEPS_BEFORE = frozenset(
    ("peut", "est", "sont", "vis", "sous", "celui", "celle", "ceux", "celles", "lui", "non", "ex")
)
_KEEPS_AFTER = frozenset(
    (
        *("il", "elle", "on", "je", "tu", "nous", "vous", "ils", "elles", "ce", "la", "le", "les"),
        *("y", "en", "moi", "toi", "lui", "leur", "là", "ci", "même", "mêmes"),
    )
)


@dataclass(slots=True)
class Part:
    """A block of a page, before it is known what a heading looks like here."""

    text: str
    kind: Kind
    size: float
    bold: bool = False
    lines: int = 1


def parts_of(lines: Sequence[Line], vocabulary: Collection[str]) -> list[Part]:
    """Paragraphs, lists and tables of a page; words that a line end had broken are whole again."""
    parts: list[Part] = []
    usual = _usual_gap(lines)
    for before, line in zip([None, *lines][:-1], lines, strict=True):
        if line.table:
            parts.append(Part(line.text, "table", line.size))
        elif _ITEM.match(line.text):
            _add_item(parts, before, line, usual)
        elif before is not None and _goes_on(before, line, usual) and parts[-1].kind != "table":
            parts[-1].text = rejoined(parts[-1].text, line.text, vocabulary)
            parts[-1].lines += 1
        else:
            parts.append(Part(line.text, "paragraph", line.size, line.bold))
    return parts


def _usual_gap(lines: Sequence[Line]) -> float:
    """White between the lines of a paragraph: told by those that go on inside a sentence."""
    near = ((b.box.top - a.box.bottom, a, b) for a, b in pairwise(lines))
    gaps = [(gap, a, b) for gap, a, b in near if 0 <= gap < 30]
    if broken := [gap for gap, a, b in gaps if _is_broken(a, b)]:
        return median_low(broken)
    return median_low([min(gap, _LOOSE * b.size) for gap, _, b in gaps] or [0.0])


def _is_broken(before: Line, line: Line) -> bool:
    alike = abs(before.size - line.size) <= _SAME_SIZE
    ended = before.text.endswith((".", "!", "?", "…", ":", ";"))
    return alike and not ended and line.text[:1].islower()


def _add_item(parts: list[Part], before: Line | None, line: Line, usual: float) -> None:
    item = _ITEM.sub(_bullet, line.text, count=1)
    near = before is not None and line.box.top - before.box.bottom < usual + 1.2 * line.size
    if near and parts and parts[-1].kind == "list":
        parts[-1].text += f"\n{item}"
    elif line.bold and _ORDERED.match(line.text):
        # `1. Objet` in bold is a heading with a number.
        parts.append(Part(line.text, "paragraph", line.size, line.bold))
    else:
        parts.append(Part(item, "list", line.size, line.bold))


def _bullet(found: re.Match[str]) -> str:
    number = _ORDERED.fullmatch(found[1])
    letter = found[1] if found[1].strip("()")[:1].isalpha() else ""
    return f"{number[1]}. " if number else f"- {letter} " if letter else "- "


def _goes_on(before: Line, line: Line, usual: float) -> bool:
    """Whether a line continues the paragraph of the one before."""
    if before.table or abs(before.size - line.size) > _SAME_SIZE or before.bold != line.bold:
        return False
    gap, size = line.box.top - before.box.bottom, line.size
    # The next column begins above where this one ended.
    if gap < -size:
        return not before.text.endswith((".", "!", "?", ":", ";")) and line.text[:1].islower()
    indented = line.box.left > before.box.left + _INDENT * size and not _ITEM.match(before.text)
    short = line.box.right > before.box.right + _SHORT * size
    ended = before.text.endswith((".", "!", "?", "…", ":", "»"))
    return gap < usual + _PARTED * size and not (ended and (indented or short))


def rejoined(before: str, after: str, vocabulary: Collection[str]) -> str:
    """Two lines as one. A hyphen goes unless French, or the rest of the document, wants it."""
    begins = _BEGINS.match(after)
    first = before[-_LONGEST_WORD:].rpartition(" ")[2]
    if not begins or not _ENDS_BROKEN.fullmatch(first):
        return f"{before} {after}"
    head, tail = first[:-1].casefold(), begins[0].casefold()
    compound = f"{head}-{tail}" in vocabulary
    whole = head + tail in vocabulary
    kept = "-" in head or head in _KEEPS_BEFORE or tail in _KEEPS_AFTER
    if not begins[0][0].islower() or ((compound or kept) and not whole):
        return before + after
    return before[:-1] + after


def vocabulary_of(pages: Iterable[Sequence[Line]]) -> frozenset[str]:
    """Words of the document, but for those that line ends may have broken."""
    words: set[str] = set()
    for lines in pages:
        for line in lines:
            found = [word.casefold() for word in _WORD.findall(line.text)]
            words.update(found[1:-1] if line.text.endswith("-") else found[1:])
    return frozenset(words)


def headings(pages: Iterable[Iterable[Part]]) -> dict[int, int]:
    """Part (by identity) to level, from 1: the larger the letters, the higher.

    Bold lines in the size of the text come last.
    """
    every = [part for parts in pages for part in parts]
    usual = _usual_size(every)
    large = [p for p in every if _may_head(p, _MAX_HEADING) and p.size >= usual * _LARGER]
    sizes = sorted({round(p.size) for p in large}, reverse=True)
    levels = {id(p): min(sizes.index(round(p.size)) + 1, 6) for p in large}
    for part in every:
        if id(part) not in levels and _is_bold_heading(part, usual):
            levels[id(part)] = min(len(sizes) + 1, 6)
    return levels


def _usual_size(parts: Iterable[Part]) -> float:
    """The size of most letters."""
    letters: Counter[float] = Counter()
    for part in parts:
        letters[round(part.size * 2) / 2] += len(part.text)
    return letters.most_common(1)[0][0] if letters else 10.0


def _may_head(part: Part, length: int) -> bool:
    letters = sum(c.isalpha() for c in part.text)
    return part.kind == "paragraph" and letters > 1 and len(part.text) <= length and part.lines <= 4


def _is_bold_heading(part: Part, usual: float) -> bool:
    return (
        part.bold
        and _may_head(part, _BOLD_HEADING)
        and part.size >= usual * 0.95
        and not part.text.endswith((".", ",", ";", ":"))
    )


def without_furniture(
    pages: Sequence[Sequence[Line]], heights: Sequence[float]
) -> Iterator[list[Line]]:
    """Pages without what stands at their head or foot on many of them, such as their number."""
    seen = Counter(
        place
        for lines, height in zip(pages, heights, strict=True)
        for place in {_place(line, height) for line in lines} - {None}
    )
    enough = max(2, min(10, (len(pages) * 3 + 9) // 10), 3 if len(pages) > 2 else 0)
    for lines, height in zip(pages, heights, strict=True):
        rows = [x.box.middle[1] for x in lines if seen[_place(x, height)] >= enough]
        yield [line for line in lines if not _is_beside(line, rows, height)]


def _is_beside(line: Line, rows: Sequence[float], height: float) -> bool:
    """The name of a chapter stands beside the number of the page."""
    place = line.box.middle[1]
    return _place(line, height) is not None and any(abs(place - row) < _SAME_ROW for row in rows)


def _place(line: Line, height: float) -> tuple[str, int] | None:
    """What it says but for numbers, and where; None in the middle of the page."""
    share = line.box.middle[1] / height if height else 0.5
    if line.table or 0.1 < share < 0.9:
        return None
    return re.sub(r"\d+|\b[ivxl]+\b", "#", line.text), round(share * 40)
