"""What a document's owner says of it: YAML at the head of a Markdown file, or in a side file."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from palabre.retriever.errors import InvalidDocument

MAX_BYTES = 64 << 10
_MAX_DEPTH = 16


@dataclass(frozen=True, slots=True)
class Front:
    """What is not said is empty. `sheets` is for the reader of spreadsheets, which checks it."""

    title: str = ""
    language: str = ""
    tier: str = ""
    url: str = ""
    keywords: tuple[str, ...] = ()
    sheets: Mapping[str, Any] = field(default_factory=dict)

    def over(self, other: "Front") -> "Front":
        """What this one does not say, the other may."""
        return Front(
            self.title or other.title,
            self.language or other.language,
            self.tier or other.tier,
            self.url or other.url,
            self.keywords or other.keywords,
            self.sheets or other.sheets,
        )


def parse_front(name: str, text: str, first_line: int = 1) -> Front:
    """Keys that nobody knows are passed over. Raises InvalidDocument with the line."""
    values = _mapping(name, text, first_line)
    sheets = values.get("sheets") or {}
    if not isinstance(sheets, dict):
        raise InvalidDocument(name, "`sheets` is no mapping", "write it as `sheet name: …` lines")
    return Front(
        title=_word(name, values, "title"),
        language=_word(name, values, "language") or _word(name, values, "lang"),
        tier=_word(name, values, "tier"),
        url=_url(_word(name, values, key) for key in ("url", "source")),
        keywords=_words(name, values, "keywords"),
        sheets=sheets,
    )


def _mapping(name: str, text: str, first_line: int) -> dict[Any, Any]:
    if len(text.encode()) > MAX_BYTES:
        raise InvalidDocument(name, "its front matter is too long", f"use {MAX_BYTES >> 10} KiB")
    try:
        _check_shape(name, text)
        values = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError) as error:
        if isinstance(error, InvalidDocument):
            raise
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + first_line
        raise InvalidDocument(
            name, f"front matter is not YAML (line {line})", "put quotes around the value"
        ) from error
    if not isinstance(values, dict | None):
        raise InvalidDocument(name, "front matter is no mapping", "write it as `key: value` lines")
    return values or {}


def _check_shape(name: str, text: str) -> None:
    """A few lines of aliases stand for gigabytes, and a row of brackets overruns the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > _MAX_DEPTH:
            raise InvalidDocument(
                name, "front matter has aliases or is nested deeply", "write its values out"
            )


def _word(name: str, values: dict[Any, Any], key: str) -> str:
    value = values.get(key)
    if isinstance(value, dict | list | set):
        raise InvalidDocument(name, f"`{key}` is no single value", f"write it as `{key}: …`")
    return "" if value is None else str(value).strip()


def _words(name: str, values: dict[Any, Any], key: str) -> tuple[str, ...]:
    found = values.get(key)
    if not isinstance(found, list):
        found = _word(name, values, key).split(",")
    return tuple(word for item in found if (word := _word(name, {key: item}, key)))


def _url(candidates: Iterable[str]) -> str:
    """`source` may also name a person or a book, which is no address."""
    return next((c for c in candidates if re.match(r"https?://\S+$", c)), "")


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
