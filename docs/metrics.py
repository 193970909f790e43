"""Every metric of the code, for metrics.md: read from the source, so that none is missed.

A metric is made at the top of a module and given a name, with words and labels that stand there:
otherwise `metrics` raises ValueError.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from palabre.chassis import streams

FOLDERS = ("libs", "services")
KINDS = ("Counter", "Gauge", "Histogram")
SERVICES = ("gateway", "retriever", "llm", "tts", "discord")
EVERY = "every service"


@dataclass(frozen=True, slots=True)
class Metric:
    """`services` tell it; those that make none of it may have it without a value."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str
    services: tuple[str, ...]

    @property
    def told_by(self) -> str:
        return EVERY if self.services == SERVICES else ", ".join(self.services)


def metrics(files: Iterable[Path] = ()) -> list[Metric]:
    """Of all sources, or of these; those of every service last. Raises ValueError."""
    chosen = list(files) or [f for f in Path().glob("*/*/src/**/*.py") if f.parts[0] in FOLDERS]
    sources = {file: ast.parse(file.read_text(encoding="utf-8")) for file in chosen}
    words = {file: _words(tree) for file, tree in sources.items()}
    found = [
        _metric(call, _tellers(variable, file, words))
        for file, tree in sources.items()
        for variable, call in _made(file, tree)
    ]
    return sorted(found, key=lambda m: (len(m.services), SERVICES.index(m.services[0]), m.name))


def _made(file: Path, tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Variable and call of each."""
    names = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "prometheus_client"
        for alias in node.names
        if alias.name in KINDS
    }
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _called(n) in names]
    named = {
        node.value: node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for call in calls:
        if call not in named:
            raise ValueError(f"{file}:{call.lineno}: make this metric at the top of the module")
        yield named[call], call


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _words(tree: ast.Module) -> set[str]:
    """Names that are used: variables, attributes, imports; and imports with their path."""
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            used |= names | {f"{node.module}.{name}" for name in names} | {str(node.module)}
    return used


def _tellers(variable: str, file: Path, words: dict[Path, set[str]]) -> tuple[str, ...]:
    """A service's own metric is told by it; a library's by whoever counts, or has it count."""
    if file.parts[0] == "services":
        return (file.parts[1],)
    module = ".".join(file.with_suffix("").parts[3:])
    users = [f for f, used in words.items() if variable in used and module in used]
    if direct := _services(users):
        return direct
    if file.parts[1] == "channels":
        return _services(f for f, used in words.items() if "palabre.channels.watching" in used)
    if any(user.stem == "stage" for user in users):
        return tuple(s for s in SERVICES if s in {d.service for d in streams.DURABLES})
    return SERVICES


def _services(files: Iterable[Path]) -> tuple[str, ...]:
    found = {file.parts[1] for file in files if file.parts[0] == "services"}
    return tuple(service for service in SERVICES if service in found)


def _metric(call: ast.Call, services: tuple[str, ...]) -> Metric:
    name, told, *labels = (ast.literal_eval(argument) for argument in call.args)
    return Metric(name, _called(call).lower(), tuple(*labels), told, services)
