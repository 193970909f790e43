"""Questions in hand, and how one becomes an utterance."""

import asyncio
import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from palabre.channels.admission import Thread
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.discord.messages import Message, Person, Place
from palabre.discord.posts import Post, said_at
from palabre.discord.routing import CHANNEL
from palabre.discord.sending import Discord
from palabre.discord.sources import Similar

LATE_S = 3_600.0  # what was said longer ago, while nobody listened, is not answered any more


@dataclass(eq=False)
class Question:
    """A question on its way. `messages` are empty after a restart, until they are asked for."""

    post: Post
    messages: list[Message] = field(default_factory=list)
    is_resumed: bool = False
    event: pb.Event | None = None  # what admitted it, once it is on the bus
    cancelled: str = ""  # why; empty: it is not
    has_ended: bool = False  # all of it is shown
    similar: "asyncio.Task[Sequence[Similar]] | None" = None  # solved posts, being looked for

    @property
    def is_late(self) -> bool:
        """Nobody began to answer it while it was worth it: found so after a restart."""
        begun = self.event is not None or bool(self.post.retries)
        old = time.time() - said_at(self.post.message) > LATE_S
        return self.is_resumed and old and not begun

    @property
    def is_untouched(self) -> bool:
        """We have shown nothing of it yet."""
        return self.post.state == "waiting" and not self.post.answers

    @property
    def thread(self) -> Thread:
        return Thread(self.post.space, CHANNEL, self.post.conversation)

    @property
    def words(self) -> str:
        """As they were said, or as they are on the bus; empty while nobody knows."""
        if self.event is not None:
            return self.event.utterance_received.utterance.text
        return "\n".join(message.text for message in self.messages)


def said_by_command(post: Post, words: str) -> Message:
    """As if the person had written it there."""
    place, person = Place("text", post.channel), Person(post.author, "")
    sent_at = dt.datetime.fromtimestamp(said_at(post.message), dt.UTC)
    return Message(post.message, place, person, words, sent_at)


@dataclass(frozen=True, slots=True)
class Composed:
    """What is asked, and sentences that say what was left out of it."""

    utterance: turns_pb2.Utterance
    notes: tuple[str, ...] = ()


class Composer(Protocol):
    async def compose(self, discord: Discord, post: Post, messages: Sequence[Message]) -> Composed:
        """With files and what the question replies to. Raises InvalidAttachment, Unavailable."""
