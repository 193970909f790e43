"""hikari, which reads every payload strictly, takes the stand-in for Discord too.

Only what it shares with nextcord can be fitted to either.
"""

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator

import hikari
import pytest
from hikari import snowflakes
from hikari.impl import special_endpoints as build

from tests.standins.discord import Bot, Discord, Intents, Permissions, Server
from tests.standins.discord_client import PNG

TOKEN = f"{base64.b64encode(b'1234567890').decode()}.x.y"  # hikari reads an id in it
ALL = hikari.Intents.ALL


@pytest.fixture
async def discord(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Discord]:
    """What hikari cannot read of an event it only logs."""
    async with Discord().serving() as serving:
        yield serving
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.fixture
def bot(discord: Discord, server: Server) -> Bot:
    return discord.bot(TOKEN, "Camille", servers=[server])


@contextlib.asynccontextmanager
async def connected(
    discord: Discord, intents: hikari.Intents = ALL
) -> AsyncIterator[hikari.GatewayBot]:
    client = hikari.GatewayBot(
        TOKEN,
        banner=None,
        logs=None,
        rest_url=discord.api,
        intents=intents,
        auto_chunk_members=False,
        suppress_optimization_warning=True,
        max_rate_limit=1.0,
    )
    try:
        await client.start(check_for_updates=False)
        yield client
    finally:
        await client.close()


async def next_event[E: hikari.Event](client: hikari.GatewayBot, kind: type[E]) -> E:
    return await client.wait_for(kind, timeout=5)


async def test_it_logs_in_and_knows_the_server(discord: Discord, server: Server, bot: Bot) -> None:
    forum = server.forum("questions", tags=["chauffage"])
    private = server.category("modération")
    server.deny(private, server.everyone, Permissions.VIEW_CHANNEL)
    alice = server.person("alice")
    post = await alice.post(forum, "Froid", "Il est froid.", tags=["chauffage"])
    async with connected(discord) as client:
        await discord.until(lambda: bot.online)
        await discord.until(lambda: client.cache.get_guild(server.id))
        guild = client.cache.get_guild(server.id)
        assert guild
        assert {channel.name for channel in guild.get_channels().values()} == {
            "questions",
            "modération",
        }
        seen = guild.get_channel(forum.id)
        assert isinstance(seen, hikari.GuildForumChannel)
        assert [tag.name for tag in seen.available_tags] == ["chauffage"]
        thread = client.cache.get_thread(post.id)
        assert isinstance(thread, hikari.GuildPublicThread)
        assert thread.applied_tag_ids == [forum.tags[0].id]
        me = client.get_me()
        assert me
        assert me.id == bot.id


async def test_it_reads_a_post_answers_and_edits(
    discord: Discord, server: Server, bot: Bot
) -> None:
    forum = server.forum("questions", tags=["chauffage"])
    alice = server.person("alice")
    async with connected(discord) as client:
        thread_event = asyncio.create_task(next_event(client, hikari.GuildThreadCreateEvent))
        message_event = asyncio.create_task(next_event(client, hikari.GuildMessageCreateEvent))
        await asyncio.sleep(0)
        post = await alice.post(forum, "Froid", "Il est froid.", files=[("a.png", PNG)])
        thread, event = (await thread_event).thread, await message_event
        assert (thread.id, thread.name) == (post.id, "Froid")
        assert event.message.id == event.channel_id == post.id
        assert event.member
        image = event.message.attachments[0]
        assert (image.width, image.height, await image.read()) == (3, 2, PNG)
        answer = await client.rest.create_message(post.id, "…", reply=event.message, nonce="n1")
        assert answer.referenced_message
        assert answer.nonce == "n1"
        embed = hikari.Embed(title="Sources", description="[1]").add_field("a", "b")
        row = client.rest.build_message_action_row()
        row.add_interactive_button(hikari.ButtonStyle.SECONDARY, "up", label="👍")
        row.add_link_button("https://example.org", label="[1]")
        edited = await client.rest.edit_message(post.id, answer, "Fin", embed=embed, component=row)
        assert edited.embeds[0].fields[0].name == "a"
        assert edited.edited_timestamp
        buttons = edited.components[0]
        assert isinstance(buttons, hikari.ActionRowComponent)
        assert len(buttons.components) == 2
    assert [each.content for each in post.history()] == ["Il est froid.", "Fin"]


async def test_it_registers_a_command_of_all_options_and_answers_it(
    discord: Discord, server: Server, bot: Bot
) -> None:
    general = server.text("général")
    alice, role = server.person("alice"), server.role("modération")
    kinds = [
        hikari.OptionType.STRING,
        hikari.OptionType.INTEGER,
        hikari.OptionType.FLOAT,
        hikari.OptionType.BOOLEAN,
        hikari.OptionType.USER,
        hikari.OptionType.CHANNEL,
        hikari.OptionType.ROLE,
        hikari.OptionType.MENTIONABLE,
        hikari.OptionType.ATTACHMENT,
    ]
    options = [
        hikari.CommandOption(type=kind, name=kind.name.lower(), description="d") for kind in kinds
    ]
    sub = hikari.CommandOption(
        type=hikari.OptionType.SUB_COMMAND, name="tout", description="d", options=options
    )
    async with connected(discord) as client:
        command = build.SlashCommandBuilder("essai", "Un essai").add_option(sub)
        made = await client.rest.set_application_commands(bot.application_id, [command])
        assert made[0].name == "essai"
        assert await client.rest.fetch_application_commands(bot.application_id) == made
        waiting = asyncio.create_task(next_event(client, hikari.InteractionCreateEvent))
        await asyncio.sleep(0)
        asked = await alice.command(
            bot, "essai tout", general,
            string="Quoi ?", integer=3, float=1.5, boolean=True, user=alice, channel=general,
            role=role, mentionable=role, attachment=alice.file("a.png", PNG),
        )  # fmt: skip
        seen = (await waiting).interaction
        assert isinstance(seen, hikari.CommandInteraction)
        values = {each.name: each.value for each in (seen.options or [])[0].options or []}
        assert values["string"] == "Quoi ?"
        assert values["user"] == alice.id
        assert values["boolean"] is True
        resolved = seen.resolved
        assert resolved
        assert [*resolved.members] == [alice.id]
        assert [*resolved.roles] == [role.id]
        assert next(iter(resolved.attachments.values())).filename == "a.png"
        await seen.create_initial_response(
            hikari.ResponseType.DEFERRED_MESSAGE_CREATE, flags=hikari.MessageFlag.EPHEMERAL
        )
        await seen.edit_initial_response("Voici.")
        more = await seen.execute("Et encore.")
        assert (await seen.fetch_initial_response()).content == "Voici."
        assert more.interaction_metadata
        await seen.delete_message(more)
    assert [message.content for message in asked.answers] == ["Voici."]
    assert [message.content for message in alice.sees(general)] == ["Voici."]


async def test_it_completes_an_option_and_reads_a_form(
    discord: Discord, server: Server, bot: Bot
) -> None:
    general, alice = server.text("général"), server.person("alice")
    discord.register(bot, {
        "name": "persona", "description": "d",
        "options": [{"type": 3, "name": "nom", "description": "d", "autocomplete": True}],
    })  # fmt: skip
    async with connected(discord) as client:

        @client.listen()
        async def answer(event: hikari.InteractionCreateEvent) -> None:
            seen = event.interaction
            if isinstance(seen, hikari.AutocompleteInteraction):
                assert seen.options[0].is_focused
                await seen.create_response([build.AutocompleteChoiceBuilder("Camille", "camille")])
            elif isinstance(seen, hikari.CommandInteraction):
                row = build.ModalActionRowBuilder().add_text_input("why", "Pourquoi ?")
                await seen.create_modal_response("Avis", "form", component=row)
            elif isinstance(seen, hikari.ModalInteraction):
                text = seen.components[0].components[0]
                await seen.create_initial_response(
                    hikari.ResponseType.MESSAGE_CREATE, f"Reçu : {text.value}"
                )

        typed = await alice.complete(bot, "persona", general, focused="nom", nom="cam")
        choices = await discord.until(lambda: typed.choices)
        asked = await alice.command(bot, "persona", general, nom="camille")
        await discord.until(lambda: asked.modal)
        said = await discord.answer(await alice.fill_in(asked, why="Parce que"))
    assert choices == [{"name": "Camille", "value": "camille"}]
    assert said.content == "Reçu : Parce que"


async def test_it_is_told_of_a_click_and_updates_the_message(
    discord: Discord, server: Server, bot: Bot
) -> None:
    general, alice = server.text("général"), server.person("alice")
    async with connected(discord) as client:

        @client.listen()
        async def clicked(event: hikari.InteractionCreateEvent) -> None:
            assert isinstance(event.interaction, hikari.ComponentInteraction)
            await event.interaction.create_initial_response(
                hikari.ResponseType.MESSAGE_UPDATE, "Merci !", components=[]
            )

        row = client.rest.build_message_action_row()
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "up", emoji="👍")
        sent = await client.rest.create_message(general.id, "Utile ?", component=row)
        message = general.messages[sent.id]
        asked = await alice.click(message, "👍")
        await discord.until(lambda: message.content == "Merci !")
    assert asked.answers == [message]
    assert message.buttons == {}


async def test_it_is_told_what_becomes_of_messages_and_threads(
    discord: Discord, server: Server, bot: Bot
) -> None:
    forum = server.forum("questions", tags=["résolu"])
    general, alice = server.text("général"), server.person("alice")
    heard: list[str] = []
    async with connected(discord) as client:

        @client.listen()
        async def hear(event: hikari.Event) -> None:
            heard.append(type(event).__name__)
            discord.changed()

        post = await alice.post(forum, "Froid", "Il est froid.")
        message = await alice.say(general, "Bonjour")
        await alice.edit(message, "Bonsoir")
        await alice.react(message, "👍")
        await alice.react(message, "👍", add=False)
        await alice.delete(message)
        await alice.tag(post, "résolu")
        await server.owner.change(post, archived=True, locked=True)
        await server.owner.remove(post)
        await alice.direct(bot, "Et en privé ?")
        late = server.person("bob")
        server.set_roles(late, server.role("aide"))
        server.leave(late)
        expected = {
            "GuildThreadCreateEvent", "GuildMessageCreateEvent", "GuildMessageUpdateEvent",
            "GuildReactionAddEvent", "GuildReactionDeleteEvent", "GuildMessageDeleteEvent",
            "GuildThreadUpdateEvent", "GuildThreadDeleteEvent", "DMMessageCreateEvent",
            "MemberCreateEvent", "MemberUpdateEvent", "MemberDeleteEvent", "RoleCreateEvent",
        }  # fmt: skip
        await discord.until(lambda: expected <= {*heard})
    assert heard.count("GuildThreadUpdateEvent") == 2


async def test_it_reads_what_it_can_fetch(discord: Discord, server: Server, bot: Bot) -> None:
    forum, general = server.forum("questions"), server.text("général")
    alice = server.person("alice")
    said = [alice.said(general, f"{n}") for n in range(5)]
    post = await alice.post(forum, "Froid", "Il est froid.")
    async with connected(discord) as client:
        rest = client.rest
        history = await rest.fetch_messages(general.id)
        assert [message.id for message in history] == [each.id for each in reversed(said)]
        assert (await rest.fetch_message(general.id, said[0].id)).content == "0"
        assert isinstance(await rest.fetch_channel(forum.id), hikari.GuildForumChannel)
        assert isinstance(await rest.fetch_channel(post.id), hikari.GuildPublicThread)
        assert [each.id for each in await rest.fetch_active_threads(server.id)] == [post.id]
        await server.owner.change(post, archived=True)
        archived = [each async for each in rest.fetch_public_archived_threads(forum.id)]
        assert [each.id for each in archived] == [post.id]
        assert (await rest.fetch_member(server.id, alice.id)).username == "alice"
        assert (await rest.fetch_user(alice.id)).global_name == "alice"
        assert (await rest.fetch_guild(server.id)).name == "Locataires"
        assert len(await rest.fetch_guild_channels(server.id)) == 2
        assert len(await rest.fetch_roles(server.id)) == 1
        assert (await rest.fetch_application()).id == bot.application_id
        assert (await rest.fetch_gateway_bot_info()).session_start_limit.total == 1_000
        assert (await rest.create_dm_channel(alice.id)).recipient.id == alice.id
        thread = await rest.create_message_thread(general.id, said[1].id, "Suite")
        assert (thread.id, thread.name) == (said[1].id, "Suite")
        own = await rest.create_forum_post(forum.id, "Annonce", "Bonjour")
        assert discord.channels[own.id].messages[own.id].content == "Bonjour"
        await rest.add_reaction(general.id, said[0].id, "👍")
        assert (await rest.fetch_message(general.id, said[0].id)).reactions[0].count == 1
        await rest.trigger_typing(general.id)


async def test_it_is_limited_and_waits(discord: Discord, server: Server, bot: Bot) -> None:
    general = server.text("général")
    discord.limits.set("POST", "/channels/{channel}/messages", 2, 0.2)
    async with connected(discord) as client:
        for number in range(5):
            await client.rest.create_message(general.id, str(number))
    sent = [call for call in discord.calls_of("POST", "/messages") if call.status == 200]
    assert len(sent) == 5
    assert sent[-1].at - sent[0].at >= 0.2


async def test_it_reads_refusals(discord: Discord, server: Server, bot: Bot) -> None:
    general = server.text("général")
    async with connected(discord) as client:
        with pytest.raises(hikari.BadRequestError, match="2000 or fewer") as refused:
            await client.rest.create_message(general.id, "x" * 2_001)
        assert refused.value.code == 50035
        server.deny(general, server.everyone, Permissions.SEND_MESSAGES)
        with pytest.raises(hikari.ForbiddenError, match="Missing Permissions"):
            await client.rest.create_message(general.id, "x")
        with pytest.raises(hikari.NotFoundError, match="Unknown Message"):
            await client.rest.fetch_message(general.id, snowflakes.Snowflake(1))


async def test_it_resumes_and_misses_nothing(discord: Discord, server: Server, bot: Bot) -> None:
    general, alice = server.text("général"), server.person("alice")
    async with connected(discord) as client:
        heard: list[str | None] = []

        @client.listen()
        async def hear(event: hikari.GuildMessageCreateEvent) -> None:
            heard.append(event.content)
            discord.changed()

        bot.ask_to_reconnect()
        await discord.until(lambda: not bot.online)
        await alice.say(general, "Quelqu'un ?")
        await discord.until(lambda: bot.online)
        await discord.until(lambda: heard)
    assert heard == ["Quelqu'un ?"]
    assert bot.starts_left == 999


async def test_it_reads_messages_without_their_content(
    discord: Discord, server: Server, bot: Bot
) -> None:
    general, alice = server.text("général"), server.person("alice")
    intents = hikari.Intents.ALL_UNPRIVILEGED
    async with connected(discord, intents) as client:
        waiting = asyncio.create_task(next_event(client, hikari.GuildMessageCreateEvent))
        await asyncio.sleep(0)
        await alice.say(general, "Secret", files=[("a.png", PNG)])
        event = await waiting
        assert (event.content, list(event.message.attachments)) == (None, [])
        waiting = asyncio.create_task(next_event(client, hikari.GuildMessageCreateEvent))
        await asyncio.sleep(0)
        await alice.say(general, f"{bot.user.mention} bonjour")
        assert (await waiting).content == f"{bot.user.mention} bonjour"


async def test_its_members_come_in_chunks(discord: Discord, server: Server, bot: Bot) -> None:
    alice = server.person("alice")
    async with connected(discord) as client:
        waiting = asyncio.create_task(next_event(client, hikari.MemberChunkEvent))
        await asyncio.sleep(0)
        await client.request_guild_members(server.id)
        chunk = await waiting
        assert {server.owner.id, alice.id, bot.id} == {*chunk.members}


async def test_an_intent_that_is_not_allowed_is_refused(discord: Discord, server: Server) -> None:
    discord.bot(TOKEN, "Camille", servers=[server], privileged=Intents(0))
    with pytest.raises(hikari.GatewayServerClosedConnectionError) as closed:
        async with connected(discord):
            pass
    assert closed.value.code == 4014
