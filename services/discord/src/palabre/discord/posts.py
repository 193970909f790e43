"""What the service must know after a restart of each question: ids and choices, never words."""

import dataclasses
import datetime as dt
import itertools
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

from palabre.chassis.bus import Bus, Conflict
from palabre.chassis.errors import Erased
from palabre.chassis.ids import derived
from palabre.discord.routing import CHANNEL, Ask

# Of a question that has no answer yet; what is older was given up long ago.
OPEN_S = 86_400.0
_DISCORD_EPOCH_S = 1_420_070_400

# waiting  nothing of it was done yet, or it waits for its conversation
# asked    our message is there, and the turn is on the bus or about to be
# done     answered, given up, or made part of another question
State = Literal["waiting", "asked", "done"]


@dataclass(frozen=True, slots=True)
class Post:
    """A question and what we show below it. Ids of Discord, but for conversation and turn."""

    conversation: str
    turn: str
    bot: str
    channel: int
    message: int  # the question
    author: int
    ask: Ask
    state: State = "waiting"
    answers: tuple[int, ...] = ()  # our messages, in order
    merged: tuple[int, ...] = ()  # questions of the same author that it answers, too
    retries: str = ""  # the turn whose answer it replaces
    is_first: bool = True  # of its conversation
    notes: tuple[str, ...] = ()  # what was left out of the question, in words of ours
    # Of a command, whose id is `message`: its interaction's token, and whether its asker alone sees
    # the answer. Without its words: who runs it again finds them on the bus.
    token: str = ""
    is_private: bool = False

    @property
    def space(self) -> str:
        return self.ask.space

    @property
    def questions(self) -> tuple[int, ...]:
        return (*self.merged, self.message)

    def encode(self) -> bytes:
        return json.dumps(dataclasses.asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Fields that this version does not know are left out."""
        values = _known(cls, json.loads(data))
        ask = _known(Ask, values.pop("ask"))
        return cls(ask=Ask(**ask), **values)


def turn_of(channel: int, message: int) -> str:
    """The same on every replica, however often the message is told."""
    return derived("turn", CHANNEL, str(channel), str(message))


def person_of(user: int) -> str:
    """Author.id of somebody on Discord: it says nothing of who they are there."""
    return derived("person", CHANNEL, str(user))


def conversation_of(
    ask: Ask, channel: int, author: int, message: int, erased: Collection[str]
) -> str:
    """A post's or a direct message's goes on; who names a bot in a channel begins one each time.

    What was erased stays erased: the next question begins another one.
    """
    parts = [ask.space, str(channel), str(author)]
    if ask.kind in {"mention", "command"}:
        parts.append(str(message))
    for number in itertools.count():
        conversation = derived("conversation", CHANNEL, *parts, str(number))
        if conversation not in erased:
            return conversation
    raise AssertionError  # numbers do not end


def said_at(id_: int) -> float:
    """Unix time of what has this id of Discord's.

    https://discord.com/developers/docs/reference#snowflakes
    """
    return (id_ >> 22) / 1000 + _DISCORD_EPOCH_S


class Posts(Protocol):
    """One entry per question. Who holds the bot's lease writes it, nobody else."""

    async def create(self, post: Post) -> bool:
        """False when the question has an entry already. Raises Unavailable, Erased."""

    async def write(self, post: Post) -> None:
        """Raises Unavailable, Erased."""

    async def get(self, conversation: str, turn: str) -> Post | None:
        """Raises Unavailable."""

    async def recent(self, bot: str) -> list[Post]:
        """Those of the last day; what is not done and older was given up. Raises Unavailable."""

    async def of_author(self, author: int) -> list[Post]:
        """Everything that is kept of what this person asked. Raises Unavailable."""

    async def of_conversation(self, conversation: str) -> list[Post]:
        """Oldest first. Raises Unavailable."""


class NatsPosts:
    """In the bucket `posts`, by conversation and turn.

    The server takes what is superseded out of sight, but leaves it in its files: it names the
    person, who may want to be forgotten. So whoever writes overwrites what was there.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def create(self, post: Post) -> bool:
        try:
            await self._store(post, expected=0)
        except Conflict:
            return False
        return True

    async def write(self, post: Post) -> None:
        newest = await self._store(post)
        query = {"next_by_subj": _subject(post.conversation, post.turn)}
        for entry in await self._bus.raw("KV_posts", query):
            if entry.sequence < newest:
                await self._bus.overwrite("KV_posts", entry.sequence)

    async def get(self, conversation: str, turn: str) -> Post | None:
        query = {"multi_last": [_subject(conversation, turn)]}
        found = await self._bus.raw("KV_posts", query)
        return Post.decode(found[0].data) if found and found[0].data else None

    async def of_author(self, author: int) -> list[Post]:
        posts = await self._newest({"next_by_subj": "$KV.posts.>"}, b'"author": %d' % author)
        return [post for post in posts if post.author == author]

    async def of_conversation(self, conversation: str) -> list[Post]:
        return _ordered(await self._newest({"next_by_subj": _subject(conversation, "*")}))

    async def recent(self, bot: str) -> list[Post]:
        since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=OPEN_S)
        query = {"next_by_subj": "$KV.posts.>", "start_time": since.isoformat(), "seq": 0}
        return [post for post in await self._newest(query) if post.bot == bot]

    async def _newest(self, query: Mapping[str, object], having: bytes = b"{") -> list[Post]:
        """The last entry of each question, where its bytes have these."""
        entries = await self._bus.raw("KV_posts", query)
        found = {entry.subject: entry.data for entry in entries}
        return [Post.decode(data) for data in found.values() if having in data]

    async def _store(self, post: Post, expected: int | None = None) -> int:
        """Its place. Raises Conflict, Erased, Unavailable."""
        if post.conversation in self._bus.erased:
            raise Erased
        subject = _subject(post.conversation, post.turn)
        return (await self._bus.put(subject, post.encode(), expected=expected)).seq


class MemoryPosts:
    """For tests without NATS."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Post] = {}

    async def create(self, post: Post) -> bool:
        key = (post.conversation, post.turn)
        if key in self.kept:
            return False
        self.kept[key] = post
        return True

    async def write(self, post: Post) -> None:
        self.kept[post.conversation, post.turn] = post

    async def get(self, conversation: str, turn: str) -> Post | None:
        return self.kept.get((conversation, turn))

    async def of_author(self, author: int) -> list[Post]:
        return [p for p in self.kept.values() if p.author == author]

    async def of_conversation(self, conversation: str) -> list[Post]:
        return _ordered(p for p in self.kept.values() if p.conversation == conversation)

    async def recent(self, bot: str) -> list[Post]:
        return [p for p in self.kept.values() if p.bot == bot]


def _ordered(posts: Iterable[Post]) -> list[Post]:
    return sorted(posts, key=lambda post: post.message)


def _subject(conversation: str, turn: str) -> str:
    return f"$KV.posts.{conversation}.{turn}"


def _known(kind: Any, values: dict[str, Any]) -> dict[str, Any]:
    """Of these values those that are fields; JSON has lists where we have tuples."""
    names = {field.name for field in dataclasses.fields(kind)}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in values.items()
        if name in names
    }
