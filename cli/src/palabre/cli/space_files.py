"""`palabre spaces`: apply, pull, diff, history, rollback."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from palabre.chassis import directory, spaces, toml_text
from palabre.chassis.directory import Revision
from palabre.cli.screen import console, table
from palabre.cli.server import Trouble, bus
from palabre.cli.settings import CliSettings

app = typer.Typer(help="The set-up of organisations.", no_args_is_help=True)

Folders = Annotated[list[Path], typer.Argument(help="Folders that hold a space.toml.")]
Name = Annotated[str, typer.Argument(help="The space's id.")]


@app.command()
def apply(
    folders: Folders,
    force: Annotated[bool, typer.Option(help="Overwrite live edits.")] = False,
    keep_edits: Annotated[
        bool, typer.Option(help="Say which live edits differ, and leave those spaces as they are.")
    ] = False,
) -> None:
    """Make files live; a live edit is never overwritten without being told."""
    asyncio.run(_apply(folders, force, keep_edits))


@app.command()
def pull(folder: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write the live space into a folder; its name is the space's id."""
    asyncio.run(_pull(folder))


@app.command()
def diff(folder: Annotated[Path, typer.Argument(help="A folder with a space.toml.")]) -> None:
    """Show where the files differ from the live space."""
    files = directory.plain(spaces.read_folder(folder.resolve()))
    live = asyncio.run(_live(_id(folder))).definition
    rows = directory.differences(live, files)
    table("key", "live", "files", rows=((key, _brief(a), _brief(b)) for key, a, b in rows))


@app.command()
def history(space: Name) -> None:
    """List the revisions of a space."""
    asyncio.run(_history(space))


@app.command()
def rollback(space: Name, revision: Annotated[int, typer.Argument(help="Its number.")]) -> None:
    """Make an old revision the live one."""
    asyncio.run(_rollback(space, revision))


async def _apply(folders: list[Path], force: bool, keep_edits: bool) -> None:
    read = [(_id(folder), spaces.read_folder(folder.resolve())) for folder in folders]
    async with bus(CliSettings()) as connection:
        bucket = await connection.js.key_value("spaces")
        for name, space in read:
            try:
                changed = await directory.apply(bucket, name, space, force=force)
            except directory.LiveEdit as edit:
                if not keep_edits:
                    raise
                console.print(f"{name}: left as it is: {edit}")
            else:
                console.print(f"{name}: {'live' if changed else 'nothing to change'}")


async def _pull(folder: Path) -> None:
    live = await _live(_id(folder))
    for file, text in toml_text.files(live.definition).items():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        console.print(f"wrote {target}")


async def _history(space: str) -> None:
    async with bus(CliSettings()) as connection:
        bucket = await connection.js.key_value("spaces")
        revisions = await directory.history(bucket, space)
    table("revision", "when", "what", rows=((r.number, r.at, r.message) for r in revisions))


async def _rollback(space: str, revision: int) -> None:
    async with bus(CliSettings()) as connection:
        bucket = await connection.js.key_value("spaces")
        try:
            await directory.rollback(bucket, space, revision)
        except KeyError:
            raise Trouble(
                f"{space} has no revision {revision}: see `palabre spaces history {space}`"
            ) from None
    console.print(f"{space}: back to revision {revision}")


async def _live(name: str) -> Revision:
    async with bus(CliSettings()) as connection:
        live = await directory.current(await connection.js.key_value("spaces"), name)
    if live is None:
        raise Trouble(f"no space {name!r} is live: make it so with `palabre spaces apply`")
    return live


def _id(folder: Path) -> str:
    return folder.resolve().name


def _brief(value: Any) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= 60 else text[:59] + "…"
