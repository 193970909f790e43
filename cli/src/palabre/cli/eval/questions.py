"""Files of questions: a line of JSON each, and what is wrong with them said by line."""

import difflib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palabre.cli.server import Trouble

EXAMPLE = '{"question": "Qui paie le chauffe-eau ?", "document": "reparations.md"}'
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A question. No document: nothing here answers it.

    Each of `documents` answers, each of `passages` is words that an answering passage contains.
    `groups` and `tier` are the asker's groups and the persona's highest tier.
    """

    line: int
    question: str
    documents: tuple[str, ...] = ()
    passages: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tier: str = ""
    language: str = ""
    kind: str = ""

    @property
    def key(self) -> str:
        """The same for the same question of the same person, in every file."""
        words = " ".join(self.question.casefold().split())
        return "\0".join((words, self.tier, *sorted(self.groups)))


def read(file: Path) -> list[Asked]:
    """Raises Trouble with every line that is wrong, not only the first."""
    mistakes: list[str] = []
    asked: list[Asked] = []
    lines: dict[str, int] = {}
    for number, text in _lines(file):
        try:
            question = _parsed(number, text)
        except ValueError as error:
            mistakes.append(f"line {number}: {error}")
            continue
        if (first := lines.setdefault(question.key, number)) != number:
            mistakes.append(f"line {number}: asks the same as line {first}: remove one of them")
        asked.append(question)
    _refuse(file, mistakes)
    if not asked:
        raise Trouble(f"{file}: has no question: write a line for each, such as {EXAMPLE}")
    return asked


def check_documents(file: Path, asked: Iterable[Asked], known: Collection[str]) -> None:
    """Raises Trouble when a question names a document that is not among these."""
    mistakes = []
    for question in asked:
        for name in question.documents:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                meant = f": did you mean {close[0]}?" if close else ""
                mistakes.append(f"line {question.line}: no document {name!r} here{meant}")
    _refuse(file, mistakes)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """Raises Trouble for what is no text file."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise Trouble(f"{file}: there is no such file") from None
    except (IsADirectoryError, UnicodeDecodeError) as error:
        reason = "is a folder" if isinstance(error, IsADirectoryError) else "is not UTF-8 text"
        raise Trouble(f"{file}: {reason}: name a file with a line of JSON per question") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def _parsed(number: int, text: str) -> Asked:
    """Raises ValueError."""
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error.msg} at character {error.colno}") from None
    if not isinstance(values, dict):
        raise ValueError(f"is no object: write it as {EXAMPLE}")
    question = values.get("question")
    if not isinstance(question, str) or not question.strip():
        raise ValueError(f'has no "question": write it as {EXAMPLE}')
    if "document" not in values:
        raise ValueError('has no "document": name the one that answers, or null where none does')
    return Asked(
        line=number,
        question=question,
        documents=_names(values, "document"),
        passages=_names(values, "passage"),
        groups=_names(values, "groups"),
        tier=_name(values, "tier"),
        language=_name(values, "language"),
        kind=_name(values, "kind"),
    )


def _names(values: dict[str, Any], key: str) -> tuple[str, ...]:
    """A string, a list of them, or nothing at all."""
    value = values.get(key)
    names = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(f'"{key}" must be a name, a list of names, or null')
    if isinstance(value, list) and not value and key == "document":
        raise ValueError('"document" is an empty list: write null where nothing answers')
    return tuple(dict.fromkeys(names))


def _name(values: dict[str, Any], key: str) -> str:
    value = values.get(key) or ""
    if not isinstance(value, str):
        raise ValueError(f'"{key}" must be a string')
    return value


def _refuse(file: Path, mistakes: list[str]) -> None:
    if mistakes:
        more = len(mistakes) - _SHOWN
        shown = [*mistakes[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise Trouble(f"{file}:\n  " + "\n  ".join(shown))
