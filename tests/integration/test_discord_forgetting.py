"""What is kept of people: they get it, and it is forgotten, after a restart too."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.channels.testing import ScriptedAnswers
from palabre.chassis.bus import Bus
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer, free_port, until
from palabre.discord.calls import Refused
from palabre.discord.messages import Body, Place
from palabre.discord.posts import MemoryPosts, Post, person_of
from palabre.discord.routing import Ask
from palabre.discord.takedowns import GIVEN_UP_S, Takedowns
from palabre.discord.testing import MemoryDiscord
from tests.integration.discord_commands import Replicas, plain, used
from tests.integration.discord_service import Community

ALICE, BOB = 10, 11
GENERAL = Place("text", 200, server=1)
CAUSE = 77


@pytest.fixture
async def bus(nats: NatsServer) -> AsyncIterator[Bus]:
    made = await nats.bus("discord")
    yield made
    await made.close()


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Refusing:
    """A locked post."""

    def __init__(self) -> None:
        self.tried = 0

    async def delete(self, channel: int, message: int) -> None:
        self.tried += 1
        raise Refused


async def posted(
    posts: MemoryPosts, discord: MemoryDiscord, author: int, bot: str = "default"
) -> int:
    message = await discord.send(200, Body("Le cinq."), nonce=f"{author}/{len(posts.kept)}")
    ask = Ask("mention", "demo", bot, "camille")
    turn = f"t-{len(posts.kept)}"
    await posts.create(Post("c", turn, bot, 200, 1, author, ask, "done", answers=(message,)))
    return message


@contextlib.asynccontextmanager
async def carried_out(takedowns: Takedowns, bot: str, discord: object) -> AsyncIterator[None]:
    working = asyncio.create_task(takedowns.carry_out(bot, discord))  # type: ignore[arg-type]
    try:
        yield
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def test_what_was_ordered_is_taken_down_after_a_restart(bus: Bus) -> None:
    posts, discord = MemoryPosts(), MemoryDiscord(places={200: GENERAL})
    mine = [await posted(posts, discord, ALICE) for _ in range(3)]
    others = await posted(posts, discord, BOB)
    assert await Takedowns(bus, posts).order(ALICE, CAUSE) == len(mine)
    after = Takedowns(bus, MemoryPosts())
    assert await after.left(CAUSE) == 3
    assert await after.left(CAUSE + 1) == 0
    async with carried_out(after, "default", discord):
        await until(lambda: not set(mine) & discord.shown.keys())
        await until(lambda: _none_left(after))
    assert others in discord.shown


async def test_messages_of_a_bot_that_is_elsewhere_wait_for_it(bus: Bus) -> None:
    posts, discord = MemoryPosts(), MemoryDiscord(places={200: GENERAL})
    await posted(posts, discord, ALICE)
    theirs = await posted(posts, discord, ALICE, bot="hugo")
    takedowns = Takedowns(bus, posts)
    await takedowns.order(ALICE, CAUSE)
    async with carried_out(takedowns, "default", discord):
        await until(lambda: list(discord.shown) == [theirs])
    assert await takedowns.left(CAUSE) == 1
    async with carried_out(takedowns, "hugo", discord):
        await until(lambda: _none_left(takedowns))
    assert discord.shown == {}


async def test_what_discord_refuses_is_tried_for_a_day(bus: Bus) -> None:
    posts, discord, clock = MemoryPosts(), MemoryDiscord(places={200: GENERAL}), Clock()
    await posted(posts, discord, ALICE)
    takedowns, refusing = Takedowns(bus, posts, clock), Refusing()
    await takedowns.order(ALICE, CAUSE)
    async with carried_out(takedowns, "default", refusing):
        await until(lambda: refusing.tried == 1)
        assert await takedowns.left(CAUSE) == 1
        clock.now += GIVEN_UP_S
        await until(lambda: _none_left(takedowns))
    assert refusing.tried == 2


async def _none_left(takedowns: Takedowns) -> bool:
    return await takedowns.left(CAUSE) == 0


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


@pytest.fixture
async def service(replicas: Replicas) -> AsyncIterator[Context]:
    async with replicas.one() as context:
        yield context


async def test_an_export_is_private_as_data_and_as_a_text(
    community: Community, service: Context
) -> None:
    assert "rien à exporter" in (await used(community, "exporter")).content
    post = await community.alice.post(community.forum, "Loyer", "Quand dois-je payer ?")
    await community.discord.seen(post, lambda m: "Guide" in m.shown)
    answer = await used(community, "exporter")
    assert answer.ephemeral
    data, text = answer.attachments
    assert (data.filename, text.filename) == ("palabre-export.json", "palabre-export.md")
    [conversation] = json.loads(data.data)["conversations"]
    [turn] = conversation["turns"]
    assert turn["question"] == "Loyer\n\nQuand dois-je payer ?"
    assert turn["answer"].startswith("Le loyer est dû")
    assert "Quand dois-je payer ?" in text.data.decode()


async def test_forgetting_takes_everything_down_once_it_is_confirmed(
    community: Community, service: Context, tmp_path: Path, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", "le secret de Marguerite")
    mine = await community.discord.seen(post, lambda m: "Guide" in m.shown)
    bob = community.server.person("bob")
    other = await bob.post(community.forum, "Chauffage", "Il est froid.")
    kept = await community.discord.seen(other, lambda m: "Guide" in m.shown)
    asked = await used(community, "oublier")
    assert mine.id in post.messages
    await community.alice.click(asked, "Annuler")
    await community.discord.until(lambda: "Rien n’a été effacé" in asked.content)
    asked = await used(community, "oublier")
    clicks = [await community.alice.click(asked, "Oui, tout effacer") for _ in range(2)]
    await community.discord.until(lambda: "C’est fait" in asked.content, 20)
    assert "1 conversation effacée, 1 message retiré" in plain(asked)
    assert [bool(click.response) for click in clicks] == [True, False]
    assert mine.id not in post.messages
    assert kept.id in other.messages
    assert b"secret de Marguerite" not in everything_in(tmp_path)
    on_disk = everything_in(tmp_path)
    assert person_of(community.alice.user.id).encode() not in on_disk
    assert str(community.alice.user.id).encode() not in on_disk
    again = await used(community, "oublier")
    await community.alice.click(again, "Oui, tout effacer")
    await community.discord.until(lambda: "rien à effacer" in again.content, 20)


async def test_who_asked_to_be_forgotten_is_although_the_archive_was_away(
    replicas: Replicas, community: Community, tmp_path: Path
) -> None:
    async with replicas.one(archive=f"127.0.0.1:{free_port()}"):
        post = await community.alice.post(community.forum, "Loyer", "le secret de Marguerite")
        mine = await community.discord.seen(post, lambda m: "Guide" in m.shown)
        asked = await used(community, "oublier")
        await community.alice.click(asked, "Oui, tout effacer")
        await community.discord.until(lambda: "Je reprends dans une minute" in plain(asked), 20)
        await community.discord.until(lambda: mine.id not in post.messages)
    async with replicas.one():
        await community.discord.until(lambda: "C’est fait" in asked.content, 20)
    assert "1 conversation effacée, 1 message retiré" in plain(asked)
    assert b"secret de Marguerite" not in everything_in(tmp_path)
