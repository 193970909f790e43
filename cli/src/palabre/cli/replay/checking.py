"""The log against the archive: one conversation, which is shown, or all turns, counted."""

import datetime as dt
from contextlib import aclosing
from typing import NoReturn

from rich.progress import Progress, SpinnerColumn, TextColumn

from palabre.cli.replay import identity, recorded, shown
from palabre.cli.screen import errors
from palabre.cli.server import Trouble, bus, http
from palabre.cli.settings import CliSettings


async def one(conversation: str, turn: str) -> int:
    """Shows it. 1 when the archive differs."""
    settings, verdict = CliSettings(), identity.Verdict()
    async with bus(settings) as connection:
        await connection.refresh_erased()
        identity.erased(connection, conversation)
        await identity.current(connection)
        turns = await recorded.conversation(connection, conversation)
        with http(settings) as client:
            if not turns:
                shown.show_archived(identity.kept(client, conversation) or _unknown(conversation))
                return 0
            identity.compare(turns, lambda ids: identity.rows(client, ids), verdict)
        told = recorded.past(turns)
        verdict.differences += await identity.histories(connection, conversation, told)
    shown.show([found for found in turns if turn in ("", found.id)] or _no_turn(turn))
    shown.show_verdict(verdict)
    return 0 if verdict.identical else 1


async def all_turns(space: str, since: dt.datetime | None) -> int:
    """Counts them. 1 when the archive differs."""
    settings, verdict = CliSettings(), identity.Verdict()
    columns = SpinnerColumn(), TextColumn("{task.completed} turns rebuilt")
    async with bus(settings) as connection:
        await identity.current(connection)
        with http(settings) as client, Progress(*columns, console=errors) as progress:
            task = progress.add_task("", total=None)
            pages = recorded.ended(connection, space, since)
            grown = identity.compare_all(pages, lambda ids: identity.rows(client, ids))
            async with aclosing(grown) as verdicts:  # type: ignore[type-var]
                async for verdict in verdicts:
                    progress.update(task, completed=verdict.turns)
    shown.show_verdict(verdict)
    return 0 if verdict.identical else 1


def _unknown(conversation: str) -> NoReturn:
    raise Trouble(f"neither the log nor the archive knows {conversation}: check its id")


def _no_turn(turn: str) -> NoReturn:
    raise Trouble(f"the conversation has no turn {turn}: leave out --turn to see all of them")
