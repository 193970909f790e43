"""Reads the sheets of sheets/*.txt, and writes them as the files that offices send."""

import csv
import datetime as dt
import io
import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import xlsxwriter

_NUMBER = re.compile(r"-?\d{1,3}(?:[ \u00a0]?\d{3})*(?:,(\d+))?(?: ([€%]))?")
_DATE = re.compile(r"(\d\d)/(\d\d)/(\d{4})")


@dataclass(frozen=True, slots=True)
class Expected:
    """`header` as in « table@3-4 »; `by` only where grouped."""

    mode: str
    header: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    name: str
    expected: tuple[Expected, ...]
    lines: tuple[str, ...]
    # `~; cp1252`: a CSV, its delimiter and charset.
    delimiter: str = ""
    charset: str = ""

    def file(self) -> tuple[str, bytes]:
        """Its name and bytes."""
        stem = self.name.replace(" ", "-")
        if self.delimiter:
            return f"{stem}.csv", "\r\n".join(self.lines).encode(self.charset)
        return f"{stem}.xlsx", workbook({self.name[:30].rstrip("'"): self.rows()})

    def rows(self) -> list[list[str]]:
        return [[cell.strip() for cell in line.split(" | ")] for line in self.lines]


def sheets(path: Path) -> list[Sheet]:
    found: list[Sheet] = []
    for part in path.read_text(encoding="utf-8").split("\n== ")[1:]:
        head, _, body = part.partition("\n")
        name, said = head.split(" => ")
        readings, _, form = said.partition(" ~")
        delimiter, _, charset = form.partition(" ")
        lines = tuple(row for line in body.rstrip("\n").split("\n") for row in _repeated(line))
        expected = tuple(_expected(reading) for reading in readings.split(", "))
        found.append(
            Sheet(name, expected, lines, "\t" if delimiter == "tab" else delimiter, charset)
        )
    return found


def workbook(sheets: dict[str, list[list[str]]]) -> bytes:
    """Typed cells; `<` is merged with the cell to its left, `^` with the one above."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    formats = {code: book.add_format({"num_format": code}) for code in _CODES.values()}
    for name, rows in sheets.items():
        page = book.add_worksheet(name)
        for at, row in enumerate(rows):
            for column, text in enumerate(row):
                if text and text not in "<^":
                    value, code = _typed(text)
                    bottom, right = _merged(rows, at, column)
                    page.write(at, column, value, formats.get(code))
                    if (bottom, right) != (at, column):
                        page.merge_range(at, column, bottom, right, value, formats.get(code))
    book.close()
    return buffer.getvalue()


_CODES = {"€": '#,##0.00 "€"', "%": "0.0%", "d": "dd/mm/yyyy", "n": "#,##0.###", "": "General"}


def _typed(text: str) -> tuple[str | float | dt.datetime, str]:
    if found := _DATE.fullmatch(text):
        day, month, year = map(int, found.groups())
        return dt.datetime(year, month, day), _CODES["d"]  # noqa: DTZ001 (a cell has no zone)
    if (found := _NUMBER.fullmatch(text)) and not re.match(r"0\d", text):
        number = float(re.sub(r"[ \u00a0€%]", "", text).replace(",", "."))
        unit = found[2] or ("n" if " " in text else "")
        return number / 100 if unit == "%" else number, _CODES[unit]
    return text, ""


def _merged(rows: list[list[str]], at: int, column: int) -> tuple[int, int]:
    right, bottom = column, at
    while right + 1 < len(rows[at]) and rows[at][right + 1] == "<":
        right += 1
    while (
        bottom + 1 < len(rows)
        and column < len(rows[bottom + 1])
        and (rows[bottom + 1][column] == "^")
    ):
        bottom += 1
    return bottom, right


def _repeated(line: str) -> list[str]:
    """`@3 a{i} | {x,y}`: a1 | x, a2 | y, a3 | x."""
    if not (found := re.match(r"@(\d+) ", line)):
        return [line]
    pattern = line[found.end() :]
    return [_turn(pattern, number) for number in range(1, int(found[1]) + 1)]


def _turn(pattern: str, number: int) -> str:
    turns = count()

    def turn(match: re.Match[str]) -> str:
        inside = match[1]
        if inside.startswith("i"):
            return format(number, inside[2:])
        choices = inside.split(",")
        return choices[(number + next(turns)) % len(choices)]

    return re.sub(r"\{([^}]*)\}", turn, pattern)


def _expected(reading: str) -> Expected:
    where, _, by = reading.strip().partition(" by ")
    mode, _, header = where.partition("@")
    return Expected(mode, header, by)


def as_csv(rows: list[list[str]], delimiter: str) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    return buffer.getvalue().encode()
