"""The command `palabre`."""

import logging
import sys
from importlib import import_module
from typing import Annotated

import structlog
import typer
from pydantic import ValidationError

from palabre.cli import screen
from palabre.cli.server import Trouble
from palabre.cli.settings import CliSettings

# Where each command is: only the one that is asked for is loaded.
COMMANDS = {
    "ask": "asking:ask",
    "dead": "dead:app",
    "discord": "discord_bots:app",
    "duplicates": "duplicating:duplicates",
    "engines": "engines:app",
    "erase": "erasing:erase",
    "eval": "eval.commands:app",
    "ingest": "ingesting:ingest",
    "knowledge": "knowledge_admin:app",
    "replay": "replay.commands:replay",
    "run": "app:run",
    "search": "asking:search",
    "spaces": "space_files:app",
    "status": "status:status",
    "streams": "stream_setup:app",
    "token": "token_admin:app",
    "usage": "usage:usage",
    "voices": "voices:app",
}


def run(
    demo: Annotated[bool, typer.Option(help="Index the knowledge of the spaces.")] = True,
) -> None:
    """Run everything on this machine."""
    from palabre.cli.run import conductor

    raise typer.Exit(conductor.run(CliSettings(), demo=demo))


def application(wanted: str = "") -> typer.Typer:
    """With the command of this name; with all of them when there is none of it."""
    made = typer.Typer(
        help="Palabre: one body of knowledge, many places where people ask.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    made.callback()(lambda: None)  # one command alone would be no command of its own
    for name in [wanted] if wanted in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"palabre.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            made.add_typer(found, name=name)
        else:
            made.command(name)(found)
    return made


def main() -> None:
    """Errors that a person can do something about are a sentence, not a trace."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        application(sys.argv[1] if len(sys.argv) > 1 else "")()
    except SystemExit:  # every command ends so: what comes below need not be loaded
        raise
    except ValidationError as error:
        lines = (f"PALABRE_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
        screen.errors.print("[red]palabre:[/red] " + "; ".join(lines), highlight=False)
        sys.exit(2)
    except _expected() as error:
        screen.errors.print(f"[red]palabre:[/red] {error}", highlight=False)
        sys.exit(1)


def _expected() -> tuple[type[BaseException], ...]:
    """Loaded once one of them may have been raised."""
    from nats.errors import NoServersError

    from palabre.chassis.directory import LiveEdit
    from palabre.chassis.errors import Reject, Unavailable
    from palabre.chassis.spaces import InvalidSpace
    from palabre.chassis.topology import ServerTooOld, WrongTopology

    ours = Trouble, InvalidSpace, LiveEdit, Reject, Unavailable, ServerTooOld, WrongTopology
    return *ours, NoServersError, FileNotFoundError
