"""Cells of Excel and OpenDocument workbooks, by calamine."""

import contextlib
import io
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetVisibleEnum,
)

from palabre.retriever.documents.sheets import opendocument
from palabre.retriever.documents.sheets.delimited import too_large
from palabre.retriever.documents.sheets.grid import ABOVE, EMPTY, LEFT, MAX_CELLS, Grid, Row
from palabre.retriever.documents.sheets.layout import MAX_XML_BYTES, Layout, Merge, layouts
from palabre.retriever.documents.sheets.shown import Value, seen, shown
from palabre.retriever.documents.structure import Source
from palabre.retriever.errors import InvalidDocument

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


class Book:
    """A workbook that was opened."""

    def __init__(self, source: Source) -> None:
        """Raises InvalidDocument."""
        self._document = source.name
        # First, for calamine trusts what an .ods says of its size.
        self._layouts = _layouts(source)
        self._book = _opened(source)

    @property
    def names(self) -> list[str]:
        """Its worksheets, in order."""
        return list(self._book.sheet_names)

    def grids(
        self, with_hidden: Collection[str], without: Collection[str], language: str
    ) -> list[Grid]:
        """One a worksheet; without rows those in `without`, and hidden ones not in `with_hidden`.

        Raises InvalidDocument.
        """
        found = []
        for sheet in self._book.sheets_metadata:
            hidden = sheet.visible != SheetVisibleEnum.Visible
            if sheet.name in without or (hidden and sheet.name not in with_hidden):
                found.append(Grid(sheet.name, (), hidden=hidden))
            else:
                layout = self._layouts.get(sheet.name)
                cells = _Cells(self._document, sheet.name, layout, sheet.name in with_hidden)
                found.append(cells.read(self._book, hidden, language))
        return found


class _Cells:
    """Reads one sheet."""

    def __init__(self, document: str, name: str, layout: Layout | None, with_hidden: bool) -> None:
        self._document, self._name = document, name
        self._layout, self._with_hidden = layout, with_hidden

    def read(self, book: CalamineWorkbook, hidden: bool, language: str) -> Grid:
        layout = self._layout
        # A cell in the last row and column of an empty sheet would make calamine fill all between.
        if layout and layout.rows * layout.columns > MAX_CELLS:
            raise too_large(self._document, self._name, layout.rows, layout.columns)
        with _translated(self._document):
            sheet = book.get_sheet_by_name(self._name)
            if sheet.total_height * sheet.width > MAX_CELLS:
                raise too_large(self._document, self._name, sheet.total_height, sheet.width)
            rows = list(self._rows(sheet, language))
        first = sheet.start[1] if sheet.start else 0
        merges = sheet.merged_cell_ranges or (layout.merges if layout else [])
        _fill(rows, merges, first)
        kept, remarks = self._visible(rows, first)
        return Grid(self._name, kept, (*remarks, *self._missing()), hidden)

    def _rows(self, sheet: CalamineSheet, language: str) -> Iterator[Row]:
        if not sheet.start:
            return
        first = sheet.start[1]
        for at, values in enumerate(sheet.iter_rows()):
            cells = [self._shown(value, at, first + c, language) for c, value in enumerate(values)]
            yield Row(at + 1, [text for text, _ in cells], "".join(kind for _, kind in cells))

    def _shown(self, value: Value, row: int, column: int, language: str) -> tuple[str, str]:
        if value == "":
            return "", EMPTY
        layout = self._layout
        text = layout.text(row, column) if layout else None
        if text is not None:
            return seen(text, value, language)
        code = layout.code(row, column) if layout and not isinstance(value, bool | str) else ""
        return shown(value, code, language)

    def _visible(self, rows: Sequence[Row], first: int) -> tuple[Sequence[Row], list[str]]:
        layout = self._layout
        if not layout or self._with_hidden or not rows:
            return rows, []
        width = len(rows[0].texts)
        columns = [at for at in range(width) if first + at not in layout.hidden_columns]
        kept = [row for row in rows if row.number - 1 not in layout.hidden_rows]
        gone = len(rows) - len(kept), width - len(columns)
        if gone == (0, 0):
            return rows, []
        kept = [_only(row, columns) for row in kept] if gone[1] else kept
        parts = zip(gone, ("hidden row", "hidden column"), strict=True)
        said = " and ".join(_counted(number, what) for number, what in parts if number)
        return kept, [f"{said} left out (`hidden: true` reads them)"]

    def _missing(self) -> Iterator[str]:
        layout = self._layout
        if layout and layout.unsolved:
            formulas = _counted(layout.unsolved, "formula")
            yield f"{formulas} without a value, left empty: open it in Excel and save it"
        if layout and layout.errors:
            yield f"{_counted(layout.errors, 'cell')} with an error such as #N/A, left empty"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _only(row: Row, columns: Sequence[int]) -> Row:
    texts = [row.texts[at] for at in columns]
    return Row(row.number, texts, "".join(row.kinds[at] for at in columns))


def _fill(rows: list[Row], merges: Iterable[Merge], first: int) -> None:
    """Gives every cell of a merged one its text, within the sheet and its limit."""
    left = MAX_CELLS
    width = len(rows[0].texts) if rows else 0
    for (top, start), (bottom, end) in merges:
        start, end = max(0, start - first), min(end - first, width - 1)
        bottom = min(bottom, len(rows) - 1)
        left -= max(0, bottom - top + 1) * max(0, end - start + 1)
        if left < 0:
            return
        if top < len(rows) and start <= end and rows[top].kinds[start] != EMPTY:
            _fill_one(rows, top, bottom, start, end)


def _fill_one(rows: list[Row], top: int, bottom: int, start: int, end: int) -> None:
    text = rows[top].texts[start]
    for at in range(top, bottom + 1):
        row = rows[at]
        texts = [*row.texts[:start], *[text] * (end - start + 1), *row.texts[end + 1 :]]
        origin = row.kinds[start] if at == top else ABOVE
        kinds = f"{row.kinds[:start]}{origin}{LEFT * (end - start)}{row.kinds[end + 1 :]}"
        rows[at] = Row(row.number, texts, kinds)


def _layouts(source: Source) -> dict[str, Layout]:
    """Of kinds whose XML says it; others are read without. Raises InvalidDocument."""
    if not source.data.startswith(b"PK"):
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            if "xl/workbook.xml" in archive.NameToInfo:
                return dict(layouts(source.name, archive))
            if sum(part.file_size for part in archive.infolist()) > MAX_XML_BYTES:
                raise _damaged(source.name, "unpacks to far more than a sheet holds")
            if opendocument.CONTENT in archive.NameToInfo:
                return opendocument.layouts(source.name, archive)
            return {}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise _damaged(source.name, "is damaged") from error


def _opened(source: Source) -> CalamineWorkbook:
    if source.data.startswith(_OLE) and _ENCRYPTED in source.data:
        raise _encrypted(source.name)
    with _translated(source.name):
        return CalamineWorkbook.from_filelike(io.BytesIO(source.data))


@contextlib.contextmanager
def _translated(document: str) -> Iterator[None]:
    """calamine's errors in our words."""
    try:
        yield
    except PasswordError as error:
        raise _encrypted(document) from error
    except CalamineError as error:
        raise _damaged(document, f"is no workbook, or damaged ({error})") from error


def _encrypted(document: str) -> InvalidDocument:
    return InvalidDocument(document, "is encrypted", "take its password off and send it again")


def _damaged(document: str, reason: str) -> InvalidDocument:
    return InvalidDocument(document, reason, "open it in Excel or LibreOffice and save it again")
