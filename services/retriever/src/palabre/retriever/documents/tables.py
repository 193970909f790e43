"""Tables as Markdown, with merged cells filled: a row must make sense by itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# A cell may claim to span a billion columns.
MAX_COLUMNS = 256
_MAX_SPAN_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Cell:
    """`columns` and `rows` are how many of each it spans."""

    text: str
    columns: int = 1
    rows: int = 1


def grid(rows: Iterable[Iterable[Cell]]) -> list[list[str]]:
    """Every place that a merged cell covers has its text. Rows may differ in length."""
    filled: list[list[str]] = []
    # Column to the text that hangs into the next rows, and into how many.
    hanging: dict[int, tuple[str, int]] = {}
    for cells in rows:
        line: list[str] = []
        below: dict[int, tuple[str, int]] = {}
        for cell in cells:
            _take(hanging, below, line)
            for _ in range(min(max(cell.columns, 1), MAX_COLUMNS - len(line))):
                if cell.rows > 1:
                    below[len(line)] = (cell.text, min(cell.rows, _MAX_SPAN_ROWS) - 1)
                line.append(cell.text)
        _take(hanging, below, line)
        filled.append(line)
        hanging = below
    return filled


def _take(
    hanging: dict[int, tuple[str, int]], below: dict[int, tuple[str, int]], line: list[str]
) -> None:
    """What hangs into the places that come next."""
    while len(line) in hanging:
        text, rows = hanging[len(line)]
        if rows > 1:
            below[len(line)] = (text, rows - 1)
        line.append(text)


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """The first row is the heading. Empty rows are left out; no rows are no text."""
    kept = [row for row in rows if any(cell.strip() for cell in row)]
    width = max((len(row) for row in kept), default=0)
    lines = [_line([*row, *[""] * (width - len(row))]) for row in kept]
    if len(lines) > 1:
        lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def _line(row: Sequence[str]) -> str:
    return f"| {' | '.join(' '.join(cell.replace('|', '\\|').split(' ')) for cell in row)} |"
