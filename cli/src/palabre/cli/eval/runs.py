"""One evaluation from its questions to its report, with progress on standard error."""

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from palabre.cli.eval import making
from palabre.cli.eval.local import Local, opened
from palabre.cli.eval.making import Making, Wanted
from palabre.cli.eval.measuring import ask_all, ask_left_out
from palabre.cli.eval.questions import Asked, check_documents
from palabre.cli.eval.reports import Report, asked_from
from palabre.cli.eval.searched import Searched
from palabre.cli.eval.setting import Setting
from palabre.cli.eval.spending import Model
from palabre.cli.folders import File
from palabre.cli.screen import console, errors
from palabre.contracts.v1.retriever_pb2 import DocumentEntry
from palabre.llm.settings import Settings


async def of_documents(
    file: Path,
    asked: Sequence[Asked],
    files: Sequence[File],
    languages: Sequence[str],
    setting: Setting,
    folds: int = 0,
) -> Report:
    """Raises Trouble. A document that cannot be read is told; the rest goes on."""
    async with opened(setting, languages) as local:
        await _take_in(local, files)
        return await of(local, file, asked, local, folds)


async def of(
    searched: Searched,
    file: Path,
    asked: Sequence[Asked],
    local: Local | None = None,
    folds: int = 0,
) -> Report:
    """Raises Trouble."""
    check_documents(file, asked, await searched.documents())
    with progress("Asking", len(asked)) as advance:
        outcomes = await ask_all(searched, asked, advance)
    if local and folds:
        with progress("Asking without their documents", len(asked)) as advance:
            outcomes += await ask_left_out(local, asked, folds, advance)
    return Report(
        made_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        questions=asked_from(file, outcomes),
        searched=await searched.described(),
        outcomes=tuple(outcomes),
    )


async def make(
    files: Sequence[File],
    languages: Sequence[str],
    settings: Settings,
    limit: int,
    wanted: Wanted,
    out: Path,
    agreed: Callable[[str], bool],
) -> None:
    """Raises Trouble. `agreed` is asked once, with what it will cost."""
    model, known = Model(settings, limit), making.done(out)
    try:
        async with opened(Setting(), languages) as local:
            await _take_in(local, files)
            entries = [entry for entry in await local.entries() if entry.document not in known]
            drafting = Making(local, model, wanted, out)
            estimated = await drafting.estimate(entries)
            said = f"{len(entries)} documents to draft from, {len(known)} done before"
            if entries and agreed(f"{said}; at most about {estimated}, {model.name}."):
                await _draft(drafting, model, entries)
    finally:
        await model.close()
    _say_made(drafting, model, out)


async def _draft(drafting: Making, model: Model, entries: Sequence[DocumentEntry]) -> None:
    with progress("Drafting", len(entries), lambda: str(model.spent)) as advance:
        await drafting.make(entries, advance)


def _say_made(drafting: Making, model: Model, out: Path) -> None:
    why = Counter(draft.dropped for draft in drafting.dropped)
    dropped = "".join(f"; {count} dropped: {reason}" for reason, count in why.most_common())
    console.print(f"{drafting.kept} questions written to {out}{dropped}.", markup=False)
    console.print(f"{model.spent}.", markup=False, highlight=False)
    if model.is_spent:
        console.print("The limit is reached: the same command goes on where this one stopped.")


async def _take_in(local: Local, files: Sequence[File]) -> None:
    """A document that cannot be read is told; the rest goes on."""
    with progress("Reading", len(files)) as advance:

        def told(problem: str) -> None:
            advance()
            if problem:
                errors.print(problem, markup=False, highlight=False)

        await local.take_in(files, told)


@contextlib.contextmanager
def progress(
    what: str, total: int, besides: Callable[[], str] = lambda: ""
) -> Iterator[Callable[[], None]]:
    """A bar; gives what moves it by one, and asks what else there is to say."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=errors, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.update(task, advance=1, description=f"{what} {besides()}".strip())
