"""Which question is answered when: one at a time per conversation, the others merged into one."""

import asyncio
import contextlib
import dataclasses
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from palabre.chassis.errors import Erased
from palabre.chassis.ids import derived
from palabre.discord.calls import Gone, Refused, Unreachable
from palabre.discord.messages import Message
from palabre.discord.posts import Post, Posts, said_at
from palabre.discord.questions import Question
from palabre.discord.turns import Turns
from palabre.discord.work import Work

EDITED_S = 60.0  # for so long after it was said, a running question is asked anew when it changes


@dataclass(eq=False)
class _Conversation:
    running: Question | None = None
    waiting: list[Question] = field(default_factory=list)

    @property
    def all(self) -> list[Question]:
        return [*([self.running] if self.running else []), *self.waiting]


class Conversations:
    """The questions of one bot that are being answered, or wait for it."""

    def __init__(self, turns: Turns, posts: Posts, work: Work) -> None:
        self._turns, self._posts, self._work = turns, posts, work
        self._open: dict[str, _Conversation] = {}

    async def ask(self, post: Post, messages: list[Message]) -> bool:
        """False when the question was taken before. Raises Unavailable, Erased.

        A replica that lost the bot's lease just now may have written it down and gone no further.
        """
        if await self._posts.create(post):
            self._enqueue(Question(post, messages))
            return True
        known = await self._posts.get(post.conversation, post.turn)
        if known is None or known.state == "done" or self._is_open(post.turn):
            return False
        self._enqueue(Question(known, messages, is_resumed=True))
        return True

    async def resume(self, bot: str) -> set[int]:
        """Goes on with what was not done when the bot was here last. Raises Unavailable.

        Returns the messages of the last day that need no further look.
        """
        recent = await self._posts.recent(bot)
        left = [post for post in recent if post.state != "done"]
        elsewhere = {(post.conversation, message) for post in left for message in post.merged}
        for post in sorted(left, key=lambda post: post.message):
            if self._is_open(post.turn):
                continue
            if (post.conversation, post.message) in elsewhere:
                await self._finish(post)
            else:
                self._enqueue(Question(post, is_resumed=True))
        return {message for post in recent for message in post.questions}

    async def again(self, post: Post, cause: str, messages: list[Message] | None = None) -> bool:
        """Asks once more, in the place of the answer that is there. `cause` makes it one turn.

        False when that was done before. Raises Unavailable, Erased.
        """
        new = dataclasses.replace(
            post, turn=derived("turn", post.turn, cause), retries=post.turn, state="waiting"
        )
        if not await self._posts.create(new):
            return False
        self._enqueue(Question(new, messages or [], is_resumed=not messages))
        return True

    async def stop(self, conversation: str, turn: str) -> bool:
        """False when it does not run."""
        for question in self._questions(lambda q: q.post.turn == turn):
            if question.post.conversation == conversation:
                await self._turns.cancel(question, "stop")
                return True
        return False

    async def edited(self, channel: int, message: int, fetch: "Fetch") -> None:
        """A person changed their words: what waits takes the new ones, what runs begins anew."""
        for question in self._questions(lambda q: _has(q, channel, message)):
            with contextlib.suppress(Gone, Refused, Unreachable):
                await self._reword(question, await fetch(channel, message))

    async def deleted(self, channel: int, message: int | None) -> None:
        """Who takes their question back gets no answer; None: the whole post is gone."""
        for question in self._questions(lambda q: _has(q, channel, message)):
            left = [m for m in question.messages if m.id != message]
            if message is None or message == question.post.message or not left:
                await self._turns.cancel(question, "deleted")
            else:
                question.messages = left

    async def _reword(self, question: Question, new: Message) -> None:
        old = next((m for m in question.messages if m.id == new.id), None)
        if old is None or old.text == new.text:
            return
        messages = [new if m.id == new.id else m for m in question.messages]
        conversation = self._open.get(question.post.conversation)
        if conversation is None or question is not conversation.running:
            question.messages = messages
        elif time.time() - said_at(new.id) < EDITED_S and not (
            question.cancelled or question.has_ended
        ):
            cause = hashlib.sha256(new.text.encode()).hexdigest()
            await self.again(question.post, f"edit/{new.id}/{cause}", messages)
            await self._turns.cancel(question, "superseded")

    def _is_open(self, turn: str) -> bool:
        return bool(self._questions(lambda question: question.post.turn == turn))

    def _questions(self, wanted: Callable[[Question], bool]) -> list[Question]:
        return [q for each in self._open.values() for q in each.all if wanted(q)]

    def _enqueue(self, question: Question) -> None:
        name = question.post.conversation
        if known := self._open.get(name):
            known.waiting.append(question)
            return
        self._open[name] = _Conversation(waiting=[question])
        self._work.start("conversation", self._run(name))

    async def _run(self, name: str) -> None:
        conversation = self._open[name]
        try:
            while conversation.waiting:
                question = conversation.running = await self._next(conversation)
                answering = self._work.start("turn", self._turns.answer(question))
                await asyncio.wait((answering,))
                if not answering.cancelled() and answering.exception():
                    await self._turns.abandon(question)
                conversation.running = None
        finally:
            del self._open[name]

    async def _next(self, conversation: _Conversation) -> Question:
        """What has our message already goes alone; what waits is merged into its newest."""
        first = conversation.waiting[0]
        ready = [
            q for q in conversation.waiting if q.post.state == "waiting" and not q.post.answers
        ]
        if first not in ready or len(ready) == 1:
            return conversation.waiting.pop(0)
        ready = [q for q in ready if not q.cancelled] or ready[-1:]
        newest = ready[-1]
        conversation.waiting = [q for q in conversation.waiting if q not in ready]
        newest.messages = [m for q in ready for m in q.messages]
        newest.is_resumed = any(q.is_resumed for q in ready)
        merged = tuple(message for q in ready[:-1] for message in q.post.questions)
        newest.post = dataclasses.replace(newest.post, merged=merged)
        for post in (newest.post, *(dataclasses.replace(q.post, state="done") for q in ready[:-1])):
            with contextlib.suppress(Erased):
                await self._posts.write(post)
        return newest

    async def _finish(self, post: Post) -> None:
        with contextlib.suppress(Erased):
            await self._posts.write(dataclasses.replace(post, state="done"))


type Fetch = Callable[[int, int], Awaitable[Message]]


def _has(question: Question, channel: int, message: int | None) -> bool:
    here = question.post.channel == channel
    return here and (message is None or message in question.post.questions)
