"""A space's definition written as the TOML files that it is read from."""

import json
import re
from collections.abc import Iterator
from typing import Any


def files(definition: dict[str, Any]) -> dict[str, str]:
    """Text by file: space.toml, and a file per persona."""
    rest = {key: value for key, value in definition.items() if key != "personas"}
    personas = definition["personas"].items()
    return {"space.toml": text(rest)} | {f"personas/{n}.toml": text(p) for n, p in personas}


def text(values: dict[str, Any]) -> str:
    """TOML of plain data: strings, numbers, booleans, lists of them, tables and lists of tables."""
    return "\n".join(_lines(values, ())).strip() + "\n"


def _lines(values: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    tables = {key: value for key, value in values.items() if _has_tables(value)}
    for key, value in values.items():
        if key not in tables and value is not None:
            yield f"{_key(key)} = {_value(value)}"
    for key, value in tables.items():
        below = (*path, _key(key))
        name = ".".join(below)
        if value:
            for table in value if isinstance(value, list) else [value]:
                yield f"\n[[{name}]]" if isinstance(value, list) else f"\n[{name}]"
                yield from _lines(table, below)


def _has_tables(value: Any) -> bool:
    """A table, or a list of such; an empty list may be one of anything."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) for item in value)
    return isinstance(value, dict)


def _key(name: str) -> str:
    """Names of models have dots and more."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)  # a JSON string is a basic TOML string
