"""What is kept of questions: the same promises from the bucket and the fake."""

import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis.errors import Erased
from palabre.chassis.testing import NatsServer
from palabre.discord.posts import MemoryPosts, NatsPosts, Post, Posts, conversation_of, turn_of
from palabre.discord.routing import Ask

ASK = Ask("post", "demo", "default", "camille", groups=("public", "staff"))
POST = Post("c", turn_of(7, 7), "default", 7, 7, 9, ASK)


@pytest.fixture(params=["nats", "memory"])
async def posts(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Posts]:
    if request.param == "memory":
        yield MemoryPosts()
        return
    async with NatsServer(tmp_path) as server:
        bus = await server.bus("discord")
        yield NatsPosts(bus)
        await bus.close()


async def test_a_question_is_taken_once(posts: Posts) -> None:
    assert await posts.create(POST)
    assert not await posts.create(POST)
    assert not await posts.create(dataclasses.replace(POST, state="asked"))
    assert await posts.get("c", POST.turn) == POST


async def test_what_was_never_asked_is_not_there(posts: Posts) -> None:
    assert await posts.get("c", "nothing") is None


async def test_what_is_written_last_counts(posts: Posts) -> None:
    await posts.create(POST)
    later = dataclasses.replace(POST, state="asked", answers=(1, 2), merged=(3,), notes=("coupé",))
    await posts.write(later)
    assert await posts.get("c", POST.turn) == later


async def test_a_bot_finds_its_own_questions(posts: Posts) -> None:
    other = dataclasses.replace(POST, turn="other", bot="hugo")
    done = dataclasses.replace(POST, turn="done", state="done")
    for post in (POST, other, done):
        await posts.create(post)
    assert await posts.recent("default") == [POST, done]


async def test_a_persons_questions_are_found(posts: Posts) -> None:
    for post in (POST, dataclasses.replace(POST, turn="other", author=90)):
        await posts.create(post)
    assert await posts.of_author(9) == [POST]


async def test_nothing_is_written_of_what_was_erased(tmp_path: Path) -> None:
    async with NatsServer(tmp_path) as server:
        bus = await server.bus("discord")
        bus.erased.add("c")
        with pytest.raises(Erased):
            await NatsPosts(bus).create(POST)
        await bus.close()


def test_an_entry_of_a_newer_version_is_read() -> None:
    newer = json.loads(POST.encode()) | {"colour": "red"}
    newer["ask"] |= {"mood": "calm"}
    assert Post.decode(json.dumps(newer).encode()) == POST


def test_a_post_goes_on_and_a_mention_begins_a_conversation() -> None:
    def conversation(kind: str, message: int) -> str:
        ask = dataclasses.replace(ASK, kind=kind)  # type: ignore[arg-type]
        return conversation_of(ask, 7, 9, message, ())

    assert conversation("post", 7) == conversation("follow-up", 8)
    assert conversation("mention", 7) != conversation("mention", 8)


def test_after_an_erasure_another_conversation_begins() -> None:
    first = conversation_of(ASK, 7, 9, 7, ())
    second = conversation_of(ASK, 7, 9, 7, {first})
    assert second != first
    assert conversation_of(ASK, 7, 9, 7, {first, second}) not in {first, second}
