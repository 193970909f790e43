"""Spreadsheets become sections: each sheet by its owner's word, or as its looks propose."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from palabre.retriever.documents.sheets import delimited, workbook
from palabre.retriever.documents.sheets.grid import EMPTY, Grid, Prose, Table
from palabre.retriever.documents.sheets.options import (
    ALL,
    Options,
    check_names,
    column,
    options_of,
)
from palabre.retriever.documents.sheets.proposal import Proposal, propose
from palabre.retriever.documents.sheets.tables import parts, table_at
from palabre.retriever.documents.sheets.writing import paragraphs, written
from palabre.retriever.documents.structure import Document, Section, Source
from palabre.retriever.errors import InvalidDocument

DEFAULT_LANGUAGE = "fr"
# Names that say nothing of what a sheet holds.
_UNNAMED = ("feuil", "sheet", "feuille", "tabelle", "table")
_MAX_REMARKS = 40

Part = tuple[Table | Prose, Proposal]


def read_workbook(source: Source) -> Document:
    """xlsx, xlsm, xls, xlsb, ods. Raises InvalidDocument. Blocking: seconds a million cells."""
    said = options_of(source.name, source.front.sheets)
    book = workbook.Book(source)
    names = book.names
    check_names(source.name, said, names)
    chosen = {name: said.get(name) or said.get(ALL) or Options() for name in names}
    shown = {name for name, options in chosen.items() if options.hidden}
    grids = book.grids(shown, _skipped(chosen), _language(source))
    return _document(source, grids, chosen, len(names))


def read_delimited(source: Source) -> Document:
    """csv, tsv. Its one sheet is called as the file, without suffix. Raises InvalidDocument."""
    name = PurePosixPath(source.name).stem
    said = options_of(source.name, source.front.sheets)
    check_names(source.name, said, [name])
    options = said.get(name) or said.get(ALL) or Options()
    grid = delimited.read_grid(source, name, _language(source))
    return _document(source, [grid], {name: options}, 1)


def reading(grid: Grid, options: Options, document: str = "") -> list[Part]:
    """What the sheet holds, and how each part of it is read. Raises InvalidDocument."""
    if (grid.hidden and not options.hidden) or options.mode == "skip":
        return []
    found = _parts(grid, options, document)
    tables = [part for part in found if isinstance(part, Table)]
    by = column(document, grid.name, tables, options.by) if options.by else ""
    kept = [column(document, grid.name, tables, name) for name in options.columns]
    return [_read(part, options, by, kept) for part in found]


def _parts(grid: Grid, options: Options, document: str) -> list[Table | Prose]:
    if options.header is None:
        return list(parts(grid))
    last = max((row.number for row in grid.rows if row.filled), default=0)
    if max(options.header, default=0) >= last:
        raise InvalidDocument(
            document,
            f'sheet "{grid.name}" has no rows below row {max(options.header, default=0)}',
            f"give a header above row {last}",
        )
    return [table_at(grid, options.header)]


def _read(part: Table | Prose, options: Options, by: str, kept: Sequence[str]) -> Part:
    if isinstance(part, Prose):
        return part, Proposal("text")
    group = part.columns.index(by) if by in part.columns and by else None
    if kept:
        wanted = [at for at, name in enumerate(part.columns) if name in kept or at == group]
        part = _only(part, wanted) if wanted else part
        group = part.columns.index(by) if group is not None else None
    how = propose(part)
    if options.mode and (options.mode != "grouped" or not by or group is not None):
        how = Proposal(options.mode)
    if how.mode == "grouped":
        how = Proposal("grouped", group if group is not None else how.by or 0)
    return part, how


def _only(table: Table, columns: Sequence[int]) -> Table:
    rows = [
        replace(
            row,
            texts=[row.texts[at] for at in columns],
            kinds="".join(row.kinds[at] for at in columns),
        )
        for row in table.rows
    ]
    names = tuple(table.columns[at] for at in columns)
    return replace(table, columns=names, rows=[row for row in rows if row.kinds.strip(EMPTY)])


def _document(
    source: Source, grids: Sequence[Grid], chosen: dict[str, Options], sheets: int
) -> Document:
    sections: list[Section] = []
    remarks: list[str] = []
    for grid in grids:
        read = reading(grid, chosen[grid.name], source.name)
        path = (grid.name,) if sheets > 1 and _tells(grid.name) else ()
        for part, how in read:
            sections.extend(_sections(part, how, path, _language(source)))
        remarks.append(_remark(grid, read, chosen[grid.name]))
        remarks.extend(f'sheet "{grid.name}": {remark}' for remark in grid.remarks)
    hint = f"to read a sheet otherwise, write `sheets:` in {PurePosixPath(source.name).name}.yaml"
    return Document(tuple(sections), remarks=(*_bounded(remarks), hint))


def _sections(
    part: Table | Prose, how: Proposal, path: tuple[str, ...], language: str
) -> Iterator[Section]:
    if isinstance(part, Table):
        yield from written(part, how, path, language)
    elif blocks := paragraphs(part.lines):
        yield Section(path, tuple(blocks))


def _remark(grid: Grid, read: Sequence[Part], options: Options) -> str:
    said = "; ".join(_said(part, how) for part, how in read)
    if not said:
        hidden = grid.hidden and not options.hidden and options.mode != "skip"
        said = "left out, for it is hidden" if hidden else "left out"
        said = said if options.mode == "skip" or hidden else "left out, for it is empty"
    return f'sheet "{grid.name}": {said}'


def _said(part: Table | Prose, how: Proposal) -> str:
    if isinstance(part, Prose):
        return "text"
    mode = how.mode if how.by is None else f"grouped by {part.columns[how.by] or 'column 1'}"
    rows = "-".join(str(row) for row in dict.fromkeys(part.header[:1] + part.header[-1:]))
    return f"{mode}, header in row {rows}" if rows else f"{mode}, without a header"


def _bounded(remarks: Sequence[str]) -> list[str]:
    if len(remarks) <= _MAX_REMARKS:
        return list(remarks)
    return [*remarks[:_MAX_REMARKS], f"{len(remarks) - _MAX_REMARKS} more remarks on its sheets"]


def _tells(name: str) -> bool:
    return name.lower().rstrip(" 0123456789()").rstrip() not in _UNNAMED


def _skipped(chosen: dict[str, Options]) -> set[str]:
    return {name for name, options in chosen.items() if options.mode == "skip"}


def _language(source: Source) -> str:
    return source.front.language or source.language or DEFAULT_LANGUAGE
