"""Documents whose files are gone from their folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

import typer

from palabre.cli.screen import errors
from palabre.cli.sending import Sender
from palabre.cli.server import Trouble
from palabre.cli.tally import Tally
from palabre.cli.web.addresses import is_page

SHOWN = 20


def prune(
    sender: Sender,
    tally: Tally,
    folders: Sequence[Path],
    below: str,
    *,
    ask: bool = True,
    dry_run: bool = False,
) -> None:
    """Deletes what begins with `below` and is in none of the folders. Raises Trouble.

    Not where files could not be read, nor from a single file: what is missing may still be there.
    Web pages have no file, and stay.
    """
    if not folders or not all(folder.is_dir() for folder in folders):
        raise Trouble("--prune needs folders: a file alone does not say what is gone")
    if tally.unseen:
        errors.print("Nothing was deleted: what could not be looked at may be there after all.")
        return
    gone = list(_gone(sender, folders, below))
    if not gone:
        return
    for name in gone[:SHOWN]:
        errors.print(f"  {name}", markup=False, highlight=False)
    where = f"that begin with {below}" if below else f"in the space {sender.space}"
    question = f"Delete these {len(gone)} documents {where}? Their files are gone."
    if dry_run or (ask and not typer.confirm(question)):
        return
    for name in gone:
        sender.delete(name)
        tally.delete(name)


def _gone(sender: Sender, folders: Sequence[Path], below: str) -> Iterator[str]:
    for entry in sender.all():
        name: str = entry["document"]
        if name.startswith(below) and "://" not in name and not is_page(entry):
            rest = name.removeprefix(below)
            if not any(_has(folder, rest) for folder in folders):
                yield name


def _has(folder: Path, name: str) -> bool:
    """The file, or the archive that it lies in; in doubt, it has."""
    parents = PurePosixPath(name).parents
    try:
        return (folder / name).exists() or any(
            (folder / parent).is_file() for parent in parents if parent.name
        )
    except OSError:
        return True
