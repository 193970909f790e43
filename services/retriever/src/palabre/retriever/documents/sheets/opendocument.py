"""What an .ods says of its cells besides their values: how they look, and which are hidden."""

import zipfile
from dataclasses import dataclass, field

from palabre.retriever.documents.packages import encrypted
from palabre.retriever.documents.sheets.delimited import too_large
from palabre.retriever.documents.sheets.grid import MAX_CELLS
from palabre.retriever.documents.sheets.layout import Attributes, Layout, walk

CONTENT = "content.xml"
_MANIFEST = "META-INF/manifest.xml"
_CELLS = ("table-cell", "covered-table-cell")
_GROUPS = ("table-column-group", "table-row-group")
# They hold paragraphs, and even tables, that are no part of the sheet.
_ASIDE = ("shapes", "forms", "tracked-changes")
_BLANKS = ("s", "tab", "line-break")


def layouts(document: str, archive: zipfile.ZipFile) -> dict[str, Layout]:
    """Of each worksheet by its name. Raises InvalidDocument.

    Also for one that is too large and left out: calamine unpacks all of them, with what is
    repeated, as soon as it opens the workbook.
    """
    if _MANIFEST in archive.NameToInfo and b"encryption-data" in archive.read(_MANIFEST):
        raise encrypted(document)
    content = _Content(document)
    walk(document, archive, CONTENT, content.start, content.text, content.end)
    return content.layouts


@dataclass(slots=True)
class _Cell:
    attributes: Attributes
    covered: bool
    pieces: list[str] | None = None

    @property
    def holds(self) -> bool:
        """Something that calamine reads."""
        return any(
            name.startswith("office:") or name == "table:formula" for name in self.attributes
        )

    @property
    def is_error(self) -> bool:
        return self.attributes.get("calcext:value-type") == "error"

    @property
    def is_unsolved(self) -> bool:
        said = "office:value-type" in self.attributes or self.pieces is not None
        return "table:formula" in self.attributes and not said

    @property
    def shown(self) -> str | None:
        """What is seen of it; None where the value says as much, or its program did not tell."""
        if self.covered or self.is_error:
            return ""
        kind = self.attributes.get("office:value-type", "string")
        if self.pieces is None or kind in ("string", "boolean"):
            return None
        return "".join(self.pieces).strip()


class _Content:
    """Tells sheets, rows and cells apart; leaves drawings and comments out."""

    def __init__(self, document: str) -> None:
        self.layouts: dict[str, Layout] = {}
        self._document = document
        self._sheet: _Sheet | None = None
        self._cell: _Cell | None = None
        self._in_paragraph = False
        # How many elements are open, from the one on that is no part of the sheet.
        self._aside = 0

    def start(self, name: str, attributes: Attributes) -> None:
        if self._aside or name in _ASIDE:
            self._aside += 1
        elif self._cell:
            self._start_in(self._cell, name)
        elif name in _CELLS:
            self._cell = _Cell(attributes, name != "table-cell")
        elif self._sheet:
            self._sheet.start(name, attributes)
        elif name == "table":
            self._sheet = _Sheet(self._document, attributes.get("table:name", ""))

    def _start_in(self, cell: _Cell, name: str) -> None:
        if self._in_paragraph:
            self.text(" " if name in _BLANKS else "")
        elif name == "p":
            cell.pieces = cell.pieces or []
            self._in_paragraph = True
            self.text("\n")
        else:
            self._aside = 1

    def text(self, text: str) -> None:
        if self._in_paragraph and not self._aside and self._cell and self._cell.pieces is not None:
            self._cell.pieces.append(text)

    def end(self, name: str) -> None:
        if self._aside:
            self._aside -= 1
        elif self._in_paragraph:
            self._in_paragraph = name != "p"
        elif self._sheet and self._cell:
            self._sheet.add(self._cell)
            self._cell = None
        elif self._sheet:
            self._sheet.end(name)
            if name == "table":
                self.layouts[self._sheet.name] = self._sheet.layout
                self._sheet = None


@dataclass(slots=True)
class _Row:
    """`spans`: the column of a merged cell, and how many rows and columns it takes."""

    times: int = 1
    width: int = 0
    holds: bool = False
    texts: list[str | None] = field(default_factory=list)
    spans: list[tuple[int, int, int]] = field(default_factory=list)


class _Sheet:
    """What is repeated counts as often."""

    def __init__(self, document: str, name: str) -> None:
        self.layout, self.name = Layout([]), name
        self._document = document
        self._row, self._rows, self._columns = _Row(), 0, 0
        self._hidden_rows: list[range] = []
        self._hidden_columns: list[range] = []
        # Whether what comes is in a group that is closed, or in one that is within such a group.
        self._closed = [False]

    def start(self, name: str, attributes: Attributes) -> None:
        if name in _GROUPS:
            self._closed.append(self._closed[-1] or attributes.get("table:display") == "false")
        elif name == "table-column":
            times = _times(attributes, "table:number-columns-repeated")
            if self._hides(attributes):
                self._hidden_columns.append(range(self._columns, self._columns + times))
            self._columns += times
        elif name == "table-row":
            self._row = _Row(_times(attributes, "table:number-rows-repeated"))
            if self._hides(attributes):
                self._hidden_rows.append(range(self._rows, self._rows + self._row.times))

    def add(self, cell: _Cell) -> None:
        row, layout = self._row, self.layout
        first, times = row.width, _times(cell.attributes, "table:number-columns-repeated")
        row.width += times
        if not cell.holds:
            return
        row.holds = True
        layout.columns = max(layout.columns, row.width)
        self._check(self._rows + 1)
        layout.errors += cell.is_error
        layout.unsolved += cell.is_unsolved
        if (shown := cell.shown) is not None:
            row.texts += [None] * (first - len(row.texts)) + [shown] * times
        rows = _times(cell.attributes, "table:number-rows-spanned")
        columns = _times(cell.attributes, "table:number-columns-spanned")
        if rows > 1 or columns > 1:
            row.spans.append((first, rows, columns))

    def end(self, name: str) -> None:
        if name in _GROUPS:
            self._closed.pop()
        elif name == "table-row":
            self._end_row(self._row)
        elif name == "table":
            layout = self.layout
            layout.hidden_rows.update(*(_within(rows, layout.rows) for rows in self._hidden_rows))
            layout.hidden_columns.update(
                *(_within(columns, layout.columns) for columns in self._hidden_columns)
            )

    def _end_row(self, row: _Row) -> None:
        first, self._rows = self._rows, self._rows + row.times
        if not row.holds:
            return
        layout = self.layout
        layout.rows = self._rows
        self._check(layout.rows)
        for at in range(first, self._rows):
            if row.texts:
                layout.texts[at] = row.texts
            for column, rows, columns in row.spans:
                layout.merges.append(((at, column), (at + rows - 1, column + columns - 1)))

    def _check(self, rows: int) -> None:
        if rows * self.layout.columns > MAX_CELLS:
            raise too_large(self._document, self.name, rows, self.layout.columns)

    def _hides(self, attributes: Attributes) -> bool:
        said = attributes.get("table:visibility")
        return self._closed[-1] or said in ("collapse", "filter")


def _times(attributes: Attributes, name: str) -> int:
    """Raises ValueError."""
    times = int(attributes.get(name, 1))
    if times < 0:
        raise ValueError(name)
    return times


def _within(numbers: range, end: int) -> range:
    """Programs hide all that is below a table, down to the last row there could be."""
    return range(numbers.start, min(numbers.stop, end))
