"""Questions of one conversation, on a Discord in memory and a real bus."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from palabre.channels.testing import ScriptedAnswers, plain_answer
from palabre.chassis.bus import Bus
from palabre.chassis.directory import Spaces
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1.turns_pb2 import Utterance
from palabre.discord.calls import Invalid
from palabre.discord.conversations import Conversations
from palabre.discord.messages import Body, Message, Person, Place
from palabre.discord.posts import MemoryPosts, Post, turn_of
from palabre.discord.questions import Composed
from palabre.discord.routing import Ask
from palabre.discord.sending import Discord
from palabre.discord.testing import MemoryDiscord
from palabre.discord.turns import Turns
from palabre.discord.work import Work
from palabre.gateway.testing import demo_space

PLACE, ALICE = Place("post", 7, server=1, parent=2, name="Loyer", owner=9), Person(9, "alice")


class Plain:
    """Words alone; it fails for those that say so."""

    async def compose(self, discord: Discord, post: Post, messages: Sequence[Message]) -> Composed:
        text = "\n\n".join(message.text for message in messages)
        if "bogue" in text:
            raise RuntimeError("an error of ours")
        return Composed(Utterance(text=text, replaceable=True))


@dataclass
class Choosy(MemoryDiscord):
    """Takes not everything that it is sent."""

    takes: Callable[[Body], bool] = lambda body: True

    async def edit(self, channel: int, message: int, body: Body) -> None:
        if not self.takes(body):
            raise Invalid("Must be 2000 or fewer in length.")
        await super().edit(channel, message, body)


class Desk:
    """Everything that one bot needs to answer."""

    def __init__(self, bus: Bus) -> None:
        self.discord, self.posts, self.work = Choosy(), MemoryPosts(), Work("default")
        turns = Turns(
            "default",
            self.discord,
            bus,
            self.posts,
            Plain(),
            Spaces({"demo": demo_space()}),
            deadline_s=60,
            edit_s=0.05,
        )
        self.conversations = Conversations(turns, self.posts, self.work)

    async def ask(self, text: str, conversation: str = "c") -> Post:
        said = self.discord.say(PLACE, ALICE, text)
        ask = Ask("post", "demo", "default", "camille")
        turn = turn_of(PLACE.channel, said.id)
        post = Post(conversation, turn, "default", PLACE.channel, said.id, ALICE.id, ask)
        await self.conversations.ask(post, [said])
        return post

    async def done(self) -> None:
        """Once nothing is left to do."""
        await until(lambda: all(post.state == "done" for post in self.posts.kept.values()))

    def texts(self) -> list[str]:
        return [
            " ".join([body.content, *(embed.text for embed in body.embeds)])
            for body in self.discord.shown.values()
        ]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with NatsServer(tmp_path) as server:
        llm = ScriptedAnswers(await server.bus("operator"), plain_answer)
        await llm.listen()
        bus = await server.bus("discord")
        made = Desk(bus)
        yield made
        await made.work.end()
        await bus.close()
        await llm.close()


async def test_a_question_that_fails_by_an_error_of_ours_is_apologised_for_and_keeps_no_other(
    desk: Desk,
) -> None:
    await desk.ask("bogue")
    await until(lambda: bool(desk.discord.shown))
    await desk.ask("Quand payer ?")
    await desk.done()
    apology, answer = desk.texts()
    assert "Désolé" in apology
    assert "Le loyer est dû le cinq" in answer


async def test_an_answer_that_discord_does_not_take_is_apologised_for(desk: Desk) -> None:
    desk.discord.takes = lambda body: "Le loyer" not in body.content
    await desk.ask("Quand payer ?")
    await desk.done()
    (apology,) = desk.texts()
    assert "Désolé" in apology


async def test_conversations_do_not_wait_for_each_other(desk: Desk) -> None:
    for number in range(10):
        await desk.ask(f"Question {number}", conversation=f"c{number}")
    await desk.done()
    assert len(desk.texts()) == 10


async def test_a_question_is_taken_once(desk: Desk) -> None:
    post = await desk.ask("Quand payer ?")
    assert not await desk.conversations.ask(post, [])
    await desk.done()
    assert not await desk.conversations.ask(post, [])
    assert len(desk.texts()) == 1


async def test_an_answer_is_repeated_in_its_place_once_per_cause(desk: Desk) -> None:
    post = await desk.ask("Quand payer ?")
    await desk.done()
    done = await desk.posts.get(post.conversation, post.turn)
    assert done
    assert await desk.conversations.again(done, "click/1")
    assert not await desk.conversations.again(done, "click/1")
    await desk.done()
    assert len(desk.texts()) == 1
    assert len(desk.posts.kept) == 2


async def test_work_that_has_ended_begins_nothing_more() -> None:
    work, begun = Work("default"), []

    async def begin() -> None:
        begun.append(1)

    await work.end()
    with pytest.raises(asyncio.CancelledError):
        work.start("late", begin())
    assert not begun
