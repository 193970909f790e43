"""`palabre dead`: events that could not succeed."""

import asyncio
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToJson

from palabre.chassis import dead_letters, events
from palabre.chassis.dead_letters import Letter
from palabre.chassis.errors import Reject
from palabre.cli.screen import console, table
from palabre.cli.server import Trouble, bus
from palabre.cli.settings import CliSettings

app = typer.Typer(help="Dead letters.", no_args_is_help=True)

Number = Annotated[int, typer.Argument(help="The letter's number, as `list` shows it.")]


@app.command("list")
def list_() -> None:
    """List dead letters, oldest first."""
    letters = asyncio.run(_all())
    rows = ((r.number, r.stage, r.subject, r.error) for r in letters)
    table("number", "stage", "subject", "error", rows=rows)


@app.command()
def show(number: Number) -> None:
    """Show one, with its content: it may hold a person's words."""
    letter = asyncio.run(_one(number))
    console.print(f"{letter.subject}\n{letter.stage}: {letter.error}", markup=False)
    try:
        console.print_json(MessageToJson(events.decode(letter.data)))
    except Reject:
        console.print(f"{len(letter.data)} bytes that are no event")


@app.command()
def retry(number: Number) -> None:
    """Ask again: a new turn that names the old one."""
    console.print(f"asked again as turn {asyncio.run(_retry(number))}")


async def _all() -> list[Letter]:
    async with bus(CliSettings()) as connection:
        return await dead_letters.all_letters(connection)


async def _one(number: int) -> Letter:
    for letter in await _all():
        if letter.number == number:
            return letter
    raise Trouble(f"no dead letter {number}: see `palabre dead list`")


async def _retry(number: int) -> str:
    letter = await _one(number)
    async with bus(CliSettings()) as connection:
        return await dead_letters.retry(connection, letter)
