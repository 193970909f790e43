"""`palabre discord`: the bots of this deployment, as Discord knows them."""

from typing import Annotated, Any

import httpx
import typer

from palabre.chassis.settings import read
from palabre.cli.screen import console
from palabre.cli.server import Trouble
from palabre.discord.rights import PORTAL, READS, invitation
from palabre.discord.settings import DiscordSettings

app = typer.Typer(help="The bots of this deployment on Discord.", no_args_is_help=True)

TIMEOUT_S = 20.0


@app.callback()
def discord() -> None:
    """The bots of this deployment on Discord."""


@app.command()
def invite(
    solved: Annotated[
        bool, typer.Option("--solved", help="With the right to tag posts that are solved.")
    ] = False,
) -> None:
    """Print the address at which each bot is let in to a server, and what it still lacks."""
    settings = read(DiscordSettings)
    if not settings.bots:
        raise Trouble("There is no bot: set PALABRE_DISCORD_TOKEN to a bot's token.")
    for name, token in settings.bots.items():
        application = _application(settings.discord_api, name, token)
        number = int(application["id"])
        console.print(f"{name} ({application['name']}):")
        console.print(f"  {invitation(number, marks=solved)}", soft_wrap=True)
        if not application.get("flags", 0) & READS:
            console.print(
                f"  It may not read what people write: switch on the message content intent at"
                f" {PORTAL}/{number}/bot",
                soft_wrap=True,
            )


def _application(api: str, name: str, token: str) -> dict[str, Any]:
    """Raises Trouble."""
    address, headers = f"{api}/oauth2/applications/@me", {"Authorization": f"Bot {token}"}
    try:
        answer = httpx.get(address, headers=headers, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise Trouble(f"Discord does not answer at {api}: {type(error).__name__}.") from error
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise Trouble(f"Discord does not know the token of the bot {name!r}: make a new one.")
    if answer.is_error:
        raise Trouble(f"Discord answers {answer.status_code} for the bot {name!r}: try again.")
    found: dict[str, Any] = answer.json()
    return found
