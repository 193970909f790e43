"""Two replicas of the discord service while many answers are written: one dies, hangs or leaves."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import pytest

from palabre.channels.testing import ScriptedAnswers, completed, delta, source
from palabre.chassis.testing import NatsServer, service_process
from palabre.contracts.v1 import events_pb2 as pb
from tests.integration.discord_service import Community
from tests.standins.discord import Thread

TEXT = "Le loyer est dû le cinq du mois, et la caution vous est rendue en deux mois [1]."


@pytest.fixture
def script() -> Callable[[pb.Event], Iterable[Any]]:
    """An answer of three seconds."""

    def play(event: pb.Event) -> Iterable[Any]:
        for place in range(0, len(TEXT), 8):
            yield delta(TEXT[place : place + 8], place)
            yield 0.3
        yield completed(TEXT, source())

    return play


@pytest.fixture
async def settings(nats: NatsServer, community: Community) -> Mapping[str, str]:
    await nats.apply("demo", community.space())
    return {"PALABRE_DISCORD_TOKEN": "token", "PALABRE_DISCORD_API": community.discord.api}


@pytest.fixture
async def active(
    nats: NatsServer, community: Community, settings: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The replica that has the bot; another one stands by."""
    async with service_process(nats, "discord", settings) as process:
        await community.discord.until(lambda: community.bot.online, 20)
        async with service_process(nats, "discord", settings):
            yield process


async def posts(community: Community, count: int, every_s: float) -> list[Thread]:
    opened = []
    for number in range(count):
        person = community.server.person(f"person{number}")
        opened.append(await person.post(community.forum, "Loyer", "Quand payer ?"))
        await asyncio.sleep(every_s)
    return opened


async def in_the_middle(community: Community) -> list[Thread]:
    """Twenty posts, some of whose answers are being written."""
    opened = await posts(community, 20, 0.1)
    await community.discord.seen(opened[0], lambda m: "Le loyer" in m.content)
    return opened


async def each_once(community: Community, llm: ScriptedAnswers, opened: list[Thread]) -> None:
    """Nobody asked twice, and every post has one answer, which stays the only one."""
    for post in opened:
        await community.answered(post, 60)
    await asyncio.sleep(1.0)
    for post in opened:
        await community.answered(post)
    assert len(llm.heard) == len(opened)
    assert len(community.bot.sessions) <= 2


async def test_twenty_answers_are_each_finished_once_when_their_replica_is_killed(
    active: asyncio.subprocess.Process, community: Community, llm: ScriptedAnswers
) -> None:
    opened = await in_the_middle(community)
    active.send_signal(signal.SIGKILL)
    opened += await posts(community, 3, 0.1)  # while nobody is there
    await each_once(community, llm, opened)


async def test_twenty_answers_are_each_finished_once_when_their_replica_hangs_and_wakes_up(
    active: asyncio.subprocess.Process, community: Community, llm: ScriptedAnswers
) -> None:
    opened = await in_the_middle(community)
    active.send_signal(signal.SIGSTOP)
    opened += await posts(community, 3, 0.1)
    await community.answered(opened[-1], 60)
    active.send_signal(signal.SIGCONT)
    await each_once(community, llm, opened)


async def test_fifty_posts_are_each_answered_once_while_all_replicas_are_replaced(
    nats: NatsServer, community: Community, llm: ScriptedAnswers, settings: Mapping[str, str]
) -> None:
    async with contextlib.AsyncExitStack() as running:
        old = [
            await running.enter_async_context(service_process(nats, "discord", settings))
            for _ in range(2)
        ]
        await community.discord.until(lambda: community.bot.online, 20)
        asking = asyncio.create_task(posts(community, 50, 0.2))
        for process in old:
            await running.enter_async_context(service_process(nats, "discord", settings))
            process.terminate()
            await process.wait()
        await each_once(community, llm, await asking)
