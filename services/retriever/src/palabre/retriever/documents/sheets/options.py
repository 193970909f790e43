"""What the owner says of a sheet: `sheets:` in the side file, checked against the workbook."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from palabre.retriever.documents.sheets.grid import Table
from palabre.retriever.documents.sheets.proposal import MODES, Mode
from palabre.retriever.errors import InvalidDocument

# Stands for every sheet that is not named.
ALL = "*"
_KEYS = ("mode", "by", "header", "columns", "skip", "hidden")


@dataclass(frozen=True, slots=True)
class Options:
    """What is not said is None or empty. `header` (): said that there is none."""

    mode: Mode | None = None
    by: str = ""
    header: tuple[int, ...] | None = None
    columns: tuple[str, ...] = ()
    hidden: bool = False


def options_of(document: str, said: Mapping[str, Any]) -> dict[str, Options]:
    """By sheet. Raises InvalidDocument."""
    return {str(sheet): _options(document, str(sheet), values) for sheet, values in said.items()}


def check_names(document: str, said: Iterable[str], sheets: Sequence[str]) -> None:
    """Raises InvalidDocument when a sheet is named that is not there."""
    for name in said:
        if name != ALL and name not in sheets:
            real = ", ".join(f'"{sheet}"' for sheet in sheets)
            raise InvalidDocument(document, f'has no sheet "{name}"', f"its sheets are {real}")


def column(document: str, sheet: str, tables: Sequence[Table], name: str) -> str:
    """The column's name as the sheet spells it. Raises InvalidDocument when no table has it."""
    real = list(dict.fromkeys(c for table in tables for c in table.columns if c))
    for candidate in real:
        if candidate.casefold() == name.strip().casefold():
            return candidate
    raise InvalidDocument(
        document,
        f'sheet "{sheet}" has no column "{name}"',
        "its columns are " + (", ".join(f'"{c}"' for c in real) or "without names: give `header`"),
    )


def _options(document: str, sheet: str, values: Any) -> Options:
    if isinstance(values, str):
        values = {"mode": values}
    if not isinstance(values, dict):
        raise _wrong(document, sheet, "is no mapping", "write `mode: rows`, say, below its name")
    if unknown := sorted(str(key) for key in values if key not in _KEYS):
        raise _wrong(document, sheet, f"has the key {unknown[0]!r}", f"use {', '.join(_KEYS)}")
    by = str(values.get("by") or "")
    return Options(
        mode=_mode(document, sheet, values) or ("grouped" if by else None),
        by=by,
        header=_header(document, sheet, values.get("header")),
        columns=_columns(document, sheet, values.get("columns")),
        hidden=_truth(document, sheet, values, "hidden"),
    )


def _mode(document: str, sheet: str, values: dict[Any, Any]) -> Mode | None:
    mode = values.get("mode")
    if _truth(document, sheet, values, "skip"):
        return "skip"
    if mode is None or mode in MODES:
        return mode
    raise _wrong(document, sheet, f"has the mode {mode!r}", f"use {', '.join(MODES)}")


def _header(document: str, sheet: str, said: Any) -> tuple[int, ...] | None:
    if said is None:
        return None
    rows = said if isinstance(said, list) else [said]
    if not rows or not all(isinstance(row, int) and not isinstance(row, bool) for row in rows):
        raise _wrong(document, sheet, f"has the header {said!r}", "write a row's number, or 0")
    rows = sorted(row for row in set(rows) if row)
    if rows and (rows[0] < 0 or rows != list(range(rows[0], rows[-1] + 1))):
        raise _wrong(
            document, sheet, f"has the header {said!r}", "name rows that follow each other"
        )
    return tuple(rows)


def _columns(document: str, sheet: str, said: Any) -> tuple[str, ...]:
    if said is None:
        return ()
    if not isinstance(said, list) or not said:
        raise _wrong(document, sheet, "has `columns` that are no list", "write [Name, Price]")
    return tuple(str(name) for name in said)


def _truth(document: str, sheet: str, values: dict[Any, Any], key: str) -> bool:
    said = values.get(key, False)
    if not isinstance(said, bool):
        raise _wrong(document, sheet, f"has `{key}: {said}`", "write true or false")
    return said


def _wrong(document: str, sheet: str, reason: str, remedy: str) -> InvalidDocument:
    return InvalidDocument(document, f'`sheets`: "{sheet}" {reason}', remedy)
