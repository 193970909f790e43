"""Who is forgotten: our messages go, after a restart too, and by whichever replica has the bot."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from palabre.chassis.bus import Bus
from palabre.chassis.testing import NatsServer, until
from palabre.discord.calls import Refused
from palabre.discord.messages import Body, Place
from palabre.discord.posts import MemoryPosts, Post
from palabre.discord.routing import Ask
from palabre.discord.takedowns import GIVEN_UP_S, Takedowns
from palabre.discord.testing import MemoryDiscord

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
