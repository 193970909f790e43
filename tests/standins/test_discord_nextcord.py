"""nextcord, the client of production, takes the stand-in for Discord."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import nextcord
import pytest
from nextcord.http import Route

from tests.standins.discord import Bot, Discord, Intents, Server

Asked = nextcord.Interaction[nextcord.Client]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8) + (3).to_bytes(4) + (2).to_bytes(4)


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with Discord().serving() as serving:
        Route.BASE = serving.api
        yield serving


@contextlib.asynccontextmanager
async def connected(
    bot: Bot, client: nextcord.Client, discord: Discord
) -> AsyncIterator[nextcord.Client]:
    running = asyncio.create_task(client.start(bot.token))
    ready = asyncio.create_task(client.wait_until_ready())
    await asyncio.wait({running, ready}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        await running
    try:
        yield client
    finally:
        await client.close()
        await running


def client(**options: Any) -> nextcord.Client:
    intents = nextcord.Intents.default()
    intents.message_content = True
    return nextcord.Client(intents=intents, guild_ready_timeout=0.02, **options)


async def test_a_post_is_read_with_its_tag_and_image_and_answered_by_edits(
    discord: Discord, server: Server
) -> None:
    forum = server.forum("questions", tags=["chauffage"])
    bot = discord.bot("token", "Camille", servers=[server])
    alice, camille, seen = server.person("alice"), client(), []

    @camille.event
    async def on_message(message: nextcord.Message) -> None:
        if message.author.bot or not isinstance(message.channel, nextcord.Thread):
            return
        data = await message.attachments[0].read()
        seen.append(
            ([tag.name for tag in message.channel.applied_tags or []], message.content, data)
        )
        async with message.channel.typing():
            answer = await message.channel.send("…", reference=message)
        await answer.edit(content="Purgez-le.", embed=nextcord.Embed(title="Sources"))

    async with connected(bot, camille, discord):
        files = [("radiateur.png", PNG)]
        post = await alice.post(forum, "Froid", "Il est froid.", tags=["chauffage"], files=files)
        answer = await discord.seen(post, lambda m: "Sources" in m.shown)
    assert seen == [(["chauffage"], "Il est froid.", PNG)]
    assert answer.content == "Purgez-le."
    assert [version.content for version in answer.versions] == ["…", "Purgez-le."]
    assert answer.reference == post.id
    assert answer.pinged == {alice.id}


async def test_a_command_is_deferred_followed_up_and_edited(
    discord: Discord, server: Server
) -> None:
    general = server.text("général")
    bot = discord.bot("token", "Camille", servers=[server])
    alice, camille = server.person("alice"), client()

    @camille.slash_command(name="demander", description="Poser une question")  # type: ignore[untyped-decorator]
    async def ask(
        interaction: Asked,
        question: str = nextcord.SlashOption(description="La question"),
    ) -> None:
        await interaction.response.defer()
        await interaction.followup.send(f"Vous demandez : {question}")
        await interaction.edit_original_message(content="Voici.")

    async with connected(bot, camille, discord):
        await discord.until(lambda: bot.commands)
        asked = await alice.command(bot, "demander", general, question="Quoi ?")
        said = await discord.answer(asked)
        await discord.until(lambda: said.content == "Voici.")
    assert [version.content for version in said.versions] == [
        "",
        "Vous demandez : Quoi ?",
        "Voici.",
    ]
    assert asked.followups == []  # the follow-up took the place of the deferred message


async def test_a_button_is_clicked_and_updates_its_message(
    discord: Discord, server: Server
) -> None:
    general = server.text("général")
    bot = discord.bot("token", "Camille", servers=[server])
    alice, camille = server.person("alice"), client()

    class Verdict(nextcord.ui.View):
        @nextcord.ui.button(label="👍", custom_id="palabre:up")
        async def up(self, _: nextcord.ui.Button[Any], interaction: Asked) -> None:
            await interaction.response.send_message("Merci !", ephemeral=True)

    async with connected(bot, camille, discord):
        camille.add_view(Verdict(timeout=None))
        channel = camille.get_channel(general.id)
        assert isinstance(channel, nextcord.TextChannel)
        await channel.send("Utile ?", view=Verdict(timeout=None))
        message = await discord.seen(general, lambda m: "👍" in m.buttons)
        said = await discord.answer(await alice.click(message, "👍"))
    assert said.content == "Merci !"
    assert said.ephemeral
    assert said in alice.sees(general)
    assert said not in server.owner.sees(general)


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


async def test_what_is_too_long_is_refused(discord: Discord, server: Server) -> None:
    general = server.text("général")
    bot = discord.bot("token", "Camille", servers=[server])
    async with connected(bot, client(), discord) as camille:
        channel = camille.get_channel(general.id)
        assert isinstance(channel, nextcord.TextChannel)
        with pytest.raises(nextcord.HTTPException, match="2000 or fewer") as refused:
            await channel.send("x" * 2_001)
    assert (refused.value.status, refused.value.code) == (400, 50035)


async def test_a_dropped_session_is_resumed_and_misses_nothing(
    discord: Discord, server: Server
) -> None:
    general = server.text("général")
    bot = discord.bot("token", "Camille", servers=[server])
    alice, camille, heard = server.person("alice"), client(), []

    @camille.event
    async def on_message(message: nextcord.Message) -> None:
        heard.append(message.content)
        discord.changed()

    async with connected(bot, camille, discord):
        bot.drop()
        await alice.say(general, "Quelqu'un ?")
        await discord.until(lambda: bot.online)
        await alice.say(general, "Ah !")
        await discord.until(lambda: len(heard) == 2)
    assert heard == ["Quelqu'un ?", "Ah !"]
    assert bot.starts_left == 999  # it did not identify again


async def test_an_intent_that_is_not_allowed_is_refused(discord: Discord, server: Server) -> None:
    bot = discord.bot("token", "Camille", servers=[server], privileged=Intents(0))
    camille = client()
    with pytest.raises(nextcord.PrivilegedIntentsRequired):
        await camille.start(bot.token)
    await camille.close()


async def test_an_unknown_token_is_refused() -> None:
    async with Discord().serving() as discord:
        Route.BASE = discord.api
        stranger = client()
        with pytest.raises(nextcord.LoginFailure):
            await stranger.start("wrong")
        await stranger.close()
