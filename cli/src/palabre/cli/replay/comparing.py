"""Turns asked again and shown beside what was answered then."""

import contextlib
import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from palabre.chassis.bus import Bus
from palabre.chassis.directory import Spaces
from palabre.chassis.recalling import revision
from palabre.chassis.spaces import Space
from palabre.cli.replay import identity, recorded, reports, running
from palabre.cli.replay.again import Again, Variation
from palabre.cli.replay.differing import Pair, Summary
from palabre.cli.replay.recorded import Turn
from palabre.cli.replay.results import Results
from palabre.cli.replay.running import Limit, Run, Source
from palabre.cli.screen import errors
from palabre.cli.server import Trouble, bus
from palabre.cli.settings import CliSettings


class Wanted(NamedTuple):
    """One conversation, of which perhaps one turn; without a name all of a space's, or of all."""

    conversation: str
    turn: str = ""
    space: str = ""
    since: dt.datetime | None = None
    limit: int = 100


class Outputs(NamedTuple):
    json: Path | None
    html: Path | None


class Bounds(NamedTuple):
    max_cost: float
    unpriced: bool
    at_once: int


async def space(wanted: Wanted) -> str:
    """Which one it is of. Raises Trouble."""
    async with bus(CliSettings()) as connection:
        await connection.refresh_erased()
        return await _space(connection, wanted)


async def run(
    variation: Variation, wanted: Wanted, outputs: Outputs, bounds: Bounds, snapshot: str = ""
) -> int:
    """1 when it stopped before its end. Raises Trouble."""
    limit = Limit(Decimal(str(bounds.max_cost)), unpriced=bounds.unpriced)
    with tempfile.TemporaryDirectory() as folder:
        results = Results.open(outputs.json or Path(folder) / "results.jsonl", variation)
        try:
            async with bus(CliSettings()) as connection:
                await connection.refresh_erased()
                # Turns of one conversation wait for each other anyway.
                at_once = 1 if wanted.conversation else bounds.at_once
                source = await _source(connection, wanted, results)
                spaces = await _spaces(connection, variation, wanted)
                again = Again(connection, spaces, variation, snapshot)
                with _counted(wanted, results) as tell:
                    await Run(again, limit, tell, at_once).through(source)
        except* Trouble as troubles:
            raise troubles.exceptions[0] from None
        finally:
            results.close()
        _report(results, variation, outputs, one=bool(wanted.conversation))
    if limit.reason:
        errors.print(f"Stopped: {limit.reason}", style="yellow", highlight=False)
    return 1 if limit.reason else 0


@contextlib.contextmanager
def _counted(wanted: Wanted, results: Results) -> Iterator[Callable[[Pair], None]]:
    """Takes what was found, and shows how far it is."""
    columns = TextColumn("Asking again"), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=errors) as progress:
        task = progress.add_task("", total=wanted.limit if not wanted.conversation else None)

        def tell(pair: Pair) -> None:
            results.add(pair)
            progress.advance(task)

        yield tell


async def _space(connection: Bus, wanted: Wanted) -> str:
    """Raises Trouble."""
    if wanted.conversation:
        return (await _turns(connection, wanted))[0].any.space
    return wanted.space


async def _spaces(connection: Bus, variation: Variation, wanted: Wanted) -> Callable[[str], Space]:
    """Those that are live; the one of the wanted revision. Raises Reject."""
    if not (number := variation.space_revision):
        live = Spaces()
        await live.refresh(connection)
        return live.get
    name = await _space(connection, wanted)
    old = await revision(connection, name, number)
    return lambda name: old


async def _source(connection: Bus, wanted: Wanted, results: Results) -> Source:
    """Raises Trouble."""

    def is_done(turn: str) -> bool:
        return turn in results.done

    if not wanted.conversation:
        pages = recorded.ended(connection, wanted.space, wanted.since)
        return running.of_space(connection, pages, wanted.limit, is_done)
    turns = await _turns(connection, wanted)
    return running.of_conversation(turns, wanted.turn, is_done)


async def _turns(connection: Bus, wanted: Wanted) -> list[Turn]:
    """Of the conversation; some of them can be asked again. Raises Trouble."""
    identity.erased(connection, wanted.conversation)
    turns = await recorded.conversation(connection, wanted.conversation)
    if not any(turn.ended and wanted.turn in ("", turn.id) for turn in turns):
        raise Trouble(
            "nothing of it is in the log that could be asked again:"
            " `palabre replay` without options shows what is known"
        )
    return turns


def _report(results: Results, variation: Variation, outputs: Outputs, *, one: bool) -> None:
    summary = Summary()
    for pair in results.pairs():
        summary.add(pair)
        if one:
            reports.show(pair)
    reports.show_summary(summary)
    if outputs.html:
        title = f"Asked again: {variation.name}"
        reports.write_page(outputs.html, title, summary, results.pairs())
        errors.print(f"page: {outputs.html}", highlight=False, markup=False)
