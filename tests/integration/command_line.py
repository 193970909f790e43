"""The command `palabre`, beside what it talks to."""

import asyncio
from functools import partial

from typer import Typer
from typer.testing import CliRunner, Result

from palabre.chassis import streams
from palabre.chassis.testing import NatsServer
from palabre.cli.app import application
from palabre.gateway.testing import TOKEN, RunningGateway


def reaching(
    nats: NatsServer, gateway: RunningGateway | None = None, columns: int = 200
) -> dict[str, str]:
    """The environment of an operator whose terminal has so many columns."""
    found = {
        "PALABRE_NATS_URL": nats.url,
        "PALABRE_NATS_PASSWORD": nats.users[streams.OPERATOR],
        "COLUMNS": str(columns),
    }
    if gateway:
        found |= {"PALABRE_URL": gateway.url, "PALABRE_TOKEN": TOKEN}
    return found


async def invoked(
    app: Typer, environment: dict[str, str], *arguments: str, said: str = ""
) -> Result:
    """In a thread: what it talks to goes on beside it. `said` is typed into it."""
    run = partial(CliRunner(env=environment).invoke, app, list(arguments), input=said)
    return await asyncio.to_thread(run)


async def palabre(environment: dict[str, str], *arguments: str) -> Result:
    """As on the command line."""
    return await invoked(application(arguments[0]), environment, *arguments)
