"""What people see: answers on standard output, everything else on standard error."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

console = Console()
errors = Console(stderr=True)


def table(*columns: str, rows: Iterable[Iterable[object]], on: Console = console) -> None:
    """A plain table; says so when it is empty. What does not fit goes on in the next line."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*(str(cell) for cell in row))
    on.print(shown if shown.row_count else "(none)")
