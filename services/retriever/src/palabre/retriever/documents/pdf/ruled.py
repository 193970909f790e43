"""Tables that are drawn with rules: strokes that cross make a grid, and where one is missing
between two places they are one cell.

Found from PDFium's strokes: pdfplumber, which reads each page once more with pdfminer, takes 80 ms
a page for what takes 3 here.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from palabre.retriever.documents.pdf.lines import Line, Word, tidy
from palabre.retriever.documents.pdf.paper import Box
from palabre.retriever.documents.pdf.strokes import Stroke
from palabre.retriever.documents.tables import markdown

# Points by which rules that meet, or stand on one line, may miss each other.
_SLACK = 3.0
_MAX_PLACES = 20_000


@dataclass(frozen=True, slots=True)
class Grid:
    """Edges of columns and rows; `cells` says to which cell each place belongs, row by row."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    cells: tuple[tuple[int, ...], ...]

    @property
    def box(self) -> Box:
        return Box(self.columns[0], self.rows[0], self.columns[-1], self.rows[-1])

    def cell(self, x: float, y: float) -> int | None:
        column, row = bisect_right(self.columns, x) - 1, bisect_right(self.rows, y) - 1
        if 0 <= column < len(self.columns) - 1 and 0 <= row < len(self.rows) - 1:
            return self.cells[row][column]
        return None


def grids(strokes: Sequence[Stroke]) -> list[Grid]:
    """From top to bottom. A frame around a paragraph is none."""
    found = (_grid(group) for group in _touching(strokes))
    return sorted((grid for grid in found if grid), key=lambda grid: grid.rows[0])


def tabled(
    found: Sequence[Grid], rows: Sequence[Sequence[Word]]
) -> tuple[list[Line], list[list[Word]]]:
    """The tables as lines of their own, and the words that stand in none."""
    inside: list[dict[int, list[Word]]] = [{} for _ in found]
    rest: list[list[Word]] = []
    for row in rows:
        rest.append([])
        for word in row:
            places = ((n, grid.cell(*word.box.middle)) for n, grid in enumerate(found))
            number, cell = next(((n, c) for n, c in places if c is not None), (0, None))
            (rest[-1] if cell is None else inside[number].setdefault(cell, [])).append(word)
    tables = [_table(grid, words) for grid, words in zip(found, inside, strict=True)]
    return [table for table in tables if table.text], rest


def _table(grid: Grid, words: dict[int, list[Word]]) -> Line:
    said = {cell: tidy(" ".join(word.text for word in each)) for cell, each in words.items()}
    texts = [[said.get(cell, "") for cell in row] for row in grid.cells]
    sizes = [word.size for each in words.values() for word in each]
    return Line(markdown(texts), grid.box, sizes[0] if sizes else 10.0, table=True)


def _touching(strokes: Sequence[Stroke]) -> list[list[Stroke]]:
    """Groups of strokes that hang together."""
    groups: list[list[Stroke]] = []
    for stroke in strokes:
        apart, joined = [], [stroke]
        for group in groups:
            if any(_cross(stroke, other) for other in group):
                joined += group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return groups


def _cross(one: Stroke, other: Stroke) -> bool:
    if one.level == other.level:
        return False
    return (
        one.start - _SLACK <= other.at <= one.end + _SLACK
        and other.start - _SLACK <= one.at <= other.end + _SLACK
    )


def _grid(strokes: Sequence[Stroke]) -> Grid | None:
    upright = [stroke for stroke in strokes if not stroke.level]
    level = [stroke for stroke in strokes if stroke.level]
    columns, rows = _edges(s.at for s in upright), _edges(s.at for s in level)
    if len(columns) < 3 or len(rows) < 3 or len(columns) * len(rows) > _MAX_PLACES:
        return None
    right = [_walls(upright, x, rows) for x in columns]
    below = [_walls(level, y, columns) for y in rows]
    return Grid(columns, rows, _cells(right, below))


def _edges(places: Iterable[float]) -> tuple[float, ...]:
    edges: list[float] = []
    for place in sorted(places):
        if not edges or place - edges[-1] > _SLACK:
            edges.append(place)
    return tuple(edges)


def _walls(strokes: Sequence[Stroke], at: float, across: Sequence[float]) -> list[bool]:
    """Along this edge: between which two edges across it there is a rule."""
    here = [stroke for stroke in strokes if abs(stroke.at - at) <= _SLACK]
    middles = [(a + b) / 2 for a, b in pairwise(across)]
    return [any(stroke.start <= middle <= stroke.end for stroke in here) for middle in middles]


def _cells(
    right: Sequence[Sequence[bool]], below: Sequence[Sequence[bool]]
) -> tuple[tuple[int, ...], ...]:
    """Places that no rule parts are one cell; each has the number of its first place."""
    height, width = len(below) - 1, len(right) - 1
    cells = [[-1] * width for _ in range(height)]
    for start in range(height * width):
        ahead = [divmod(start, width)]
        while ahead:
            row, column = ahead.pop()
            if cells[row][column] >= 0:
                continue
            cells[row][column] = start
            ahead += _open(row, column, right, below)
    return tuple(map(tuple, cells))


def _open(
    row: int, column: int, right: Sequence[Sequence[bool]], below: Sequence[Sequence[bool]]
) -> Iterator[tuple[int, int]]:
    """The places beside this one that no rule parts from it."""
    if column + 2 < len(right) and not right[column + 1][row]:
        yield row, column + 1
    if column and not right[column][row]:
        yield row, column - 1
    if row + 2 < len(below) and not below[row + 1][column]:
        yield row + 1, column
    if row and not below[row][column]:
        yield row - 1, column
