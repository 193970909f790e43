"""What the stand-in of Discord shows of nextcord 3.2, and an adapter has to know.

- It counts all channels of a bot, and sending as well as editing, against one limit, since it
  knows buckets by name alone: five calls in five seconds for all posts together. A dict that
  keeps nothing, put into `client.http._buckets` before login, keeps channels apart.
- `history()` turns pages only when `before` or `after` is given; without, it reads the last 100
  messages again and again.
- A connection that was reset is not tried again on Linux, 500, 502 and 504 are.
- It deletes commands that it does not know unless `rollout_delete_unknown=False`.
- It waits five seconds after an invalid session.
"""

import asyncio
import errno
from collections.abc import AsyncIterator
from typing import Any

import nextcord
import pytest
from nextcord.http import Route

from tests.standins.discord import Discord, Server
from tests.standins.discord_client import Asked, client, connected


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with Discord().serving() as serving:
        Route.BASE = serving.api
        yield serving


async def test_history_is_read_in_pages(discord: Discord, server: Server) -> None:
    general = server.text("général")
    bot = discord.bot("token", "Camille", servers=[server])
    alice = server.person("alice")
    start = discord.clock.now() - 3_600
    said = [alice.said(general, f"message {n}", at=start + n) for n in range(250)]
    async with connected(bot, client(), discord) as camille:
        channel = camille.get_channel(general.id)
        assert isinstance(channel, nextcord.TextChannel)
        # nextcord turns pages only from a given message on: without one it reads the last 100
        # messages again and again.
        end, begin = nextcord.Object(discord.ids.new()), nextcord.Object(1)
        middle = nextcord.Object(said[100].id)
        newest = [each.content async for each in channel.history(limit=None, before=end)]
        oldest = [each.content async for each in channel.history(limit=3, after=begin)]
        around = [each.content async for each in channel.history(limit=4, around=middle)]
    assert newest == [f"message {number}" for number in reversed(range(250))]
    assert oldest == ["message 0", "message 1", "message 2"]
    assert around == [f"message {number}" for number in (102, 101, 100, 99, 98)]


async def test_a_call_that_is_limited_is_made_again(discord: Discord, server: Server) -> None:
    general = server.text("général")
    bot = discord.bot("token", "Camille", servers=[server])
    discord.faults.add("POST", "/messages", status=429, retry_after=0.05)
    async with connected(bot, client(), discord) as camille:
        channel = camille.get_channel(general.id)
        assert isinstance(channel, nextcord.TextChannel)
        await channel.send("Enfin.")
    assert [call.status for call in discord.calls_of("POST", "/messages")] == [429, 200]
    assert [message.content for message in general.history()] == ["Enfin."]


class Forgetful(dict[str, Any]):
    """Where nextcord would look for another limit with the same name."""

    def __setitem__(self, name: str, limit: Any) -> None:
        return


@pytest.mark.parametrize("forgetful", [False, True])
async def test_channels_have_limits_of_their_own_when_the_client_forgets_names_of_buckets(
    discord: Discord, server: Server, forgetful: bool
) -> None:
    rooms = [server.text("a"), server.text("b")]
    bot = discord.bot("token", "Camille", servers=[server])
    discord.limits.set("POST", "/channels/{channel}/messages", 2, 60)
    camille = client()
    if forgetful:
        camille.http._buckets = Forgetful()
    async with connected(bot, camille, discord):
        a, b = (camille.get_channel(room.id) for room in rooms)
        assert isinstance(a, nextcord.TextChannel)
        assert isinstance(b, nextcord.TextChannel)
        await a.send("1")
        await b.send("1")
        await b.send("2")
        sending = asyncio.create_task(a.send("2"))  # Discord would take it
        await asyncio.wait({sending}, timeout=0.5)
        assert sending.done() == forgetful
        sending.cancel()


async def test_commands_of_another_program_stay_when_they_are_to_stay(
    discord: Discord, server: Server
) -> None:
    bot = discord.bot("token", "Camille", servers=[server])
    foreign = discord.register(bot, {"name": "autre", "description": "d"})
    camille = client(rollout_delete_unknown=False)

    @camille.slash_command(name="ask", description="d", name_localizations={"fr": "demander"})  # type: ignore[untyped-decorator]
    async def ask(interaction: Asked) -> None:
        await interaction.send("x")

    async with connected(bot, camille, discord):
        await discord.until(lambda: len(bot.commands) == 2)
        assert int(foreign["id"]) in bot.commands
    second = client(rollout_delete_unknown=False)
    second.add_application_command(ask, overwrite=True)
    async with connected(bot, second, discord):
        await discord.until(lambda: bot.online)
    changes = [call for call in discord.calls_of("*", "/commands") if call.method != "GET"]
    assert [call.method for call in changes] == ["POST"]  # the second start changed nothing


async def test_a_reset_is_not_tried_again_by_the_client(discord: Discord, server: Server) -> None:
    general = server.text("général")
    bot = discord.bot("token", "Camille", servers=[server])
    async with connected(bot, client(), discord) as camille:
        channel = camille.get_channel(general.id)
        assert isinstance(channel, nextcord.TextChannel)
        discord.faults.add("POST", "/messages", reset=True, after=True)
        with pytest.raises(OSError, match="reset") as broken:
            await channel.send("x")
    assert broken.value.errno == errno.ECONNRESET
    assert [message.content for message in general.history()] == ["x"]
