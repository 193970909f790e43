"""What a run found, a line of JSON for each turn: written as it comes, so that a run goes on."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self, TextIO

from palabre.cli.replay.again import Variation
from palabre.cli.replay.differing import Pair
from palabre.cli.server import Trouble

FORMAT = 1


class Results:
    """The first line says what was asked how; `done` are the turns that are there."""

    def __init__(self, file: Path, output: TextIO, done: set[str]) -> None:
        self.file, self.done, self._output = file, done, output

    @classmethod
    def open(cls, file: Path, variation: Variation) -> Self:
        """Takes up a run of the same variation. Raises Trouble for another file."""
        head = {"palabre_replay": FORMAT, "variation": asdict(variation)}
        done: set[str] = set()
        if file.exists() and _mended(file):
            found = _lines(file)
            if next(found, head) != head:
                raise Trouble(f"{file}: holds something else: name another file, or delete it")
            done = {_pair(file, line).before.turn for line in found}
        output = file.open("a", encoding="utf-8")
        results = cls(file, output, done)
        if not output.tell():
            results._write(head)
        return results

    def add(self, pair: Pair) -> None:
        self.done.add(pair.before.turn)
        self._write(pair.plain())

    def pairs(self) -> Iterator[Pair]:
        """In the order in which they came."""
        lines = _lines(self.file)
        next(lines)
        for line in lines:
            yield _pair(self.file, line)

    def close(self) -> None:
        self._output.close()

    def _write(self, line: dict[str, Any]) -> None:
        self._output.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._output.flush()


def _mended(file: Path) -> int:
    """Its bytes, without a last line that was cut off when the run was killed."""
    with file.open("rb+") as content:
        data = content.read()
        return content.truncate(data.rfind(b"\n") + 1)


def _lines(file: Path) -> Iterator[Any]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                yield json.loads(line)
            except ValueError:
                raise Trouble(f"{file}: is no result of `palabre replay`") from None


def _pair(file: Path, line: Any) -> Pair:
    try:
        return Pair.read(line)
    except (KeyError, TypeError):
        raise Trouble(f"{file}: was written by another version: name another file") from None
