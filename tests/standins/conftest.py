"""A server with a bot and a person, in the stand-in of Discord, and the bot's calls as they are."""

from collections.abc import AsyncIterator

import pytest

from tests.standins.discord import Bot, Channel, Discord, Person, Server
from tests.standins.discord_wire import Rest, calling


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    """Without rate limits."""
    async with Discord().serving() as serving:
        serving.limits.off()
        yield serving


@pytest.fixture
def server(discord: Discord) -> Server:
    return discord.server("Locataires")


@pytest.fixture
def bot(discord: Discord, server: Server) -> Bot:
    return discord.bot("token", "Camille", servers=[server])


@pytest.fixture
async def rest(discord: Discord, bot: Bot) -> AsyncIterator[Rest]:
    async with calling(discord, bot) as calls:
        yield calls


@pytest.fixture
def general(server: Server) -> Channel:
    return server.text("général")


@pytest.fixture
def alice(server: Server) -> Person:
    return server.person("alice")
