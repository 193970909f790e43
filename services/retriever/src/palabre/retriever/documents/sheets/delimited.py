"""CSV and its kin: the charset and the delimiter are found out, and said."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

from palabre.retriever.documents.decoding import decode
from palabre.retriever.documents.sheets.grid import (
    DATE,
    EMPTY,
    MARK,
    MAX_CELLS,
    NUMBER,
    TEXT,
    Grid,
    Row,
)
from palabre.retriever.documents.sheets.shapes import shape
from palabre.retriever.documents.sheets.shown import written
from palabre.retriever.documents.structure import Source
from palabre.retriever.errors import InvalidDocument

# In the order in which they are preferred: a comma is also in French numbers.
_DELIMITERS = "\t;|,"
_SAMPLE_CHARACTERS = 64 << 10
_KINDS = {"number": NUMBER, "date": DATE, "mark": MARK}
_SEPARATOR = re.compile(r"\Asep=(.)\r?\n", re.IGNORECASE)


def read_grid(source: Source, name: str, language: str) -> Grid:
    """Raises InvalidDocument."""
    text, remarks = _decoded(source)
    delimiter = _delimiter(source.name, text)
    rows: list[Row] = []
    for number, texts in enumerate(_records(source.name, text, delimiter), 1):
        shown = [written(cell.strip(), language) for cell in texts]
        rows.append(Row(number, shown, "".join(_kind(cell) for cell in shown)))
    width = max((len(row.texts) for row in rows), default=0)
    if width * len(rows) > MAX_CELLS:
        raise too_large(source.name, name, len(rows), width)
    return Grid(name, [_padded(row, width) for row in rows], remarks)


def too_large(document: str, sheet: str, rows: int, columns: int) -> InvalidDocument:
    return InvalidDocument(
        document,
        f'sheet "{sheet}" has {rows} rows and {columns} columns,'
        f" above the limit of {MAX_CELLS} cells",
        "split it into several files, or take out the columns that nobody asks about",
    )


def _decoded(source: Source) -> tuple[str, tuple[str, ...]]:
    """UTF-8, UTF-16 by its mark or its zeros, else what French Excel writes; guessing is said."""
    name, data = source.name, source.data
    if charset := source.charset or _utf_16(data):
        return decode(name, data, charset), ()
    try:
        return decode(name, data), ()
    except InvalidDocument:
        remark = "it is not UTF-8, so it was read as windows-1252; save it as UTF-8 if accents"
        return decode(name, data, "windows-1252"), (f"{remark} are wrong",)


def _utf_16(data: bytes) -> str:
    """Which of them, or empty. Without its mark every second byte of the head is mostly zero."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    even, odd = data[:4_096:2], data[1:4_096:2]
    rare, many = 0.05 * len(odd), 0.5 * len(odd)
    if even.count(0) <= rare and odd.count(0) > many:
        return "utf-16-le"
    return "utf-16-be" if odd.count(0) <= rare and even.count(0) > many else ""


def _delimiter(name: str, text: str) -> str:
    """The one that cuts most lines, most of them into the same number of cells."""
    if said := _SEPARATOR.match(text):
        return said[1]
    sample = text[:_SAMPLE_CHARACTERS]
    scores = {delimiter: _regularity(name, sample, delimiter) for delimiter in _DELIMITERS}
    best = max(scores.values())
    # A file of one column has no delimiter; any that is absent will do.
    return next(d for d in _DELIMITERS if scores[d] >= 0.9 * best) if best > 0 else "\t"


def _regularity(name: str, sample: str, delimiter: str) -> float:
    widths = [len(row) for row in _records(name, sample, delimiter, strict=False) if any(row)]
    several = Counter(width for width in widths if width > 1)
    if not several:
        return 0.0
    alike = several.most_common(1)[0][1]
    # One that cuts every line goes before the commas of some numbers.
    return (several.total() + alike) / len(widths) + (several.total() == len(widths))


def _records(name: str, text: str, delimiter: str, *, strict: bool = True) -> Iterator[list[str]]:
    text = _SEPARATOR.sub("", text)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error as error:
        if strict:
            raise InvalidDocument(
                name, f"is no table ({error})", "export it again, each cell between quotes"
            ) from error


def _kind(text: str) -> str:
    return _KINDS.get(shape(text, TEXT), TEXT) if text else EMPTY


def _padded(row: Row, width: int) -> Row:
    missing = width - len(row.texts)
    if not missing:
        return row
    return Row(row.number, [*row.texts, *[""] * missing], row.kinds + EMPTY * missing)
