"""Answering an interaction: on Discord and in memory the same promises."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from palabre.discord import client as connection
from palabre.discord.calls import Gone, Unreachable
from palabre.discord.client import Client
from palabre.discord.interactions import Interaction, MemoryReplies, Replies, Suggestion
from palabre.discord.messages import Body, Button, Message, Place
from tests.integration.discord_service import Community
from tests.standins.discord import Discord
from tests.standins.discord.interactions import Interaction as Asked

COMMAND = {
    "name": "ping",
    "description": "Un essai",
    "type": 1,
    "options": [{"name": "texte", "description": "Un texte", "type": 3, "autocomplete": True}],
}


@dataclass
class Listening:
    """Keeps what was asked, and answers nothing."""

    asked_of: "asyncio.Queue[tuple[Interaction, Replies]]"

    async def ready(self) -> None: ...

    async def said(self, message: Message) -> None: ...

    async def opened(self, post: Place) -> None: ...

    async def edited(self, channel: int, message: int) -> None: ...

    async def deleted(self, channel: int, message: int | None) -> None: ...

    async def asked(self, interaction: Interaction, replies: Replies) -> None:
        self.asked_of.put_nowait((interaction, replies))

    async def changed(self, place: Place) -> None: ...


@dataclass
class World:
    """A command that was just used; `texts` are what its asker reads."""

    replies: Replies
    again: Callable[[], Replies]
    texts: Callable[[], list[str]]


@dataclass
class Connected:
    """A client on the stand-in, which hears what Alice asks."""

    community: Community
    heard: Listening

    async def command(self) -> tuple[Asked, Interaction, Replies]:
        community = self.community
        asked = await community.alice.command(community.bot, "ping", community.general)
        return asked, *await asyncio.wait_for(self.heard.asked_of.get(), 5)


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[Connected]:
    async with Discord().serving() as discord:
        community = Community(discord)
        discord.register(community.bot, COMMAND)
        connection.point_at(discord.api)
        client = Client("default", lambda: True, reads=True)
        heard = Listening(asyncio.Queue())
        client.heard_by = heard
        running = asyncio.create_task(client.start("token"))
        await asyncio.wait_for(client.wait_until_ready(), 5)
        try:
            yield Connected(community, heard)
        finally:
            await client.close()
            await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def real() -> AsyncIterator[Connected]:
    async with connected() as found:
        yield found


@pytest.fixture(params=["memory", "nextcord"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    if request.param == "memory":
        replies = MemoryReplies()
        yield World(replies, lambda: replies, lambda: [b.content for b in replies.shown.values()])
        return
    async with connected() as found:
        asked, _, real_replies = await found.command()
        yield World(real_replies, lambda: real_replies, lambda: [m.content for m in asked.answers])


async def test_what_was_deferred_shows_just_what_was_said_last(world: World) -> None:
    assert await world.replies.defer(private=True)
    message = await world.replies.show(Body("un"))
    assert await world.replies.show(Body("deux")) == message
    assert world.texts() == ["deux"]


async def test_a_first_answer_is_given_once(world: World) -> None:
    assert await world.replies.defer(private=True)
    assert not await world.again().defer(private=True)


async def test_further_messages_are_changed_and_taken_down(world: World) -> None:
    await world.replies.defer(private=False)
    await world.replies.show(Body("un"))
    second = await world.replies.add(Body("deux"), private=False)
    third = await world.replies.add(Body("trois"), private=False)
    await world.replies.edit(third, Body("3"))
    assert world.texts() == ["un", "deux", "3"]
    await world.replies.delete(second)
    await world.replies.delete(second)
    with pytest.raises(Gone):
        await world.replies.edit(second, Body("2"))


async def test_what_was_withdrawn_gives_way_to_what_is_added(world: World) -> None:
    await world.replies.defer(private=False)
    await world.replies.withdraw()
    await world.replies.withdraw()
    await world.replies.add(Body("un"), private=True)
    assert world.texts() == ["un"]


async def test_nothing_is_shown_before_the_first_answer(world: World) -> None:
    with pytest.raises(Gone):
        await world.replies.show(Body("un"))


async def test_a_person_is_known_with_what_they_may_there(real: Connected) -> None:
    _, interaction, _ = await real.command()
    alice = real.community.alice.user
    assert (interaction.kind, interaction.name) == ("command", "ping")
    assert (interaction.person.id, interaction.person.manages_server) == (alice.id, False)
    assert interaction.server == real.community.server.id
    assert interaction.person.roles == (real.community.server.id,)
    await real.community.server.owner.command(
        real.community.bot, "ping", real.community.general, texte="bonjour"
    )
    owners, _ = await real.heard.asked_of.get()
    assert (owners.person.manages_server, owners.person.manages_messages) == (True, True)
    assert owners.values == {"texte": "bonjour"}


async def test_a_completion_knows_what_is_being_typed(real: Connected) -> None:
    community = real.community
    asked = await community.alice.complete(
        community.bot, "ping", community.general, focused="texte", texte="bon"
    )
    interaction, replies = await real.heard.asked_of.get()
    assert (interaction.kind, interaction.focused) == ("completion", "texte")
    assert interaction.values == {"texte": "bon"}
    assert await replies.complete([Suggestion("Bonjour", "bonjour")])
    assert asked.choices == [{"name": "Bonjour", "value": "bonjour"}]


async def test_a_button_changes_its_message_and_knows_it(real: Connected) -> None:
    asked, _, replies = await real.command()
    await replies.defer(private=True)
    shown = await replies.show(Body("Sûr ?", buttons=(Button("c:forget:yes", "Oui"),)))
    await real.community.alice.click(asked.answers[0], "Oui")
    pressed, answering = await real.heard.asked_of.get()
    assert (pressed.kind, pressed.name, pressed.message) == ("button", "c:forget:yes", shown)
    assert await answering.update(Body("C’est fait."))
    assert (asked.answers[0].content, asked.answers[0].buttons) == ("C’est fait.", {})


async def test_files_are_shown_privately(real: Connected) -> None:
    asked, _, replies = await real.command()
    await replies.defer(private=True)
    await replies.show(Body("Voici.", files=(("a.json", b"{}"), ("a.md", b"# A"))))
    [message] = asked.answers
    assert message.ephemeral
    assert [(f.filename, f.data) for f in message.attachments] == [
        ("a.json", b"{}"),
        ("a.md", b"# A"),
    ]


async def test_an_answer_that_was_lost_on_its_way_is_ours_all_the_same(real: Connected) -> None:
    _, _, replies = await real.command()
    real.community.discord.faults.add("POST", "/callback", reset=True, after=True)
    assert await replies.defer(private=True)


async def test_who_comes_too_late_is_told_so(real: Connected) -> None:
    _, _, replies = await real.command()
    real.community.discord.clock.advance(3.5)
    with pytest.raises(Gone):
        await replies.defer(private=True)


async def test_a_first_answer_is_not_tried_for_ever(real: Connected) -> None:
    _, _, replies = await real.command()
    real.community.discord.faults.add("POST", "/callback", reset=True, times=100)
    with pytest.raises(Unreachable):
        await replies.defer(private=True)
