"""The command `palabre`."""

import logging
import sys
from typing import Annotated

import structlog
import typer
from nats.errors import NoServersError
from pydantic import ValidationError

from palabre.chassis.directory import LiveEdit
from palabre.chassis.errors import Reject, Unavailable
from palabre.chassis.spaces import InvalidSpace
from palabre.chassis.topology import ServerTooOld, WrongTopology
from palabre.cli import (
    asking,
    dead,
    discord_bots,
    duplicating,
    engines,
    erasing,
    ingesting,
    knowledge_admin,
    screen,
    space_files,
    status,
    stream_setup,
    token_admin,
    usage,
    voices,
)
from palabre.cli.eval import commands as evaluating
from palabre.cli.server import Trouble
from palabre.cli.settings import CliSettings

app = typer.Typer(
    help="Palabre: one body of knowledge, many places where people ask.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(space_files.app, name="spaces")
app.add_typer(stream_setup.app, name="streams")
app.add_typer(token_admin.app, name="token")
app.add_typer(dead.app, name="dead")
app.add_typer(knowledge_admin.app, name="knowledge")
app.add_typer(evaluating.app, name="eval")
app.add_typer(voices.app, name="voices")
app.add_typer(discord_bots.app, name="discord")
app.add_typer(engines.app, name="engines")
app.command("ask")(asking.ask)
app.command("search")(asking.search)
app.command("ingest")(ingesting.ingest)
app.command("duplicates")(duplicating.duplicates)
app.command("erase")(erasing.erase)
app.command("status")(status.status)
app.command("usage")(usage.usage)


@app.command()
def run(
    demo: Annotated[bool, typer.Option(help="Index the knowledge of the spaces.")] = True,
) -> None:
    """Run everything on this machine."""
    from palabre.cli.run import conductor

    raise typer.Exit(conductor.run(CliSettings(), demo=demo))


EXPECTED = (
    Trouble,
    InvalidSpace,
    LiveEdit,
    Reject,
    Unavailable,
    ServerTooOld,
    WrongTopology,
    NoServersError,
    FileNotFoundError,
)


def main() -> None:
    """Errors that a person can do something about are a sentence, not a trace."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        app()
    except EXPECTED as error:
        screen.errors.print(f"[red]palabre:[/red] {error}", highlight=False)
        sys.exit(1)
    except ValidationError as error:
        lines = (f"PALABRE_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        screen.errors.print("[red]palabre:[/red] " + "; ".join(lines), highlight=False)
        sys.exit(2)
