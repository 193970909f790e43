"""`palabre streams`: what must exist on NATS."""

import asyncio
from typing import Annotated

import typer

from palabre.chassis import topology
from palabre.cli.screen import console
from palabre.cli.server import bus
from palabre.cli.settings import CliSettings

app = typer.Typer(help="Streams, buckets and durables on NATS.", no_args_is_help=True)


@app.callback()
def streams() -> None:
    """Streams, buckets and durables on NATS."""


@app.command()
def apply(
    replicas: Annotated[int, typer.Option(min=1, max=5, help="Copies in a NATS cluster.")] = 1,
) -> None:
    """Make or update what the services rely on. Safe to repeat."""
    asyncio.run(_apply(replicas))


async def _apply(replicas: int) -> None:
    async with bus(CliSettings()) as connection:
        done = await topology.apply(connection.js, replicas, console.print)
    for line in done or ["nothing to change"]:
        console.print(line)
