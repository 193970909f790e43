"""What people ask on Discord is answered: real nextcord, the stand-in, a real bus."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from palabre.channels.testing import ScriptedAnswers, completed, delta, source
from palabre.chassis.service import Context
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb
from tests.integration.discord_service import Community, running
from tests.standins.discord import Message, Thread

SLOW = "lentement"


def words(event: pb.Event) -> str:
    return event.utterance_received.utterance.text


@pytest.fixture
def script() -> Callable[[pb.Event], Iterable[Any]]:
    """Who asks slowly is answered within two seconds, everybody else at once."""

    def play(event: pb.Event) -> Iterable[Any]:
        text = f"Réponse à « {words(event).splitlines()[-1]} » [1]."
        if SLOW in words(event):
            for place in range(0, len(text), 4):
                yield delta(text[place : place + 4], place)
                yield 0.1
        yield completed(text, source())

    return play


def ours(community: Community, post: Thread) -> list[Message]:
    return [m for m in post.history() if m.author is community.bot.user]


async def answered(community: Community, post: Thread, count: int = 1) -> list[Message]:
    """Once as many answers are whole."""

    def whole() -> list[Message]:
        return [m for m in ours(community, post) if "Guide" in m.shown]

    await community.discord.until(lambda: len(whole()) >= count, 8)
    return whole()


async def test_a_post_is_answered_below_it_with_its_sources(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", "Quand payer ?")
    (answer,) = await answered(community, post)
    assert "Réponse à « Quand payer ? »" in answer.content
    assert answer.reference == post.id
    assert not answer.pinged
    assert words(llm.heard[0]) == "Loyer\n\nQuand payer ?"
    assert llm.heard[0].utterance_received.utterance.replaceable


async def test_the_placeholder_comes_first_and_grows_into_the_answer(
    community: Community, bots: Context
) -> None:
    post = await community.alice.post(community.forum, "Loyer", f"Quand payer, {SLOW} ?")
    (answer,) = await answered(community, post)
    first, *between, last = answer.versions
    assert first.content.startswith("⏳")
    assert between
    assert all(last.content.startswith(v.content.removesuffix(" ⏳")) for v in between)
    apart = [b.at - a.at for a, b in zip(answer.versions[1:], answer.versions[2:], strict=False)]
    assert min(apart) >= 0.49
    assert len(answer.versions) < 8


async def test_what_the_author_adds_is_answered_with_the_history_of_the_post(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", "Quand payer ?")
    await answered(community, post)
    more = await community.alice.say(post, "Et en retard ?")
    answers = await answered(community, post, 2)
    assert [m.reference for m in answers] == [post.id, more.id]
    assert llm.heard[0].conversation == llm.heard[1].conversation


async def test_what_the_author_adds_meanwhile_is_merged_into_one_question(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", f"Quand payer, {SLOW} ?")
    await until(lambda: len(llm.heard) == 1)
    for text in ("J’ai oublié :", "c’est un studio.", "Et la caution ?"):
        last = await community.alice.say(post, text)
    answers = await answered(community, post, 2)
    await asyncio.sleep(0.3)
    assert [words(event) for event in llm.heard[1:]] == [
        "J’ai oublié :\n\nc’est un studio.\n\nEt la caution ?"
    ]
    assert [m.reference for m in answers] == [post.id, last.id]
    assert len(ours(community, post)) == 2


async def test_others_in_a_post_and_a_post_for_humans_are_left_alone(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", "Quand ?")
    await answered(community, post)
    await community.server.person("bob").say(post, "Moi aussi !")
    alone = await community.alice.post(community.forum, "Voisins", "Qui ?", tags=["humains"])
    await asyncio.sleep(0.5)
    assert len(llm.heard) == 1
    assert not ours(community, alone)


async def test_a_mention_in_a_channel_is_answered_in_a_conversation_of_its_own(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    for text in ("Quand payer ?", "Et en retard ?"):
        await community.alice.say(community.general, f"{community.bot.user.mention} {text}")
    await until(lambda: len(llm.heard) == 2)
    assert sorted(map(words, llm.heard)) == ["Et en retard ?", "Quand payer ?"]
    assert llm.heard[0].conversation != llm.heard[1].conversation
    assert all(e.utterance_received.utterance.carries_history for e in llm.heard)
    await community.discord.seen(community.general, lambda m: "Et en retard" in m.shown)


async def test_a_question_that_its_author_corrects_meanwhile_is_answered_as_corrected(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", f"Quant payer, {SLOW} ?")
    await until(lambda: len(llm.heard) == 1)
    await community.alice.edit(post.messages[post.id], "Quand payer le loyer ?")
    (answer,) = await answered(community, post)
    assert "Quand payer le loyer ?" in answer.content
    assert len(ours(community, post)) == 1
    assert [e.turn_cancelled.reason for e in llm.cancelled] == ["superseded"]


async def test_a_question_that_is_corrected_after_its_answer_is_not_answered_again(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", "Quand payer ?")
    await answered(community, post)
    await community.alice.edit(post.messages[post.id], "Quand payer le loyer ?")
    await asyncio.sleep(0.5)
    assert len(llm.heard) == 1


async def test_a_question_that_its_author_takes_back_gets_no_answer(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", f"Quand payer, {SLOW} ?")
    await until(lambda: len(llm.heard) == 1)
    await community.alice.delete(post.messages[post.id])
    await until(lambda: [e.turn_cancelled.reason for e in llm.cancelled] == ["deleted"])
    await community.discord.until(lambda: not ours(community, post))
    await asyncio.sleep(1.0)
    assert not ours(community, post)


async def test_a_post_that_is_deleted_ends_its_turn(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", f"Quand payer, {SLOW} ?")
    await until(lambda: len(llm.heard) == 1)
    await community.server.owner.remove(post)
    await until(lambda: [e.turn_cancelled.reason for e in llm.cancelled] == ["deleted"])


async def test_an_answer_that_is_taken_down_meanwhile_ends_its_turn(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", f"Quand payer, {SLOW} ?")
    answer = await community.discord.seen(post, lambda m: "Réponse" in m.content)
    await community.server.owner.delete(answer)
    await until(lambda: bool(llm.cancelled))
    await asyncio.sleep(0.5)
    assert not ours(community, post)


async def test_a_locked_post_is_left_alone(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    post = await community.alice.post(community.forum, "Loyer", f"Quand payer, {SLOW} ?")
    await community.discord.seen(post, lambda m: "Réponse" in m.content)
    await community.server.owner.change(post, archived=True, locked=True)
    await until(lambda: bool(llm.cancelled))
    calls = len(community.discord.calls_of("*", str(post.id)))
    await asyncio.sleep(1.0)
    assert len(community.discord.calls_of("*", str(post.id))) <= calls + 1


async def test_a_direct_message_is_answered_where_the_space_takes_them(
    nats: NatsServer, community: Community, llm: ScriptedAnswers
) -> None:
    spaces = {"demo": community.space(direct_messages=True)}
    async with running(nats, community.discord, spaces):
        await community.discord.until(lambda: community.bot.online)
        said = await community.alice.direct(community.bot, "Quand payer ?")
        await community.discord.seen(said.channel, lambda m: "Guide" in m.shown)


async def test_a_direct_message_is_left_alone_otherwise(
    community: Community, bots: Context, llm: ScriptedAnswers
) -> None:
    await community.alice.direct(community.bot, "Quand payer ?")
    await asyncio.sleep(0.5)
    assert not llm.heard
