"""`palabre ingest`: documents into a space, whatever number of them there is."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from palabre.cli.asking import first_space
from palabre.cli.folders import walk
from palabre.cli.library import Library
from palabre.cli.pruning import prune as pruned
from palabre.cli.screen import console, errors
from palabre.cli.sending import Sender, Stopped
from palabre.cli.server import Trouble, http
from palabre.cli.settings import CliSettings
from palabre.cli.tally import Tally
from palabre.cli.web import options
from palabre.cli.web.addresses import Wanted, is_address
from palabre.cli.web.crawl import Reach
from palabre.cli.web.ingesting import Visit, take_in as visit_all

INTERRUPTED = 130  # as a shell says it of Ctrl-C


def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, addresses.")],
    space: Annotated[str, typer.Option("--space", "-s", help="Into which space.")] = "",
    tier: Annotated[str, typer.Option(help="Who may read them.")] = "",
    below: Annotated[str, typer.Option(help="What their names begin with, as in books/.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Also what is in already.")] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete those that are no longer in the folders.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be.")] = False,
    report: Annotated[Path | None, typer.Option(help="A JSON file for the outcome.")] = None,
    wait: Annotated[float, typer.Option(help="Seconds that the server may be away.")] = 600.0,
    depth: options.Depth = 0,
    pages: options.Pages = 100,
    sitemap: options.Sitemap = False,
    files: options.Files = False,
    include: options.Include = None,
    exclude: options.Exclude = None,
    delay: options.Delay = 0.5,
    allow_private: options.AllowPrivate = None,
) -> None:
    """Add or replace documents. What is in already is skipped, what fails is reported with the
    reason, the rest goes on; run again, it goes on where it stopped.
    """
    wanted = Wanted(tuple(include or ()), tuple(exclude or ()))
    reach = Reach(depth, pages, sitemap, files, wanted)
    visit = Visit([p for p in paths if is_address(p)], reach, delay, tuple(allow_private or ()))
    below = f"{below.strip('/')}/" if below.strip("/") else ""
    found = _existing(path for path in paths if not is_address(path))
    if report and not report.absolute().parent.is_dir():
        raise Trouble(f"{report}: there is no such folder: make it, or name another file")
    tally = Tally()
    with http(CliSettings(), timeout_s=600) as client:
        sender = Sender(client, space or first_space(client), tier, wait)
        library = Library(sender, tally, force=force, dry_run=dry_run)
        try:
            visit_all(visit, sender, tally, below, dry_run=dry_run)
            if found:
                library.take_in(lambda: walk(found, below))
            if not tally.seen:
                raise Trouble("nothing to ingest there: name a file, or a folder that has some")
            if prune:
                pruned(sender, tally, found, below, ask=not yes, dry_run=dry_run)
            tally.complete = True
        except (KeyboardInterrupt, Stopped):
            errors.print("Stopped. The same command goes on where this one did.")
            raise typer.Exit(INTERRUPTED) from None
        finally:
            if tally.seen:
                tally.show(console, dry_run=dry_run)
            if report:
                tally.write(report, sender.space)
    if tally.failed:
        raise typer.Exit(1)


def _existing(paths: Iterable[str]) -> list[Path]:
    """Raises Trouble."""
    found = [Path(path) for path in paths]
    for path in found:
        if not path.exists():
            raise Trouble(f"{path}: there is no such file or folder")
    return found
