"""A table as sections: a row each, a group each, or the table as it stands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from palabre.retriever.documents.sheets.grid import EMPTY, LEFT, NUMBER, Row, Table
from palabre.retriever.documents.sheets.proposal import Proposal
from palabre.retriever.documents.sheets.shapes import shape
from palabre.retriever.documents.structure import Block, Section

_MAX_LABEL = 160
# Characters of a record that is not cut, and of its pieces where it is.
_MAX_RECORD, _LONG_VALUE = 2_000, 800


def written(table: Table, how: Proposal, path: tuple[str, ...], language: str) -> Iterator[Section]:
    """In reading order. The first line above the table is its heading, the others are text."""
    titled = (*path, table.titles[0]) if table.titles else path
    before, after = paragraphs(table.titles[1:]), paragraphs(table.notes)
    if how.mode == "text":
        yield from _section(titled, [*before, *_prose(table, language), *after])
    elif how.mode == "table":
        yield from _tables(table, titled, before, after)
    else:
        yield from _section(titled, before)
        if how.mode == "grouped" and how.by is not None:
            yield from _groups(table, how.by, titled)
        else:
            yield from _records(table, titled, language)
        yield from _section(titled, after)


def paragraphs(lines: Iterable[str]) -> list[Block]:
    return [Block(line) for line in lines if line]


def _section(headings: tuple[str, ...], blocks: Sequence[Block]) -> Iterator[Section]:
    if blocks:
        yield Section(headings, tuple(blocks))


def _prose(table: Table, language: str) -> list[Block]:
    """Lines that follow each other are one paragraph: a label and its value are short."""
    colon = _colon(language)
    lines = [table.columns] if any(table.columns) else []
    texts = [*(_joined(line, colon) for line in lines), *(_line(row, colon) for row in table.rows)]
    long = any(len(text) > _MAX_LABEL for text in texts)
    return paragraphs(texts if long else ["\n".join(texts)])


def _line(row: Row, colon: str) -> str:
    return _joined([row.texts[at] for at in row.own], colon)


def _joined(texts: Sequence[str], colon: str) -> str:
    first, *others = [text for text in texts if text] or [""]
    return f"{first}{colon}{', '.join(others)}" if others else first


def _tables(
    table: Table, path: tuple[str, ...], before: list[Block], after: list[Block]
) -> Iterator[Section]:
    bounds = [at for at in sorted(table.bands) if at]
    starts, ends = [0, *bounds], [*bounds, len(table.rows)]
    for start, end in zip(starts, ends, strict=True):
        band = (table.bands[start],) if start in table.bands else ()
        blocks = [*(before if not start else []), _grid(table.columns, table.rows[start:end])]
        yield Section(path + band, tuple(blocks + (after if end == len(table.rows) else [])))


def _grid(columns: Sequence[str], rows: Iterable[Row]) -> Block:
    lines = [_cells(columns), "|" + " --- |" * len(columns)]
    lines += [_cells(row.texts) for row in rows]
    return Block("\n".join(lines), "table")


def _cells(texts: Iterable[str]) -> str:
    """A row of a Markdown table."""
    cells = (" ".join(text.replace("|", "\\|").split("\n")) for text in texts)
    return f"| {' | '.join(cells)} |"


def _groups(table: Table, by: int, path: tuple[str, ...]) -> Iterator[Section]:
    """One section a value, in the order of their first rows; rows without one stand last."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    band: tuple[str, ...] = ()
    for at, row in enumerate(table.rows):
        band = (table.bands[at],) if at in table.bands else band
        value = (row.texts[by],) if row.texts[by] else ()
        groups.setdefault(band + value, []).append(_without(row, by))
    columns = [name for at, name in enumerate(table.columns) if at != by]
    for heading in sorted(groups, key=lambda heading: not heading):
        yield Section(path + heading, (_grid(columns, groups[heading]),))


def _without(row: Row, column: int) -> Row:
    texts = [text for at, text in enumerate(row.texts) if at != column]
    return replace(row, texts=texts, kinds=row.kinds[:column] + row.kinds[column + 1 :])


def _records(table: Table, path: tuple[str, ...], language: str) -> Iterator[Section]:
    """A section a row, headed by what tells it from the others."""
    colon, labels = _colon(language), _label_columns(table)
    band: tuple[str, ...] = ()
    for at, row in enumerate(table.rows):
        band = (table.bands[at],) if at in table.bands else band
        values = [
            f"{name}{colon}{row.texts[column]}" if name else row.texts[column]
            for column, name in enumerate(table.columns)
            if row.kinds[column] not in (EMPTY, LEFT)
        ]
        label = tuple(row.texts[c].split("\n")[0][:_MAX_LABEL] for c in labels if row.texts[c])
        if values:
            yield Section(path + band + label, tuple(_record(values)))


def _record(values: Sequence[str]) -> Iterator[Block]:
    """One block that stays whole; of a very long record several, cut between its values."""
    if sum(map(len, values)) <= _MAX_RECORD:
        yield Block("\n".join(values), "list")
        return
    lines: list[str] = []
    for value in (*values, None):
        if lines and (value is None or sum(map(len, lines)) + len(value) > _LONG_VALUE):
            yield Block("\n".join(lines), "paragraph" if len(lines) == 1 else "list")
            lines = []
        lines += [value] if value else []


def _label_columns(table: Table) -> tuple[int, ...]:
    """The first column; and the first one that differs, where that is a bare code or repeats."""
    rows = table.rows
    differing = [at for at in range(len(table.columns)) if _differs(rows, at)]
    naming = [at for at in differing if at and _names(rows, at)]
    if 0 in differing:
        return (0, *([] if _names(rows, 0) else naming[:1]))
    return (0, *(naming or differing)[:1])


def _differs(rows: Sequence[Row], at: int) -> bool:
    texts = [row.texts[at] for row in rows if row.kinds[at] not in (EMPTY, NUMBER)]
    return len(set(texts)) >= 0.9 * len(rows)


def _names(rows: Sequence[Row], at: int) -> bool:
    """In words, short enough for a heading."""
    seen = [row for row in rows[:50] if row.kinds[at] != EMPTY]
    words = sum(shape(row.texts[at], row.kinds[at]) in ("words", "prose") for row in seen)
    return 2 * words > len(seen)


def _colon(language: str) -> str:
    return "\N{NO-BREAK SPACE}: " if language.startswith("fr") else ": "
