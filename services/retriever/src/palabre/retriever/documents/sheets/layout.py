"""What a workbook says of its cells besides their values; how .xlsx says it.

Number formats, hidden rows and columns, formulas that nobody has worked out.
"""

import posixpath
import zipfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from palabre.retriever.errors import InvalidDocument

Attributes = dict[str, str]
OnStart = Callable[[str, Attributes], None]
OnText = Callable[[str], None]
# The first row and column of a merged cell, and its last ones.
Merge = tuple[tuple[int, int], tuple[int, int]]

_SAVE_AGAIN = "open it in Excel or LibreOffice and save it again"
# Unpacked, a whole workbook; Office itself writes about 40 bytes of XML a cell.
MAX_XML_BYTES = 768 << 20
_PIECE = 256 << 10
_MAX_COLUMNS = 1 << 14
# Number formats that every workbook has without defining them (ECMA-376, part 1, 18.8.30).
_BUILT_IN = {1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%"}


@dataclass(slots=True)
class Layout:
    """Rows and columns count from 0. `rows` and `columns` bound the cells that hold something.

    An .xlsx has `codes` and `styles`; an .ods `texts`, by row, and `merges`.
    """

    codes: list[str]
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    styles: dict[int, "array[int]"] = field(default_factory=dict)
    texts: dict[int, list[str | None]] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)
    rows: int = 0
    columns: int = 0
    unsolved: int = 0
    errors: int = 0

    def code(self, row: int, column: int) -> str:
        """The cell's number format; empty for the general one."""
        styles = self.styles.get(row)
        style = styles[column] if styles and column < len(styles) else 0
        return self.codes[style] if style < len(self.codes) else ""

    def text(self, row: int, column: int) -> str | None:
        """What is seen of the cell, be it nothing; None where its value is to be written out."""
        texts = self.texts.get(row, ())
        return texts[column] if column < len(texts) else None


def layouts(document: str, archive: zipfile.ZipFile) -> Iterator[tuple[str, Layout]]:
    """Of each worksheet by its name, one at a time. Raises InvalidDocument."""
    if sum(part.file_size for part in archive.infolist()) > MAX_XML_BYTES:
        raise InvalidDocument(
            document,
            f"unpacks to more than {MAX_XML_BYTES >> 20} MiB",
            "split it into several files",
        )
    codes = _codes(document, archive)
    targets = _targets(document, archive)
    for name, relation in _sheets(document, archive):
        if (part := targets.get(relation, "")) in archive.NameToInfo:
            yield name, _layout(document, archive, part, codes)


def _layout(document: str, archive: zipfile.ZipFile, part: str, codes: list[str]) -> Layout:
    sheet = _Sheet(Layout(codes))
    walk(document, archive, part, sheet.start, sheet.text)
    sheet.end_cell()
    return sheet.layout


class _Sheet:
    """Follows the elements of a worksheet, in the order in which they begin."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._row, self._column = -1, -1
        self._formula = self._value = self._reads = False

    def start(self, name: str, attributes: Attributes) -> None:
        self._reads = name in ("v", "t")
        if name == "c":
            self._cell(attributes)
        elif name == "f":
            self._formula = True
        elif name == "row":
            self._begin_row(attributes)
        elif name == "col" and attributes.get("hidden") in ("1", "true"):
            first, last = int(attributes["min"]) - 1, int(attributes["max"])
            self.layout.hidden_columns.update(range(first, min(last, _MAX_COLUMNS)))

    def text(self, text: str) -> None:
        """Many programs write an empty value for a formula that they have not worked out."""
        self._value = self._value or (self._reads and not text.isspace())

    def end_cell(self) -> None:
        layout = self.layout
        if self._value:
            layout.rows = max(layout.rows, self._row + 1)
            layout.columns = max(layout.columns, self._column + 1)
        elif self._formula:
            layout.unsolved += 1
        self._formula = self._value = self._reads = False

    def _begin_row(self, attributes: Attributes) -> None:
        self.end_cell()
        self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
        self._column = -1
        if attributes.get("hidden") in ("1", "true"):
            self.layout.hidden_rows.add(self._row)

    def _cell(self, attributes: Attributes) -> None:
        self.end_cell()
        at = attributes.get("r", "")
        self._column = _column(at) if at else self._column + 1
        self.layout.errors += attributes.get("t") == "e"
        style = int(attributes.get("s", 0))
        # LibreOffice says of numbers that they are numbers, Excel does not.
        if attributes.get("t", "n") == "n" and 0 < style < len(self.layout.codes):
            self._note_style(style)

    def _note_style(self, style: int) -> None:
        if self.layout.codes[style] and self._column < _MAX_COLUMNS and style < 1 << 16:
            styles = self.layout.styles.setdefault(self._row, array("H"))
            styles.extend([0] * (self._column + 1 - len(styles)))
            styles[self._column] = style


def _column(reference: str) -> int:
    """The 1 of B7."""
    column = 0
    for letter in reference:
        if not letter.isalpha():
            break
        column = column * 26 + ord(letter) - 64
    return column - 1


def _codes(document: str, archive: zipfile.ZipFile) -> list[str]:
    """Number formats by style. What only says that it is a date is empty: values say so too."""
    formats, codes = dict(_BUILT_IN), list[str]()
    within = False

    def start(name: str, attributes: Attributes) -> None:
        nonlocal within
        if name == "numFmt":
            formats.setdefault(int(attributes["numFmtId"]), attributes["formatCode"])
        elif name == "xf" and within:
            codes.append(formats.get(int(attributes.get("numFmtId", 0)), ""))
        else:
            within = name == "cellXfs" or (within and name in ("alignment", "protection"))

    if "xl/styles.xml" in archive.NameToInfo:
        walk(document, archive, "xl/styles.xml", start)
    return codes


def _targets(document: str, archive: zipfile.ZipFile) -> dict[str, str]:
    """Parts of the archive by relation."""
    targets: dict[str, str] = {}

    def start(name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            target = attributes.get("Target", "")
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            targets[attributes.get("Id", "")] = posixpath.normpath(path)

    walk(document, archive, "xl/_rels/workbook.xml.rels", start)
    return targets


def _sheets(document: str, archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    sheets: list[tuple[str, str]] = []

    def start(name: str, attributes: Attributes) -> None:
        if name == "sheet":
            relation = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            sheets.append((attributes.get("name", ""), relation))

    walk(document, archive, "xl/workbook.xml", start)
    return sheets


def walk(
    document: str,
    archive: zipfile.ZipFile,
    part: str,
    start: OnStart,
    text: OnText | None = None,
    end: OnText | None = None,
) -> None:
    """Calls `start` and `end` for each element, by its local name.

    Raises InvalidDocument, also for entities: they may explode.
    """

    def forbidden(*_: object) -> None:
        raise InvalidDocument(document, "declares entities in its XML", _SAVE_AGAIN)

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.EntityDeclHandler = forbidden
    parser.CharacterDataHandler = text
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    if end:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    try:
        with archive.open(part) as stream:
            while piece := stream.read(_PIECE):
                parser.Parse(piece)
            parser.Parse(b"", True)
    except (expat.ExpatError, zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        if isinstance(error, InvalidDocument):
            raise
        raise InvalidDocument(document, f"is damaged ({part})", _SAVE_AGAIN) from error
