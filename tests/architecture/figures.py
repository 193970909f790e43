"""python -m tests.architecture.figures: the house figures, and the limits that are never passed."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST_FILE, LONGEST_FUNCTION = 400, 60
# Two places may catch everything: the stage loop, and a supervisor of tasks.
BROAD = {"libs/chassis/src/palabre/chassis/stage.py"}


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file of ours."""

    name: str
    text: str
    tree: ast.Module

    @property
    def is_test(self) -> bool:
        return "tests/" in self.name or self.name.startswith("bench/")


def sources() -> list[Source]:
    listed = subprocess.run(
        ["git", "ls-files", "*.py"],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    found = []
    for name in listed.stdout.split():
        if "proto/gen/" not in name and Path(name).exists():
            text = Path(name).read_text(encoding="utf-8")
            found.append(Source(name, text, ast.parse(text)))
    return found


def functions(source: Source) -> Iterator[tuple[str, int]]:
    """(name and line, length in lines)."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (
                f"{source.name}:{node.lineno} {node.name}",
                (node.end_lineno or node.lineno) - node.lineno + 1,
            )


def offences(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > LONGEST_FILE:
        yield f"{source.name} has {lines} lines, more than {LONGEST_FILE}"
    for name, length in functions(source):
        if length > LONGEST_FUNCTION:
            yield f"{name} has {length} lines, more than {LONGEST_FUNCTION}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and source.name not in BROAD:
            yield f"{source.name}:{node.lineno} catches everything"
        if isinstance(node, ast.ImportFrom) and node.module == "unittest.mock":
            yield f"{source.name}:{node.lineno} mocks"


def _is_broad(node: ast.ExceptHandler) -> bool:
    """BaseException that is raised again is clean-up, not swallowing."""
    again = any(isinstance(n, ast.Raise) and n.exc is None for n in ast.walk(node))
    name = getattr(node.type, "id", "")
    return not again and (node.type is None or name in ("Exception", "BaseException"))


def main() -> int:
    found = sources()
    ours = [s for s in found if not s.is_test]
    lengths = sorted(length for s in ours for _, length in functions(s))
    files = sorted(s.text.count("\n") for s in ours)
    print(  # noqa: T201
        f"{len(ours)} files, {sum(files)} lines; a file's median {statistics.median(files):.0f}"
        f" lines, longest {files[-1]}; a function's median {statistics.median(lengths):.0f},"
        f" 90th percentile {lengths[len(lengths) * 9 // 10]}, longest {lengths[-1]}"
    )
    wrong = [offence for source in found for offence in offences(source)]
    sys.stderr.write("".join(f"{offence}\n" for offence in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
