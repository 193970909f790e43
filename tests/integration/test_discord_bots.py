"""Several bots, with and without the rights and intents that they need."""

import asyncio
import os
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from palabre.channels.testing import ScriptedAnswers
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer, until
from palabre.discord.posts import NatsPosts, Post, conversation_of, turn_of
from palabre.discord.routing import Ask
from tests.integration.discord_service import Community, running
from tests.standins.discord import Intents, Permissions


async def test_a_bot_whose_login_fails_leaves_the_others_running(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    tokens = {"hugo": SecretStr("wrong")}
    spaces = {"demo": community.space()}
    async with running(nats, community.discord, spaces, discord_tokens=tokens):
        await community.discord.until(lambda: community.bot.online)
        await community.answered(await community.ask())


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
        await community.answered(await community.ask())
        assert hugo.sessions == [kept]


async def test_a_login_that_is_broken_off_is_tried_again(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    community.discord.faults.add("GET", "/users/@me", reset=True, times=2)
    community.discord.faults.add("GET", "/gateway", status=503)
    async with running(nats, community.discord, {"demo": community.space()}):
        await community.discord.until(lambda: community.bot.online, 30)
        await community.answered(await community.ask())


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
        return [post.state for post in await posts.recent("default")] == ["done"]

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
        answer = await community.answered(await community.ask())
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
        post = await community.ask()
        note = await community.discord.seen(post, lambda m: m.author.bot)
        assert "/demander" in note.content
        asked = await community.alice.say(post, f"{community.bot.user.mention} Quand payer ?")
        await community.discord.seen(post, lambda m: m.reference == asked.id)
    async with running(nats, community.discord, {"demo": community.space()}):
        await community.discord.until(lambda: community.bot.online)
        await asyncio.sleep(1.0)
    assert [m for m in community.ours(post) if "/demander" in m.content] == [note]
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
        await community.ask()
    await asyncio.sleep(0.5)
    said = capsys.readouterr()
    assert (said.out + said.err).count("send_messages_in_threads") == 1
    assert not community.discord.calls_of("POST", "/messages")
    assert not llm.heard


async def test_the_command_line_prints_the_invitation_and_which_intent_is_missing(
    community: Community,
) -> None:
    community.discord.bot("other", "Hugo", privileged=Intents(0))
    settings = {
        "PALABRE_DISCORD_TOKEN": "token",
        "PALABRE_DISCORD_TOKENS": '{"hugo": "other"}',
        "PALABRE_DISCORD_API": community.discord.api,
    }
    shown = await palabre("discord", "invite", **settings)
    camille, hugo = shown.split("hugo (Hugo):")
    assert f"client_id={community.bot.application_id}&scope=bot+applications.commands" in camille
    assert "intent" not in camille
    assert "switch on the message content intent" in hugo
    link = urlsplit(next(word for word in camille.split() if word.startswith("https://")))
    asked = Permissions(int(parse_qs(link.query)["permissions"][0]))
    assert Permissions.SEND_MESSAGES_IN_THREADS in asked
    assert Permissions.ADMINISTRATOR not in asked
    refused = await palabre("discord", "invite", **settings | {"PALABRE_DISCORD_TOKEN": "wrong"})
    assert "make a new one" in refused


async def palabre(*arguments: str, **settings: str) -> str:
    """What the command prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "palabre.cli", *arguments),
        env=os.environ | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    shown, _ = await process.communicate()
    return shown.decode()
