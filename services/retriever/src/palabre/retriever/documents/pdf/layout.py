"""In what order a person reads the lines of a page, and which of them make a table without rules.

Recursive X-Y cut (Nagy & Seth, 1984): a gutter of white parts columns, a gap of white parts what
stands above from what stands below.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

from palabre.retriever.documents.pdf.lines import COLUMN_GAP, Line
from palabre.retriever.documents.pdf.paper import Box
from palabre.retriever.documents.tables import markdown

# In sizes of letters.
_GUTTER = 0.8
_SAME_ROW = 0.45
_WORD_GAP = 0.15
# Columns of prose have lines of some length; those of tables are read row by row.
_PROSE_CHARACTERS = 18
_COLUMN_LINES = 3
_MAX_DEPTH = 60
# A page with more lines than this is a drawing.
_MAX_LINES = 3_000


def ordered(lines: Sequence[Line]) -> list[Line]:
    """In reading order, with tables in place of the lines that they are made of."""
    depth = _MAX_DEPTH if len(lines) <= _MAX_LINES else 0
    return [line for region in _regions(list(lines), depth) for line in _tabled(_rows(region))]


def _regions(lines: list[Line], depth: int) -> list[list[Line]]:
    """What has one column each. A gap parts only where there are columns above or below it."""
    if depth == 0 or len(lines) <= _COLUMN_LINES:
        return [lines]
    if gutter := _gutter(lines):
        sides = _parted(lines, 0, gutter)
        return [region for side in sides for region in _regions(side, depth - 1)]
    if any(len(row) > 1 for row in _rows(lines)) and (gap := _gap(lines)):
        sides = _parted(lines, 1, gap)
        found = [region for side in sides for region in _regions(side, depth - 1)]
        return found if len(found) > len(sides) else [lines]
    return [lines]


def _parted(lines: Sequence[Line], axis: int, at: float) -> tuple[list[Line], list[Line]]:
    before = [line for line in lines if line.box.middle[axis] < at]
    return before, [line for line in lines if line.box.middle[axis] >= at]


def _gutter(lines: Sequence[Line]) -> float:
    """Where columns of prose are parted; 0 when there is one column."""
    for middle, width in _white(lines, lambda box: (box.left, box.right)):
        left, right = _parted(lines, 0, middle)
        size = min(line.size for line in lines)
        if width > _GUTTER * size and all(map(_is_prose, (left, right))) and _beside(left, right):
            return middle
    return 0.0


def _is_prose(lines: Sequence[Line]) -> bool:
    letters = sum(len(line.text) for line in lines)
    return len(lines) >= _COLUMN_LINES and letters >= _PROSE_CHARACTERS * len(lines)


def _beside(left: Sequence[Line], right: Sequence[Line]) -> bool:
    one, other = _around(left), _around(right)
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared > 0.5 * min(one.bottom - one.top, other.bottom - other.top)


def _gap(lines: Sequence[Line]) -> float:
    """The middle of the widest white from side to side; 0 when there is none."""
    gaps = _white(lines, lambda box: (box.top, box.bottom))
    return gaps[0][0] if gaps else 0.0


def _white(
    lines: Sequence[Line], edges: Callable[[Box], tuple[float, float]]
) -> list[tuple[float, float]]:
    """(middle, width) of what no line covers, the widest first."""
    spans = sorted(edges(line.box) for line in lines)
    found, end = [], spans[0][1]
    for start, stop in spans:
        if start > end:
            found.append(((start + end) / 2, start - end))
        end = max(end, stop)
    return sorted(found, key=lambda white: -white[1])


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines on one baseline, from left to right; rows from top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.box.middle[1]):
        last = rows[-1][0] if rows else None
        if last and line.box.middle[1] - last.box.middle[1] < _SAME_ROW * min(line.size, last.size):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [_joined(sorted(row, key=lambda line: line.box.left)) for row in rows]


def _joined(row: Sequence[Line]) -> list[Line]:
    """Raised and lowered letters make pieces of a line that have no gap between them."""
    joined: list[Line] = []
    for line in row:
        last = joined[-1] if joined else None
        gap = line.box.left - last.box.right if last else 0.0
        if last and not (last.table or line.table) and gap < COLUMN_GAP * max(last.size, line.size):
            main = max(last, line, key=lambda piece: len(piece.text))
            space = " " if gap > _WORD_GAP * main.size else ""
            said = f"{last.text}{space}{line.text}"
            joined[-1] = replace(main, text=said, box=last.box.around(line.box))
        else:
            joined.append(line)
    return joined


def _tabled(rows: Sequence[list[Line]]) -> list[Line]:
    """Rows of several pieces below each other are a table."""
    lines: list[Line] = []
    for several, run in groupby(rows, lambda row: len(row) > 1 and not any(x.table for x in row)):
        together = list(run)
        if several and len(together) > 1:
            lines.append(_table(together))
        else:
            lines += [line for row in together for line in row]
    return lines


def _table(rows: Sequence[Sequence[Line]]) -> Line:
    """Columns are what the pieces of all rows cover together."""
    columns: list[list[float]] = []
    for line in sorted((line for row in rows for line in row), key=lambda line: line.box.left):
        if columns and line.box.left < columns[-1][1]:
            columns[-1][1] = max(columns[-1][1], line.box.right)
        else:
            columns.append([line.box.left, line.box.right])
    cells = []
    for row in rows:
        places = [""] * len(columns)
        for line in row:
            at = next(i for i, (start, end) in enumerate(columns) if start <= line.box.left < end)
            places[at] = f"{places[at]} {line.text}".strip()
        cells.append(places)
    every = [line for row in rows for line in row]
    return Line(markdown(cells), _around(every), every[0].size, table=True)


def _around(lines: Sequence[Line]) -> Box:
    box = lines[0].box
    for line in lines[1:]:
        box = box.around(line.box)
    return box
