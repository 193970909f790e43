"""The port to Discord: the same promises from the real one and the fake."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from palabre.chassis.testing import until
from palabre.discord import client as connection
from palabre.discord.calls import Gone, Invalid, Refused
from palabre.discord.client import Client
from palabre.discord.interactions import Interaction, Replies
from palabre.discord.messages import Body, Button, Embed, Field, Message, Person, Place
from palabre.discord.sending import Discord as Port, NextcordDiscord, nonce
from palabre.discord.testing import MemoryDiscord
from tests.integration.discord_service import Community
from tests.standins.discord import Discord, Permissions


class Deaf:
    """Hears nothing."""

    async def ready(self) -> None: ...

    async def said(self, message: Message) -> None: ...

    async def opened(self, post: Place) -> None: ...

    async def edited(self, channel: int, message: int) -> None: ...

    async def deleted(self, channel: int, message: int | None) -> None: ...

    async def asked(self, interaction: Interaction, replies: Replies) -> None: ...

    async def changed(self, place: Place) -> None: ...


@dataclass
class World:
    """A post with one question, and what tests change about it."""

    port: Port
    post: int
    question: int
    say: Callable[[str], Awaitable[int]]
    forbid: Callable[[], None]


@contextlib.asynccontextmanager
async def logged_in(discord: Discord, *, reads: bool = True) -> AsyncIterator[Client]:
    connection.point_at(discord.api)
    client = Client("default", lambda: True, reads=reads)
    client.heard_by = Deaf()
    connecting = asyncio.create_task(client.start("token"))
    try:
        await asyncio.wait_for(client.wait_until_ready(), 5)
        yield client
    finally:
        await client.close()
        await connecting


@contextlib.asynccontextmanager
async def real() -> AsyncIterator[World]:
    async with Discord().serving() as discord:
        community = Community(discord)
        async with logged_in(discord) as client:
            manage = Permissions.MANAGE_THREADS
            community.server.allow(community.forum, community.bot, manage)
            post = await community.alice.post(community.forum, "Loyer", "Quand ?")
            await until(lambda: client.get_channel(post.id) is not None)

            async def say(text: str) -> int:
                return (await community.alice.say(post, text)).id

            def forbid() -> None:
                denied = Permissions.SEND_MESSAGES_IN_THREADS
                community.server.deny(community.forum, community.server.everyone, denied)

            yield World(NextcordDiscord(client), post.id, post.id, say, forbid)


@contextlib.asynccontextmanager
async def fake() -> AsyncIterator[World]:
    memory, place = MemoryDiscord(), Place("post", 7, server=1, parent=2, name="Loyer", owner=9)
    alice = Person(9, "alice")
    first = memory.say(place, alice, "Quand ?")

    async def say(text: str) -> int:
        return memory.say(place, alice, text).id

    def forbid() -> None:
        memory.missing[7] = ("send_messages_in_threads",)

    yield World(memory, 7, first.id, say, forbid)


@pytest.fixture(params=[real, fake], ids=["nextcord", "memory"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with request.param() as made:
        yield made


async def test_direct_messages_with_somebody_are_one_channel() -> None:
    async with Discord().serving() as discord:
        community = Community(discord)
        async with logged_in(discord) as client:
            port = NextcordDiscord(client)
            channels = {await port.direct(community.alice.id) for _ in range(2)}
        assert channels == {discord.direct(community.bot, community.alice.user).id}


async def history(world: World) -> list[Message]:
    return await world.port.history(world.post)


async def test_a_message_is_made_once_however_often_it_is_sent(world: World) -> None:
    key = nonce("default", world.question, "0")
    made = {
        await world.port.send(world.post, Body("…"), nonce=key, reply_to=world.question)
        for _ in range(3)
    }
    said = await history(world)
    assert len(made) == 1
    assert [(m.id in made, m.replies_to) for m in said] == [(False, None), (True, world.question)]
    assert said[1].author.id == world.port.user


async def test_messages_in_two_places_of_an_answer_are_two(world: World) -> None:
    keys = [nonce("default", world.question, place) for place in ("0", "1")]
    made = [await world.port.send(world.post, Body("…"), nonce=key) for key in keys]
    assert made == sorted(set(made))


async def test_an_edit_shows_just_what_it_says(world: World) -> None:
    made = await world.port.send(world.post, Body("…"), nonce="n")
    await world.port.edit(world.post, made, Body("Le cinq."))
    await world.port.edit(world.post, made, Body("Le cinq."))
    assert (await world.port.message(world.post, made)).text == "Le cinq."


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(world: World) -> None:
    made = await world.port.send(world.post, Body("…"), nonce="n")
    await world.port.delete(world.post, made)
    await world.port.delete(world.post, made)
    with pytest.raises(Gone):
        await world.port.edit(world.post, made, Body("trop tard"))
    with pytest.raises(Gone):
        await world.port.message(world.post, made)


async def test_a_place_that_is_gone_is_gone(world: World) -> None:
    for call in (world.port.place(404), world.port.send(404, Body("…"), nonce="n")):
        with pytest.raises(Gone):
            await call


async def test_history_comes_oldest_first_from_either_side(world: World) -> None:
    said = [world.question, *[await world.say(f"message {n}") for n in range(6)]]

    async def read(**options: Any) -> list[int]:
        return [m.id for m in await world.port.history(world.post, **options)]

    assert await read() == said
    assert await read(limit=2) == said[-2:]
    assert await read(before=said[4], limit=2) == said[2:4]
    assert await read(after=said[1], limit=2) == said[2:4]


async def test_a_missing_permission_is_named(world: World) -> None:
    world.forbid()
    await asyncio.sleep(0.05)
    assert world.port.lacking(world.post) == ("send_messages_in_threads",)
    with pytest.raises(Refused) as refused:
        await world.port.send(world.post, Body("…"), nonce="n")
    assert refused.value.permissions == ("send_messages_in_threads",)


async def test_a_place_is_known_with_what_belongs_to_it(world: World) -> None:
    place = await world.port.place(world.post)
    assert (place.kind, place.channel, place.name) == ("post", world.post, "Loyer")
    question = await world.port.message(world.post, world.question)
    assert question.is_starter
    assert question.place.owner == question.author.id
    assert question.text == "Quand ?"


async def test_a_tag_is_put_once_and_taken_off_again(world: World) -> None:
    await world.port.tag(world.post, "résolu", on=False)
    for on, tags in ((True, ("Résolu",)), (True, ("Résolu",)), (False, ())):
        await world.port.tag(world.post, "Résolu", on=on)
        place = await world.port.place(world.post, fresh=True)
        assert [tag.casefold() for tag in place.tags] == [tag.casefold() for tag in tags]
        assert place.name == "Loyer"


async def test_archived_posts_are_listed_the_last_one_first(
    discord: Discord, community: Community
) -> None:
    posts = [
        await community.alice.post(community.forum, f"Loyer {n}", "Quand ?", tags=["résolu"])
        for n in range(103)
    ]
    for post in posts:
        discord.clock.advance(1)
        await community.server.owner.change(post, archived=True)
    async with logged_in(discord) as client:
        found = await NextcordDiscord(client).archived(community.forum.id, 102)
    assert [place.channel for place in found] == [post.id for post in reversed(posts)][:102]
    assert found[0].tags == ("résolu",)


async def test_every_message_carries_its_nonce_and_has_discord_enforce_it(
    discord: Discord, community: Community
) -> None:
    async with logged_in(discord) as client:
        await NextcordDiscord(client).send(community.general.id, Body("Bonjour"), nonce="n")
    (sent,) = discord.calls_of("POST", "/messages")
    assert sent.body["nonce"] == "n"
    assert sent.body["enforce_nonce"] is True
    assert sent.body["allowed_mentions"] == {"parse": [], "replied_user": False}


async def test_nobody_is_ever_pinged(discord: Discord, community: Community) -> None:
    everybody = f"@everyone @here {community.alice.mention} {community.server.everyone.mention}"
    question = await community.alice.say(community.general, "Quand ?")
    async with logged_in(discord) as client:
        port = NextcordDiscord(client)
        made = await port.send(
            community.general.id, Body(everybody), nonce="n", reply_to=question.id
        )
        await port.edit(community.general.id, made, Body(everybody + "!"))
    assert community.general.messages[made].pinged == set()


async def test_embeds_buttons_and_files_are_shown(discord: Discord, community: Community) -> None:
    embed = Embed("Guide", "Sources", 0x2F6F5E, "0,0012 €", (Field("Délai", "2 mois"),))
    buttons = tuple(Button(f"p:{n}", f"bouton {n}") for n in range(6))
    body = Body("Voici.", (embed,), buttons, (("reponse.md", "# Réponse".encode()),))
    async with logged_in(discord) as client:
        made = await NextcordDiscord(client).send(community.general.id, body, nonce="n")
    message = community.general.messages[made]
    for shown in ("Voici.", "Guide", "Sources", "0,0012 €", "Délai", "2 mois", "reponse.md"):
        assert shown in message.shown
    assert list(message.buttons) == [f"bouton {n}" for n in range(6)]
    assert message.attachments[0].data == "# Réponse".encode()


async def test_what_discord_does_not_take_is_said(discord: Discord, community: Community) -> None:
    async with logged_in(discord) as client:
        with pytest.raises(Invalid, match="2000"):
            await NextcordDiscord(client).send(community.general.id, Body("x" * 2001), nonce="n")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 503}])
async def test_a_call_that_fails_before_or_after_its_effect_makes_one_message(
    discord: Discord, community: Community, fault: dict[str, Any], after: bool
) -> None:
    discord.faults.add("POST", "/messages", after=after, times=2, **fault)
    async with logged_in(discord) as client:
        made = await NextcordDiscord(client).send(community.general.id, Body("…"), nonce="n")
    assert list(community.general.messages) == [made]


async def test_a_rate_limit_is_waited_for(discord: Discord, community: Community) -> None:
    discord.faults.add("POST", "/messages", status=429, retry_after=0.2)
    async with logged_in(discord) as client:
        made = await NextcordDiscord(client).send(community.general.id, Body("…"), nonce="n")
    assert list(community.general.messages) == [made]


async def test_a_busy_channel_does_not_slow_the_others(
    discord: Discord, community: Community
) -> None:
    discord.limits.set("PATCH", "/channels/{channel}/messages/{message}", 2, 30.0)
    other = community.server.text("autre")
    async with logged_in(discord) as client:
        port = NextcordDiscord(client)
        busy = await port.send(community.general.id, Body("…"), nonce="n")
        calm = await port.send(other.id, Body("…"), nonce="n")
        for text in ("un", "deux"):
            await port.edit(community.general.id, busy, Body(text))
        async with asyncio.timeout(5):
            await port.edit(other.id, calm, Body("un"))
    assert not [call for call in discord.calls if call.status == 429]


async def test_an_answer_in_an_archived_post_is_edited(
    discord: Discord, community: Community
) -> None:
    post = await community.alice.post(community.forum, "Loyer", "Quand ?")
    async with logged_in(discord) as client:
        port = NextcordDiscord(client)
        made = await port.send(post.id, Body("…"), nonce="n")
        await community.alice.change(post, archived=True)
        await port.edit(post.id, made, Body("Le cinq."))
    assert post.messages[made].content == "Le cinq."


async def test_a_locked_post_is_refused_without_a_permission_to_name(
    discord: Discord, community: Community
) -> None:
    post = await community.alice.post(community.forum, "Loyer", "Quand ?")
    await community.server.owner.change(post, archived=True, locked=True)
    async with logged_in(discord) as client:
        with pytest.raises(Refused):
            await NextcordDiscord(client).send(post.id, Body("…"), nonce="n")


async def test_nothing_is_sent_once_the_lease_is_not_sure(
    discord: Discord, community: Community
) -> None:
    connection.point_at(discord.api)
    ours = True
    client = Client("default", lambda: ours, reads=True)
    client.heard_by = Deaf()
    connecting = asyncio.create_task(client.start("token"))
    await asyncio.wait_for(client.wait_until_ready(), 5)
    ours = False
    sending = asyncio.create_task(
        NextcordDiscord(client).send(community.general.id, Body("…"), nonce="n")
    )
    await asyncio.sleep(0.5)
    assert not sending.done()
    assert not discord.calls_of("POST", "/messages")
    sending.cancel()
    await client.close()
    await asyncio.gather(connecting, sending, return_exceptions=True)
