"""Proposes how a table is read, from what its columns look like. The rules: docs/sheets.md."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from palabre.retriever.documents.sheets.grid import EMPTY, Row, Table
from palabre.retriever.documents.sheets.shapes import Shape, is_calendar, shape

Mode = Literal["rows", "table", "grouped", "text", "skip"]
MODES: tuple[Mode, ...] = ("rows", "table", "grouped", "text", "skip")

# Above this many rows a table is no longer looked at as a whole.
MAX_TABLE_ROWS = 100
# A table's header is repeated with each of its pieces.
MAX_TABLE_HEADER = 400
_MAX_GROUP = 30
# Mean length of a column from which its cells are read, not looked up.
_PROSE = 45
_SHORT, _TIME = 3, 6
_SAMPLE = 300


@dataclass(frozen=True, slots=True)
class Proposal:
    """`by` is the column that groups, by its place."""

    mode: Mode
    by: int | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """Of the cells that are not empty: how many, how many different, mean length, shapes."""

    filled: int
    distinct: int
    length: float
    shapes: Counter[Shape]

    def share(self, *shapes: Shape) -> float:
        return sum(self.shapes[s] for s in shapes) / max(1, self.shapes.total())


def propose(table: Table) -> Proposal:
    """The first rule that fits."""
    columns = [_column(table.rows, at) for at in range(len(table.columns))]
    if len(columns) < 2 or (not table.header and len(columns) == 2):
        return Proposal("text")
    prose = any(column.length >= _PROSE for column in columns)
    key = columns[0]
    if not prose and _groups(key, table.rows):
        return Proposal("grouped", 0)
    if table.header and not prose and _is_grid(table, columns):
        return Proposal("table")
    return Proposal("rows")


def _column(rows: Sequence[Row], at: int) -> Column:
    texts = [row.texts[at] for row in rows if row.kinds[at] != EMPTY]
    seen = [row for row in _sampled(rows) if row.kinds[at] != EMPTY]
    shapes = Counter(shape(row.texts[at], row.kinds[at]) for row in seen)
    length = sum(len(row.texts[at]) for row in seen) / max(1, len(seen))
    return Column(len(texts), len(set(texts)), length, shapes)


def _sampled(rows: Sequence[Row]) -> Sequence[Row]:
    """Rows from all over the table."""
    return rows[:: max(1, len(rows) // _SAMPLE)]


def _groups(key: Column, rows: Sequence[Row]) -> bool:
    """The first column repeats its words, on rows that stand together."""
    if key.distinct < 2 or key.filled < 4 or key.share("words", "code") < 0.7:
        return False
    size = key.filled / key.distinct
    runs = sum(1 for _ in groupby(row.texts[0] for row in rows if row.kinds[0] != EMPTY))
    return 1.6 <= size <= _MAX_GROUP and runs <= 1.5 * key.distinct


def _is_grid(table: Table, columns: Sequence[Column]) -> bool:
    """What a cell means is said by its row and its column together."""
    key, values = columns[0], columns[1:]
    named = sum(map(len, table.columns)) + 3 * len(columns)
    if len(table.rows) > MAX_TABLE_ROWS or named > MAX_TABLE_HEADER:
        return False
    if (_is_calendar(table) or not table.columns[0]) and key.distinct == key.filled:
        return True
    if _is_identified(table.rows) and not table.bands:
        return False
    return _short_share(table.rows) >= 0.6 or _alike(values, table.rows)


def _is_identified(rows: Sequence[Row]) -> bool:
    """By references, numbers or dates, not by types such as T2: each row is a record.

    Beside figures alone, numbers that count up are a scale: steps, persons, years.
    """
    keys = [(row.texts[0], row.kinds[0]) for row in _sampled(rows) if row.kinds[0] != EMPTY]
    scale = _short_share(rows) >= 0.9 and all(len(text) <= 2 for text, _ in keys)
    shapes = [(text, shape(text, kind)) for text, kind in keys]
    given = sum(
        text.isdigit() or s == "date" or (s == "code" and len(text) > 3) for text, s in shapes
    )
    return 2 * given > len(keys) and not scale


def _is_calendar(table: Table) -> bool:
    """Weekdays, months or years down the side."""
    labels = [row.texts[0] for row in table.rows if row.kinds[0] != EMPTY]
    return 2 * sum(map(is_calendar, labels)) > len(labels)


def _short_share(rows: Sequence[Row]) -> float:
    """Of the cells beside the first column: numbers, marks, times, the shortest words."""
    cells = list(_values(rows))
    short = sum(
        s in ("number", "mark")
        or (len(text) <= _SHORT and s != "code")
        or (len(text) <= _TIME and s == "hour")
        for text, s in cells
    )
    return short / max(1, len(cells))


def _alike(values: Sequence[Column], rows: Sequence[Row]) -> bool:
    """All columns are short texts with figures in them: formulas, ranges, scales."""
    cells = list(_values(rows))
    figures = sum(s in ("number", "words", "code") and _has_digit(text) for text, s in cells)
    alike = all(column.length <= 30 for column in values)
    return len(values) > 1 and alike and figures >= 0.9 * len(cells)


def _values(rows: Sequence[Row]) -> Iterator[tuple[str, Shape]]:
    for row in _sampled(rows):
        for text, kind in zip(row.texts[1:], row.kinds[1:], strict=True):
            if kind != EMPTY:
                yield text, shape(text, kind)


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)
