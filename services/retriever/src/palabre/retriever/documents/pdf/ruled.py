"""Tables that are drawn with rules: pdfplumber finds their cells, PDFium gives the words."""

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pdfplumber
from pdfminer.pdfexceptions import PDFException
from pdfminer.psparser import PSException
from pypdfium2 import PdfPage, raw

from palabre.retriever.documents.pdf.lines import Box, Line, Word
from palabre.retriever.documents.tables import markdown

# A table has as many strokes at least; a map has more than this.
_MIN_STROKES = 4
_MAX_STROKES = 3_000
# Finding cells costs some 50 ms a page where PDFium needs 5: in all, not more than this.
BUDGET_S = 30.0
# Points by which rules of one row may miss each other.
_SLACK = 3.0
_FAILURES = (PDFException, PSException, ValueError, TypeError, KeyError, IndexError, AttributeError)


@dataclass(frozen=True, slots=True)
class Grid:
    """`cells` are boxes, of which merged ones cover several places of the grid."""

    box: Box
    cells: tuple[Box, ...]


class Ruled:
    """Of one file. Gives up where pdfplumber does: then a table is read as lines."""

    def __init__(self, data: bytes, budget_s: float = BUDGET_S) -> None:
        self._data, self._left = data, budget_s
        self._file: Any = None
        self.skipped = 0

    def grids(self, page: PdfPage, number: int) -> list[Grid]:
        """`number` counts from 0."""
        if page.get_rotation() or not _MIN_STROKES <= _strokes(page) <= _MAX_STROKES:
            return []
        if self._left <= 0:
            self.skipped += 1
            return []
        began = time.monotonic()
        try:
            self._file = self._file or pdfplumber.open(io.BytesIO(self._data))
            found = self._file.pages[number]
            tables = [_grid(table) for table in found.find_tables()]
            found.close()
        except _FAILURES:
            tables = []
        self._left -= time.monotonic() - began
        return [table for table in tables if _is_table(table)]


def _strokes(page: PdfPage) -> int:
    count = 0
    for number in range(raw.FPDFPage_CountObjects(page)):
        kind = raw.FPDFPageObj_GetType(raw.FPDFPage_GetObject(page, number))
        count += kind == raw.FPDF_PAGEOBJ_PATH
        if count > _MAX_STROKES:
            break
    return count


def _grid(table: Any) -> Grid:
    return Grid(Box(*table.bbox), tuple(Box(*cell) for cell in table.cells))


def _is_table(grid: Grid) -> bool:
    """A frame around a paragraph is none."""
    return len(_edges([c.left for c in grid.cells])) > 1 < len(_edges([c.top for c in grid.cells]))


def tabled(
    grids: Sequence[Grid], rows: Sequence[Sequence[Word]]
) -> tuple[list[Line], list[list[Word]]]:
    """The tables as lines of their own, and the words that stand in none."""
    said: dict[Box, list[Word]] = {cell: [] for grid in grids for cell in grid.cells}
    rest: list[list[Word]] = []
    for row in rows:
        rest.append([])
        for word in row:
            cell = _cell(grids, word.box.middle)
            (said[cell] if cell else rest[-1]).append(word)
    tables = [_table(grid, said) for grid in grids]
    return [table for table in tables if table.text], rest


def _cell(grids: Sequence[Grid], point: tuple[float, float]) -> Box | None:
    inside = (cell for grid in grids if grid.box.holds(point) for cell in grid.cells)
    return next((cell for cell in inside if cell.holds(point)), None)


def _table(grid: Grid, said: dict[Box, list[Word]]) -> Line:
    """Every place of the grid has the text of the cell that covers it."""
    columns, rows = (
        _middles([c.left for c in grid.cells], grid.box.right),
        _middles([c.top for c in grid.cells], grid.box.bottom),
    )
    cells = [[_cell([grid], (x, y)) for x in columns] for y in rows]
    texts = [[" ".join(w.text for w in said[c]) if c else "" for c in row] for row in cells]
    words = [word for cell in grid.cells for word in said[cell]]
    return Line(markdown(texts), grid.box, words[0].size if words else 10.0, table=True)


def _middles(starts: Sequence[float], end: float) -> list[float]:
    edges = [*_edges(starts), end]
    return [(a + b) / 2 for a, b in pairwise(edges)]


def _edges(values: Sequence[float]) -> list[float]:
    edges: list[float] = []
    for value in sorted(values):
        if not edges or value - edges[-1] > _SLACK:
            edges.append(value)
    return edges
