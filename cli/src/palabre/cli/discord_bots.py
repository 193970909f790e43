"""`palabre discord`: lets bots into a server, and finds out what a set-up lacks."""

import asyncio
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from palabre.chassis.directory import Spaces
from palabre.chassis.settings import read
from palabre.chassis.spaces import Space, read_folder
from palabre.cli.screen import console, table
from palabre.cli.server import Trouble, bus
from palabre.cli.settings import CliSettings
from palabre.discord import permissions
from palabre.discord.settings import DiscordSettings

if TYPE_CHECKING:
    from palabre.discord.checking import Finding
    from palabre.discord.surveying import Application

app = typer.Typer(help="Bots on Discord (docs/discord.md).", no_args_is_help=True)

Folders = Annotated[
    list[Path] | None,
    typer.Argument(help="Folders that hold a space.toml; none: the spaces that are live."),
]
Solved = Annotated[
    bool, typer.Option("--solved", help="With the right to tag posts that are solved.")
]
ApplicationId = Annotated[int, typer.Option("--application", help="Its id, where no token is set.")]


@app.command()
def invite(solved: Solved = False, application: ApplicationId = 0) -> None:
    """Print the address at which each bot is let in to a server, and what it still lacks."""
    if application:
        print(permissions.invitation(application, marks=solved))
    else:
        asyncio.run(_reaching(_invite(solved)))
    console.print("\nIt asks for these permissions:")
    rows = ((each.label, each.why) for each in permissions.wanted(marks=solved))
    table("permission", "what for", rows=rows)


@app.command()
def check(folders: Folders = None) -> None:
    """Compare the spaces with what Discord says of their bots, servers, forums and roles.

    Nothing is written there, and no bot goes online. Ends with 1 where something has to be mended.
    """
    spaces = _read(folders) if folders else asyncio.run(_live())
    if asyncio.run(_reaching(_check(spaces))):
        raise typer.Exit(1)
    console.print("Everything is as the spaces say.")


async def _reaching[T](work: Coroutine[None, None, T]) -> T:
    """Raises Trouble where Discord does not answer."""
    from palabre.discord.calls import Unreachable

    try:
        return await work
    except Unreachable as error:
        raise Trouble(
            f"Discord does not answer ({error}): is the network up, and PALABRE_DISCORD_API right?"
        ) from None


async def _invite(solved: bool) -> None:
    from palabre.discord.surveying import TokenRefused, application_of

    settings = _settings()
    for name, token in settings.bots.items():
        try:
            _show(name, await application_of(name, token), solved)
        except TokenRefused as error:
            raise Trouble(f"bot {name}: {error}: {_NEW_TOKEN}") from None


def _show(name: str, application: "Application", solved: bool) -> None:
    console.print(f"{name} ({application.name}):", highlight=False, markup=False)
    console.print(f"  {permissions.invitation(application.id, marks=solved)}", soft_wrap=True)
    if not application.reads:
        console.print(
            "  It may not read what people write: switch on the message content intent at"
            f" {application.settings}/bot",
            soft_wrap=True,
        )


async def _check(spaces: Mapping[str, Space]) -> bool:
    """Shows what is found; True where something has to be mended."""
    from palabre.discord import checking
    from palabre.discord.checking import Finding
    from palabre.discord.surveying import Bot, TokenRefused, survey

    bots: dict[str, Bot] = {}
    findings: list[Finding] = []
    for name, token in _settings().bots.items():
        try:
            bots[name] = await survey(name, token, checking.servers_of(spaces))
        except TokenRefused as error:
            findings.append(Finding("fault", f"bot {name}", str(error), _NEW_TOKEN))
    findings += checking.check(bots, spaces)
    for finding in findings:
        _tell(finding)
    return any(finding.level == "fault" for finding in findings)


def _tell(finding: "Finding") -> None:
    line = f"{finding.level:<6}{finding.about}: {finding.text}"
    console.print(line, highlight=False, markup=False, soft_wrap=True)
    if finding.remedy:
        console.print(f"      → {finding.remedy}", highlight=False, markup=False, soft_wrap=True)


def _settings() -> DiscordSettings:
    """Raises Trouble where there is no bot."""
    from palabre.discord.client import point_at

    settings = read(DiscordSettings)
    if not settings.bots:
        raise Trouble(
            "no bot: set PALABRE_DISCORD_TOKEN to a bot's token, or name its application with"
            " `palabre discord invite --application ID` (docs/discord.md)"
        )
    point_at(settings.discord_api)
    return settings


def _read(folders: list[Path]) -> dict[str, Space]:
    return {folder.resolve().name: read_folder(folder.resolve()) for folder in folders}


async def _live() -> dict[str, Space]:
    spaces = Spaces()
    async with bus(CliSettings()) as connection:
        await spaces.refresh(connection)
    return spaces.all()


_NEW_TOKEN = "make a new one with Reset Token in Discord's developer portal"  # noqa: S105
