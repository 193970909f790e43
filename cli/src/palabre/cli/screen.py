"""What people see: answers on standard output, everything else on standard error."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

console = Console()
errors = Console(stderr=True)


def table(*columns: str, rows: Iterable[Iterable[object]]) -> None:
    """A plain table; says so when it is empty."""
    shown = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(str(cell) for cell in row))
    console.print(shown if shown.row_count else "(none)")
