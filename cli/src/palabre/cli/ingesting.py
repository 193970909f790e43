"""`palabre ingest`: documents into a space."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from palabre.cli.asking import first_space
from palabre.cli.run.knowledge import documents, media_type
from palabre.cli.screen import console, errors, table
from palabre.cli.server import Trouble, checked, http
from palabre.cli.settings import CliSettings

AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file; `problem` is empty when it is in."""

    file: Path
    passages: int = 0
    changed: int = 0
    problem: str = ""


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    space: Annotated[str, typer.Option("--space", "-s", help="Into which space.")] = "",
    tier: Annotated[str, typer.Option(help="Who may read them.")] = "",
) -> None:
    """Add or replace documents. What fails is reported with the reason; the rest goes on."""
    found = list(_collect(paths))
    if not found:
        raise Trouble("nothing to ingest there: name a file, or a folder that has some")
    with http(CliSettings(), timeout_s=600) as client:
        name = space or first_space(client)
        outcomes = list(_all(client, name, tier, found))
    _report(outcomes)
    if any(outcome.problem for outcome in outcomes):
        raise typer.Exit(1)


def _collect(paths: list[Path]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        if not path.exists():
            raise Trouble(f"{path}: there is no such file or folder")
        yield from documents(path) if path.is_dir() else [(path.name, path)]


def _all(
    client: httpx.Client, space: str, tier: str, found: list[tuple[str, Path]]
) -> Iterator[Outcome]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        Progress(*columns, TimeRemainingColumn(), console=errors) as progress,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        task = progress.add_task(f"Ingesting into {space}", total=len(found))
        for outcome in pool.map(lambda item: _one(client, space, tier, *item), found):
            progress.advance(task)
            yield outcome


def _one(client: httpx.Client, space: str, tier: str, document: str, file: Path) -> Outcome:
    form = {"document": document, "tier": tier}
    upload = {"file": (file.name, file.read_bytes(), media_type(file))}
    try:
        path = f"/api/v1/spaces/{space}/documents"
        entry = checked(client.post(path, data=form, files=upload)).json()
    except Trouble as trouble:
        return Outcome(file, problem=str(trouble))
    return Outcome(file, entry["passages"], entry.get("changed", 0))


def _report(outcomes: list[Outcome]) -> None:
    counts = Counter(
        "failed" if o.problem else "changed" if o.changed else "unchanged" for o in outcomes
    )
    passages = sum(o.passages for o in outcomes)
    console.print(
        f"{len(outcomes)} documents: {counts['changed']} new or changed,"
        f" {counts['unchanged']} unchanged, {counts['failed']} failed; {passages} passages."
    )
    failed = [(o.file, o.problem) for o in outcomes if o.problem]
    if failed:
        table("failed", "why", rows=failed)
