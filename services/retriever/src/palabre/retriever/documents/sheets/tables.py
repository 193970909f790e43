"""Finds the tables of a sheet, their headers, and the lines around them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from statistics import median

from palabre.retriever.documents.sheets.grid import (
    ABOVE,
    EMPTY,
    LEFT,
    TEXT,
    Grid,
    Prose,
    Row,
    Table,
)
from palabre.retriever.documents.sheets.headers import column_names, header_rows

# A row that stands alone at the end of a table is a note when it looks like one.
_NOTE = re.compile(
    r"[*¹²³(]|n\.?\s?b\.?\b|nota\b|notes?\b|sources?\b|attention\b|remarque|légende|important",
    re.IGNORECASE,
)
_LONG_LINE = 45
# Rows that are looked at to learn what a table is like.
SAMPLE = 400


def parts(grid: Grid) -> list[Table | Prose]:
    """In reading order. Blank rows part tables, unless what follows goes on with the same one."""
    found: list[Table | Prose] = []
    for block in _blocks(grid.rows):
        part = _part(block)
        before = found[-1] if found else None
        if isinstance(before, Table) and isinstance(part, Table) and _goes_on(before, part):
            found[-1] = _joined(before, part)
        elif isinstance(before, Prose) and isinstance(part, Table):
            found[-1] = replace(part, titles=(*before.lines, *part.titles))
        else:
            found.append(part)
    return [_trimmed(part) if isinstance(part, Table) else part for part in _with_notes(found)]


def table_at(grid: Grid, header: Sequence[int]) -> Table:
    """The sheet as one table with its header in these rows; without any, all rows are data."""
    first = min(header, default=0)
    above = [row for row in grid.rows if row.number < first and row.filled]
    head = [row for row in grid.rows if row.number in header]
    below = [row for row in grid.rows if row.number > max(header, default=0) and row.filled]
    rows, notes = _without_notes(below) if header else (below, [])
    width = len(grid.rows[0].texts) if grid.rows else 0
    names = column_names(head) if head else ("",) * width
    return _trimmed(Table(tuple(header), names, rows, _lines(above), _lines(notes)))


def _blocks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    for blank, block in groupby(rows, key=lambda row: not row.filled):
        if not blank:
            yield list(block)


def _part(block: list[Row]) -> Table | Prose:
    start = _first_row(block)
    if start is None:
        return Prose(_lines(block))
    titles = block[:start]
    body, notes = _without_notes(block[start:])
    head = header_rows(body[:SAMPLE])
    names = column_names(body[:head]) if head else ("",) * len(body[0].texts)
    rows, bands = _banded(body[head:])
    rows = _filled_down(rows)
    numbers = tuple(row.number for row in body[:head])
    return Table(numbers, names, rows, _lines(titles), _lines(notes), bands)


def _first_row(block: Sequence[Row]) -> int | None:
    """Where the table begins: after lines that fill less than half of its width."""
    wide = [row.filled for row in block[:SAMPLE] if len(row.own) > 1]
    if not wide:
        return None
    typical = median(wide)
    for at, row in enumerate(block):
        if len(row.own) > 1 and row.filled * 2 > typical:
            return at - (at > 0 and _is_group_line(block[at - 1], typical))
    return None


def _is_group_line(row: Row, typical: float) -> bool:
    """A single heading over several columns, or over the second of two."""
    beside = row.kinds[: row.own[0]].count(EMPTY) if len(row.own) == 1 else 0
    return bool(beside) and (LEFT in row.kinds or typical == 2)


def _without_notes(rows: Sequence[Row]) -> tuple[Sequence[Row], list[Row]]:
    end = len(rows)
    while end > 1 and _is_note(rows[end - 1]):
        end -= 1
    return rows[:end], list(rows[end:])


def _is_note(row: Row) -> bool:
    if len(row.own) != 1 or len(row.kinds) == 1:
        return False
    text = row.texts[row.own[0]]
    return bool(_NOTE.match(text)) or len(text) > _LONG_LINE or LEFT in row.kinds


def _banded(rows: Sequence[Row]) -> tuple[Sequence[Row], dict[int, str]]:
    """Takes out the rows that are headings of those below them."""
    wide = [row.filled for row in rows[:SAMPLE] if len(row.own) > 1]
    if not wide:
        return rows, {}
    typical, kept, bands = median(wide), list[Row](), dict[int, str]()
    dense = sum(wide) > 0.8 * len(wide) * max(wide)
    for row, after in pairwise([*rows, None]):
        if row and after and _is_band(row, after, typical, dense):
            bands[len(kept)] = row.words[0]
        elif row:
            kept.append(row)
    return (kept, bands) if bands else (rows, {})


def _is_band(row: Row, after: Row, typical: float, dense: bool) -> bool:
    if len(row.own) != 1 or row.kinds[row.own[0]] != TEXT or len(after.own) < 2:
        return False
    merged = row.filled >= typical and LEFT in row.kinds
    return merged or (row.words[0].isupper() and typical > 1) or (dense and typical > 2)


def _filled_down(rows: Sequence[Row]) -> Sequence[Row]:
    """Who writes a name once for several rows means it for all of them, merged or not."""
    first = next((row.own[0] for row in rows[:1] if row.own), 0)
    below = [row for row in rows[1:] if row.kinds[first] == EMPTY]
    if not 0.2 * len(rows) < len(below) <= 0.9 * len(rows) or rows[0].kinds[first] != TEXT:
        return rows
    if any(len(row.own) < 2 for row in below):
        return rows
    filled, text = list[Row](), ""
    for row in rows:
        if row.kinds[first] == EMPTY:
            texts = [*row.texts[:first], text, *row.texts[first + 1 :]]
            row = replace(
                row, texts=texts, kinds=f"{row.kinds[:first]}{ABOVE}{row.kinds[first + 1 :]}"
            )
        text = row.texts[first]
        filled.append(row)
    return filled


def _trimmed(table: Table) -> Table:
    """Without the columns that are empty below the header."""
    used = sorted(_used(table))
    if len(used) == len(table.columns):
        return table
    names = tuple(table.columns[at] for at in used)
    return replace(table, columns=names, rows=[_only(row, used) for row in table.rows])


def _used(table: Table) -> set[int]:
    return {at for row in table.rows for at, kind in enumerate(row.kinds) if kind != EMPTY}


def _only(row: Row, columns: Sequence[int]) -> Row:
    texts = [row.texts[at] for at in columns]
    return Row(row.number, texts, "".join(row.kinds[at] for at in columns))


def _goes_on(before: Table, part: Table) -> bool:
    """Within the same columns, and without a header of its own."""
    if part.titles or part.header or before.notes:
        return False
    return not before.rows or _used(part) <= _used(before)


def _joined(before: Table, part: Table) -> Table:
    moved = {at + len(before.rows): text for at, text in part.bands.items()}
    rows = [*before.rows, *part.rows]
    return replace(before, rows=rows, notes=part.notes, bands=before.bands | moved)


def _with_notes(found: list[Table | Prose]) -> list[Table | Prose]:
    """Lines below the last table belong to it."""
    if len(found) > 1 and isinstance(last := found[-1], Prose):
        table = found[-2]
        if isinstance(table, Table):
            return [*found[:-2], replace(table, notes=(*table.notes, *last.lines))]
    return found


def _lines(rows: Sequence[Row]) -> tuple[str, ...]:
    """Each row as a line, once: a merged cell fills several rows."""
    return tuple(dict.fromkeys(" : ".join(row.words) for row in rows))
