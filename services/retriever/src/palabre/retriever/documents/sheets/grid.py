"""A sheet as it is seen: rows of shown texts, each with a letter that says what it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field

# What a cell holds: one letter a cell, so that a million of them weigh a megabyte.
EMPTY, TEXT, NUMBER, DATE, MARK = " ", "t", "n", "d", "b"
# Filled from the merged cell to the left, or above.
LEFT, ABOVE = "<", "^"

# A workbook's cells as Python strings take about 100 bytes each.
MAX_CELLS = 3_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """`texts` and `kinds` are of one length; `number` is what the spreadsheet calls the row."""

    number: int
    texts: Sequence[str]
    kinds: str

    @property
    def own(self) -> list[int]:
        """Columns with content of their own: not those that a merged cell fills sideways."""
        return [at for at, kind in enumerate(self.kinds) if kind not in " <"]

    @property
    def filled(self) -> int:
        return len(self.kinds) - self.kinds.count(EMPTY)

    @property
    def words(self) -> list[str]:
        return [self.texts[at] for at in self.own]


@dataclass(frozen=True, slots=True)
class Grid:
    """All rows are of one width. `remarks` say what was left out or is missing."""

    name: str
    rows: Sequence[Row]
    remarks: tuple[str, ...] = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a header. `header` numbers its rows; `columns` are named by them, or empty.

    `bands` are headings between the rows, by the position of the row that follows.
    """

    header: tuple[int, ...]
    columns: tuple[str, ...]
    rows: Sequence[Row]
    titles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    bands: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prose:
    """Lines that stand outside of any table."""

    lines: tuple[str, ...]
