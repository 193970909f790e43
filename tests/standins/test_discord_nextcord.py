"""nextcord, the client of production, takes the stand-in for Discord."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import nextcord
import pytest
from nextcord.http import Route

from tests.standins.discord import Discord, Intents, Permissions, Server
from tests.standins.discord_client import PNG, Asked, client, connected


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    async with Discord().serving() as serving:
        Route.BASE = serving.api
        yield serving


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


async def test_two_bots_of_one_process_hear_the_same_and_answer_for_themselves(
    discord: Discord, server: Server
) -> None:
    general, alice = server.text("général"), server.person("alice")
    names = ("Camille", "Sacha")
    bots = [discord.bot(name, name, servers=[server]) for name in names]
    clients = [client() for _ in names]

    def answer_with(camille: nextcord.Client) -> None:
        @camille.event
        async def on_message(message: nextcord.Message) -> None:
            if not message.author.bot:
                await message.channel.send(f"Je suis {camille.user and camille.user.name}.")

    for each in clients:
        answer_with(each)
    async with connected(bots[0], clients[0], discord), connected(bots[1], clients[1], discord):
        await alice.say(general, "Qui est là ?")
        await discord.until(lambda: len(general.messages) == 3)
    assert {message.content for message in general.history()[1:]} == {
        "Je suis camille.",
        "Je suis sacha.",
    }


async def test_refusals_are_read_as_what_they_are(discord: Discord, server: Server) -> None:
    general, alice = server.text("général"), server.person("alice")
    bot = discord.bot("token", "Camille", servers=[server])
    post = await alice.post(server.forum("questions"), "Froid", starter="missing")
    async with connected(bot, client(), discord) as camille:
        channel, thread = camille.get_channel(general.id), camille.get_channel(post.id)
        assert isinstance(channel, nextcord.TextChannel)
        assert isinstance(thread, nextcord.Thread)
        with pytest.raises(nextcord.Forbidden, match="40058"):
            await thread.send("Trop tôt")
        with pytest.raises(nextcord.NotFound):
            await thread.fetch_message(thread.id)
        server.deny(general, server.everyone, Permissions.SEND_MESSAGES)
        with pytest.raises(nextcord.Forbidden, match="50013"):
            await channel.send("x")
        with pytest.raises(nextcord.Forbidden, match="50013"):
            await thread.edit(locked=True)


async def test_an_answer_after_three_seconds_is_too_late(discord: Discord, server: Server) -> None:
    general, alice = server.text("général"), server.person("alice")
    bot = discord.bot("token", "Camille", servers=[server])
    camille, refused = client(), []

    @camille.slash_command(name="ping", description="d")  # type: ignore[untyped-decorator]
    async def ping(interaction: Asked) -> None:
        discord.clock.advance(4)
        try:
            await interaction.response.defer()
        except nextcord.NotFound as late:
            refused.append(late.code)
            discord.changed()

    async with connected(bot, camille, discord):
        await discord.until(lambda: bot.commands)
        asked = await alice.command(bot, "ping", general)
        await discord.until(lambda: refused)
    assert refused == [10062]
    assert asked.failed


async def test_a_form_a_menu_and_a_completion_work(discord: Discord, server: Server) -> None:
    general, alice = server.text("général"), server.person("alice")
    bot = discord.bot("token", "Camille", servers=[server])
    camille = client()

    class Why(nextcord.ui.Modal):
        def __init__(self) -> None:
            super().__init__("Avis", custom_id="why")
            self.text: Any = nextcord.ui.TextInput("Pourquoi ?", custom_id="text")
            self.add_item(self.text)

        async def callback(self, interaction: Asked) -> None:
            await interaction.send(f"Reçu : {self.text.value}", ephemeral=True)

    class Menu(nextcord.ui.View):
        @nextcord.ui.select(
            custom_id="who", options=[nextcord.SelectOption(label="Sacha", value="sacha")]
        )
        async def who(self, menu: nextcord.ui.StringSelect[Any], interaction: Asked) -> None:
            await interaction.response.edit_message(content=menu.values[0], view=None)

    @camille.slash_command(name="persona", description="d")  # type: ignore[untyped-decorator]
    async def persona(interaction: Asked, name: str = nextcord.SlashOption(required=False)) -> None:
        if name:
            await interaction.response.send_modal(Why())
        else:
            await interaction.send("Qui ?", view=Menu(timeout=None))

    @persona.on_autocomplete("name")  # type: ignore[untyped-decorator]
    async def names(interaction: Asked, typed: str) -> list[str]:
        return [name for name in ("camille", "sacha") if name.startswith(typed)]

    async with connected(bot, camille, discord):
        await discord.until(lambda: bot.commands)
        typed = await alice.complete(bot, "persona", general, focused="name", name="sa")
        choices = await discord.until(lambda: typed.choices)
        menu = await discord.answer(await alice.command(bot, "persona", general))
        await alice.choose(menu, "who", "sacha")
        await discord.until(lambda: menu.content == "sacha")
        form = await alice.command(bot, "persona", general, name="camille")
        await discord.until(lambda: form.modal)
        said = await discord.answer(await alice.fill_in(form, text="Parce que"))
    assert choices == [{"name": "sacha", "value": "sacha"}]
    assert (said.content, said.ephemeral) == ("Reçu : Parce que", True)


async def test_threads_and_direct_messages_are_reached(discord: Discord, server: Server) -> None:
    forum, general, alice = server.forum("questions"), server.text("général"), server.person("a")
    bot = discord.bot("token", "Camille", servers=[server])
    old = await alice.post(forum, "Ancien", "x")
    await server.owner.change(old, archived=True)
    private = await alice.open_thread(general, "Entre nous", private=True)
    async with connected(bot, client(), discord) as camille:
        channel = camille.get_channel(forum.id)
        assert isinstance(channel, nextcord.ForumChannel)
        assert [thread.name async for thread in channel.archived_threads()] == ["Ancien"]
        assert camille.get_channel(private.id) is None
        joining = asyncio.create_task(camille.wait_for("thread_join", timeout=5))
        await asyncio.sleep(0)
        await alice.add(private, bot)
        assert (await joining).name == "Entre nous"
        user = await camille.fetch_user(alice.id)
        sent = await user.send("Bonjour")
        assert [message.content for message in alice.sees(discord.channels[sent.channel.id])] == [
            "Bonjour"
        ]
