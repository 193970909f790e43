"""Starts the discord service: its bots, each where this replica has its lease."""

from functools import partial

from palabre.chassis import service
from palabre.chassis.settings import read, refuse
from palabre.discord.assembly import assemble
from palabre.discord.settings import DiscordSettings


def main() -> None:
    settings = read(DiscordSettings)
    if not settings.bots:
        refuse("discord: no bot: set PALABRE_DISCORD_TOKEN to a bot's token (docs/discord.md)")
    service.run("discord", settings, partial(assemble, settings))


if __name__ == "__main__":
    main()
