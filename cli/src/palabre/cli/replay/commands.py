"""`palabre replay`: a conversation from the log, beside what the archive keeps of it."""

import asyncio
from typing import Annotated, NoReturn

import typer

from palabre.cli.server import Trouble, bus, http
from palabre.cli.settings import CliSettings


def replay(
    conversation: Annotated[str, typer.Argument(help="The conversation's id.")],
    turn: Annotated[str, typer.Option(help="Only this turn.")] = "",
) -> None:
    """Rebuild a conversation from the log of events, and check that the archive has the same."""
    raise typer.Exit(asyncio.run(_rebuilt(conversation, turn)))


async def _rebuilt(conversation: str, turn: str) -> int:
    """1 when the archive differs."""
    from palabre.cli.replay import identity, recorded, shown

    settings = CliSettings()
    async with bus(settings) as connection:
        await connection.refresh_erased()
        identity.erased(connection, conversation)
        turns = await recorded.conversation(connection, conversation)
        verdict = identity.Verdict()
        with http(settings) as client:
            if not turns:
                shown.show_archived(identity.kept(client, conversation) or _unknown(conversation))
                return 0
            await identity.current(connection)
            turns = await recorded.conversation(connection, conversation)
            identity.compare(turns, lambda ids: identity.rows(client, ids), verdict)
        told = recorded.past(turns)
        verdict.differences += await identity.histories(connection, conversation, told)
    shown.show([found for found in turns if turn in ("", found.id)] or _no_turn(turn))
    shown.show_verdict(verdict)
    return 0 if verdict.identical else 1


def _unknown(conversation: str) -> NoReturn:
    raise Trouble(f"neither the log nor the archive knows {conversation}: check its id")


def _no_turn(turn: str) -> NoReturn:
    raise Trouble(f"the conversation has no turn {turn}: leave out --turn to see all of them")
