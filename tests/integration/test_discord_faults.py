"""Discord, its gateway and ourselves fail in every way: each question is answered once."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from palabre.channels.testing import ScriptedAnswers, completed, delta, source
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb
from palabre.discord.posts import NatsPosts, Post, conversation_of, turn_of
from palabre.discord.routing import Ask
from tests.integration.discord_service import Community, running
from tests.standins.discord import Intents, Message, Permissions, Thread

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


async def ask(community: Community, text: str = "Quand payer ?", **how: Any) -> Thread:
    return await community.alice.post(community.forum, "Loyer", text, **how)


def ours(community: Community, post: Thread) -> list[Message]:
    return [m for m in post.history() if m.author.bot]


async def answered(community: Community, post: Thread) -> Message:
    """The one answer, whole; there is no other."""
    found = await community.discord.seen(post, lambda m: "Guide" in m.shown, 20)
    assert ours(community, post) == [found]
    assert TEXT in found.content
    return found


# What Discord says


async def test_a_starter_that_never_comes_is_asked_for(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    community.discord.deliveries.lose("MESSAGE_CREATE")
    await answered(community, await ask(community))


async def test_a_starter_that_is_written_late_is_answered(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await ask(community, starter="missing")
    await asyncio.sleep(1.0)
    await community.alice.start(post, "Quand payer ?")
    await answered(community, post)


async def test_a_starter_that_comes_before_its_post_is_answered_once(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    await answered(community, await ask(community, starter="first"))
    assert len(llm.heard) == 1


async def test_events_that_come_twice_are_answered_once(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    for event in ("THREAD_CREATE", "MESSAGE_CREATE"):
        community.discord.deliveries.twice(event)
    await answered(community, await ask(community))
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
    await answered(community, await ask(community))


# The gateway


async def interrupted(community: Community, how: Callable[[], None]) -> None:
    """A post that is being answered, one that comes while nobody listens, and one after it."""
    first = await ask(community)
    await community.discord.seen(first, lambda m: m.author.bot)
    how()
    second = await ask(community)
    await answered(community, first)
    await answered(community, second)
    await community.discord.until(lambda: community.bot.online)
    await answered(community, await ask(community))


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
    post = await ask(community)
    old = await ask(community, starter="missing")
    async with running(nats, community.discord, {"demo": community.space()}):
        await answered(community, post)
        assert not ours(community, old)
    assert len(llm.heard) == 1


# Ourselves


async def test_a_restart_in_the_middle_of_an_answer_finishes_it_once(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space()}
    async with running(nats, community.discord, spaces):
        await community.discord.until(lambda: community.bot.online)
        post = await ask(community)
        await community.discord.seen(post, lambda m: "Le loyer" in m.content)
    await asyncio.sleep(1.5)  # the answer is whole meanwhile
    async with running(nats, community.discord, spaces):
        await answered(community, post)
    assert len(llm.heard) == 1


async def test_a_restart_before_the_question_was_on_the_bus_asks_it_then(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space()}
    community.discord.faults.add("POST", "/messages", after=True, reset=True, times=99)
    async with running(nats, community.discord, spaces):
        await community.discord.until(lambda: community.bot.online)
        post = await ask(community)
        await community.discord.seen(post, lambda m: m.author.bot)
    assert not llm.heard
    community.discord.faults.clear()
    async with running(nats, community.discord, spaces):
        await answered(community, post)
    assert len(llm.heard) == 1


async def test_a_placeholder_of_long_ago_is_found_again(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space()}
    community.discord.faults.add("POST", "/messages", after=True, reset=True, times=99)
    async with running(nats, community.discord, spaces):
        await community.discord.until(lambda: community.bot.online)
        post = await ask(community)
        await community.discord.seen(post, lambda m: m.author.bot)
    community.discord.faults.clear()
    community.discord.clock.advance(1_200)  # Discord has forgotten the nonce
    async with running(nats, community.discord, spaces):
        await answered(community, post)


async def test_what_waited_for_its_turn_is_answered_after_a_restart(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space()}
    async with running(nats, community.discord, spaces):
        await community.discord.until(lambda: community.bot.online)
        post = await ask(community)
        await until(lambda: len(llm.heard) == 1)
        for text in ("Et en retard ?", "Et la caution ?"):
            last = await community.alice.say(post, text)
        await asyncio.sleep(0.2)
    async with running(nats, community.discord, spaces):
        second = await community.discord.seen(
            post, lambda m: m.reference == last.id and "Guide" in m.shown, 10
        )
        await answered_first(community, post)
    assert len(ours(community, post)) == 2
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
            await answered(community, await ask(community))
            post = await ask(community)
            await community.discord.seen(post, lambda m: "Le loyer" in m.content)
            assert len(community.bot.sessions) == 1
            await first.aclose()
            await answered(community, post)
            await answered(community, await ask(community))
    assert len(llm.heard) == 3


async def test_a_question_that_a_replica_without_the_lease_wrote_down_is_answered(
    nats: NatsServer, community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    community.discord.deliveries.hold("MESSAGE_CREATE")
    community.discord.deliveries.lose("THREAD_CREATE")
    post = await ask(community)
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
    await answered(community, post)
    assert llm.heard[0].turn == record.turn


async def test_nats_that_is_killed_meanwhile_loses_no_question(
    nats: NatsServer, community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    await nats.kill()
    post = await ask(community)
    await asyncio.sleep(0.5)
    await nats.start()
    await answered(community, post)


# Several bots, rights, intents


async def test_a_bot_whose_login_fails_leaves_the_others_running(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    tokens = {"hugo": SecretStr("wrong")}
    spaces = {"demo": community.space()}
    async with running(nats, community.discord, spaces, discord_tokens=tokens):
        await community.discord.until(lambda: community.bot.online)
        await answered(community, await ask(community))


async def test_an_event_that_the_client_cannot_read_costs_one_bot_a_new_login(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    hugo = community.discord.bot("other", "Hugo", servers=[community.server])
    tokens = {"hugo": SecretStr("other")}
    spaces = {"demo": community.space()}
    async with running(nats, community.discord, spaces, discord_tokens=tokens):
        await community.discord.until(lambda: community.bot.online and hugo.online)
        (kept,) = hugo.sessions
        (broken,) = community.bot.sessions
        broken.deliver("THREAD_CREATE", {"guild_id": str(community.server.id), "id": "1"})
        await until(lambda: bool(community.bot.sessions) and broken not in community.bot.sessions)
        await answered(community, await ask(community))
        assert hugo.sessions == [kept]


async def test_a_login_that_is_broken_off_is_tried_again(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    community.discord.faults.add("GET", "/users/@me", reset=True, times=2)
    community.discord.faults.add("GET", "/gateway", status=503)
    async with running(nats, community.discord, {"demo": community.space()}):
        await community.discord.until(lambda: community.bot.online, 10)
        await answered(community, await ask(community))


async def test_a_question_that_nobody_began_to_answer_for_hours_is_given_up(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    long_ago = community.discord.clock.now() - 5_000
    said = community.alice.said(community.general, "Quand ?", at=long_ago)
    decided = Ask("mention", "demo", "default", "camille")
    post = Post(
        conversation=conversation_of(decided, community.general.id, 1, said.id, ()),
        turn=turn_of(community.general.id, said.id),
        bot="default",
        channel=community.general.id,
        message=said.id,
        author=1,
        ask=decided,
    )
    bus = await nats.bus("discord")
    posts = NatsPosts(bus)
    await posts.create(post)

    async def done() -> bool:
        return not await posts.unfinished("default")

    async with running(nats, community.discord, {"demo": community.space()}):
        await community.discord.until(lambda: community.bot.online)
        await until(done)
    await bus.close()
    assert not llm.heard
    assert list(community.general.messages) == [said.id]


async def test_of_several_bots_one_answers(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    hugo = community.discord.bot("other", "Hugo", servers=[community.server])
    tokens = {"hugo": SecretStr("other")}
    spaces = {"demo": community.space()}
    async with running(nats, community.discord, spaces, discord_tokens=tokens):
        await community.discord.until(lambda: community.bot.online and hugo.online)
        answer = await answered(community, await ask(community))
        assert answer.author is community.bot.user
        said = await community.alice.say(community.general, f"{hugo.user.mention} Quand payer ?")
        await community.discord.seen(
            community.general, lambda m: m.author is hugo.user and m.reference == said.id
        )
    assert len(llm.heard) == 2


async def test_a_bot_that_may_not_read_says_once_per_post_how_to_ask(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    community.bot.privileged = Intents(0)
    async with running(nats, community.discord, {"demo": community.space()}):
        await community.discord.until(lambda: community.bot.online)
        assert REGISTRY.get_sample_value("palabre_discord_reduced", {"bot": "default"}) == 1
        post = await ask(community)
        note = await community.discord.seen(post, lambda m: m.author.bot)
        assert "/demander" in note.content
        asked = await community.alice.say(post, f"{community.bot.user.mention} Quand payer ?")
        await community.discord.seen(post, lambda m: m.reference == asked.id)
    async with running(nats, community.discord, {"demo": community.space()}):
        await community.discord.until(lambda: community.bot.online)
        await asyncio.sleep(1.0)
    assert [m for m in ours(community, post) if "/demander" in m.content] == [note]
    assert len(llm.heard) == 1


async def test_a_missing_permission_is_said_once_and_costs_no_calls(
    community: Community,
    bots: Context,
    llm: ScriptedAnswers,
    capsys: pytest.CaptureFixture[str],
) -> None:
    denied = Permissions.SEND_MESSAGES_IN_THREADS
    community.server.deny(community.forum, community.server.everyone, denied)
    await asyncio.sleep(0.1)
    for _ in range(3):
        await ask(community)
    await asyncio.sleep(0.5)
    said = capsys.readouterr()
    assert (said.out + said.err).count("send_messages_in_threads") == 1
    assert not community.discord.calls_of("POST", "/messages")
    assert not llm.heard
