"""Discord, its gateway and ourselves fail in every way: each question is answered once."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from palabre.channels.testing import ScriptedAnswers, completed, delta, source
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb
from palabre.discord.posts import NatsPosts, Post, conversation_of, turn_of
from palabre.discord.routing import Ask
from tests.integration.discord_service import Community, running
from tests.standins.discord import Thread

TEXT = "Le loyer est dû le cinq [1]."


@pytest.fixture
def script() -> Callable[[pb.Event], Iterable[Any]]:
    """An answer of one second."""

    def play(event: pb.Event) -> Iterable[Any]:
        for place in range(0, len(TEXT), 4):
            yield delta(TEXT[place : place + 4], place)
            yield 0.15
        yield completed(TEXT, source())

    return play


# What Discord says


async def test_a_starter_that_never_comes_is_asked_for(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    community.discord.deliveries.lose("MESSAGE_CREATE")
    await community.answered(await community.ask())


async def test_a_starter_that_is_written_late_is_answered(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.ask(starter="missing")
    await asyncio.sleep(1.0)
    await community.alice.start(post, "Quand payer ?")
    await community.answered(post)


async def test_a_starter_that_comes_before_its_post_is_answered_once(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    await community.answered(await community.ask(starter="first"))
    assert len(llm.heard) == 1


async def test_events_that_come_twice_are_answered_once(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    for event in ("THREAD_CREATE", "MESSAGE_CREATE"):
        community.discord.deliveries.twice(event)
    await community.answered(await community.ask())
    assert len(llm.heard) == 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 503}, {"status": 429}])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_calls_that_fail_before_or_after_their_effect_leave_one_whole_answer(
    community: Community,
    bots: Context,
    llm: ScriptedAnswers,
    method: str,
    fault: dict[str, Any],
    after: bool,
) -> None:
    community.discord.faults.add(method, "/messages", after=after, retry_after=0.1, **fault)
    await community.answered(await community.ask())


# The gateway


async def interrupted(community: Community, how: Callable[[], None]) -> None:
    """A post that is being answered, one that comes while nobody listens, and one after it."""
    first = await community.ask()
    await community.discord.seen(first, lambda m: m.author.bot)
    how()
    second = await community.ask()
    await community.answered(first)
    await community.answered(second)
    await community.discord.until(lambda: community.bot.online)
    await community.answered(await community.ask())


async def test_a_dropped_connection_is_resumed(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    session = community.bot.sessions[0]
    await interrupted(community, community.bot.drop)
    assert community.bot.sessions == [session]
    assert len(llm.heard) == 3


async def test_a_reconnect_that_discord_asks_for_is_done(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    await interrupted(community, community.bot.ask_to_reconnect)
    assert len(llm.heard) == 3


async def test_after_an_invalid_session_missed_posts_are_found(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    def how() -> None:
        community.bot.invalidate()
        community.bot.drop()

    session = community.bot.sessions[0]
    await interrupted(community, how)
    assert session not in community.bot.sessions
    assert len(llm.heard) == 3


async def test_posts_that_came_while_nobody_was_there_are_answered_late(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    post = await community.ask()
    old = await community.ask(starter="missing")
    async with running(nats, community.discord, {"demo": community.space()}):
        await community.answered(post)
        assert not community.ours(old)
    assert len(llm.heard) == 1


# Ourselves


async def test_a_restart_looks_at_no_question_that_was_answered(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space()}
    async with running(nats, community.discord, spaces):
        await community.discord.until(lambda: community.bot.online)
        answered = [await community.ask() for _ in range(3)]
        for post in answered:
            await community.answered(post)
    missed = await community.ask()
    before = len(community.discord.calls_of("GET", "/messages/"))
    async with running(nats, community.discord, spaces):
        await community.answered(missed)
    looked_at = community.discord.calls_of("GET", "/messages/")[before:]
    assert {call.path.rpartition("/")[2] for call in looked_at} == {str(missed.id)}


async def test_a_restart_in_the_middle_of_an_answer_finishes_it_once(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space()}
    async with running(nats, community.discord, spaces):
        await community.discord.until(lambda: community.bot.online)
        post = await community.ask()
        await community.discord.seen(post, lambda m: "Le loyer" in m.content)
    await asyncio.sleep(1.5)  # the answer is whole meanwhile
    async with running(nats, community.discord, spaces):
        await community.answered(post)
    assert len(llm.heard) == 1


async def test_a_restart_before_the_question_was_on_the_bus_asks_it_then(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space()}
    community.discord.faults.add("POST", "/messages", after=True, reset=True, times=99)
    async with running(nats, community.discord, spaces):
        await community.discord.until(lambda: community.bot.online)
        post = await community.ask()
        await community.discord.seen(post, lambda m: m.author.bot)
    assert not llm.heard
    community.discord.faults.clear()
    async with running(nats, community.discord, spaces):
        await community.answered(post)
    assert len(llm.heard) == 1


async def test_a_placeholder_of_long_ago_is_found_again(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space()}
    community.discord.faults.add("POST", "/messages", after=True, reset=True, times=99)
    async with running(nats, community.discord, spaces):
        await community.discord.until(lambda: community.bot.online)
        post = await community.ask()
        await community.discord.seen(post, lambda m: m.author.bot)
    community.discord.faults.clear()
    community.discord.clock.advance(1_200)  # Discord has forgotten the nonce
    async with running(nats, community.discord, spaces):
        await community.answered(post)


async def test_what_waited_for_its_turn_is_answered_after_a_restart(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space()}
    async with running(nats, community.discord, spaces):
        await community.discord.until(lambda: community.bot.online)
        post = await community.ask()
        await until(lambda: len(llm.heard) == 1)
        for text in ("Et en retard ?", "Et la caution ?"):
            last = await community.alice.say(post, text)
        await asyncio.sleep(0.2)
    async with running(nats, community.discord, spaces):
        second = await community.discord.seen(
            post, lambda m: m.reference == last.id and "Guide" in m.shown, 10
        )
        await answered_first(community, post)
    assert len(community.ours(post)) == 2
    assert second.reference == last.id
    assert [e.utterance_received.utterance.text for e in llm.heard[1:]] == [
        "Et en retard ?\n\nEt la caution ?"
    ]


async def answered_first(community: Community, post: Thread) -> None:
    await community.discord.seen(post, lambda m: m.reference == post.id and "Guide" in m.shown)


async def test_of_two_replicas_one_answers_and_the_other_takes_over(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space()}
    async with contextlib.AsyncExitStack() as first:
        await first.enter_async_context(running(nats, community.discord, spaces))
        await community.discord.until(lambda: community.bot.online)
        async with running(nats, community.discord, spaces):
            await community.answered(await community.ask())
            post = await community.ask()
            await community.discord.seen(post, lambda m: "Le loyer" in m.content)
            assert len(community.bot.sessions) == 1
            await first.aclose()
            await community.answered(post)
            await community.answered(await community.ask())
    assert len(llm.heard) == 3


async def test_a_question_that_a_replica_without_the_lease_wrote_down_is_answered(
    nats: NatsServer, community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    community.discord.deliveries.hold("MESSAGE_CREATE")
    community.discord.deliveries.lose("THREAD_CREATE")
    post = await community.ask()
    decided = Ask("post", "demo", "default", "camille")
    alice = community.alice.id
    record = Post(
        conversation=conversation_of(decided, post.id, alice, post.id, ()),
        turn=turn_of(post.id, post.id),
        bot="default",
        channel=post.id,
        message=post.id,
        author=alice,
        ask=decided,
    )
    assert await NatsPosts(bots.bus).create(record)
    community.discord.deliveries.release()
    await community.answered(post)
    assert llm.heard[0].turn == record.turn


async def test_nats_that_is_killed_meanwhile_loses_no_question(
    nats: NatsServer, community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    await nats.kill()
    post = await community.ask()
    await asyncio.sleep(0.5)
    await nats.start()
    await community.answered(post)
