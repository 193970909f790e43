"""The buttons below an answer: what a click does, after a restart as before.

What it was about is in the button's id and in the bucket `posts`. An interaction that is told
twice is answered once: Discord takes one first answer to it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import grpc
import structlog

from palabre.channels.admission import Admission, Thread
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Erased, Unavailable
from palabre.contracts.v1 import archive_pb2, events_pb2 as pb
from palabre.discord import metrics, sources
from palabre.discord.actions import Action, Pressed
from palabre.discord.by_token import GOOD_S
from palabre.discord.calls import Gone, Invalid, Refused, Unreachable
from palabre.discord.interactions import Form, Interaction, Replies
from palabre.discord.messages import Body, Embed, Person, Place
from palabre.discord.posts import Post, Posts, person_of, said_at
from palabre.discord.routing import CHANNEL, Surroundings, denied, groups
from palabre.discord.texts import say

log = structlog.get_logger()

LOOK_S = 1.5  # of the three seconds that there are
COMMENT = "comment"
COMMENT_MOST = 1_000


class Answering(Protocol):
    """What this needs of a bot's conversations. Both raise Unavailable and Erased."""

    async def again(self, post: Post, cause: str) -> bool: ...

    async def stop(self, conversation: str, turn: str) -> bool: ...


class Situation(Protocol):
    async def __call__(self, asked: Interaction, *, at_once: bool) -> tuple[Place, Person]: ...


class Ratings(Protocol):
    """What this needs of ArchiveService."""

    async def Rate(self, request: archive_pb2.RateRequest) -> archive_pb2.RateResponse: ...


class Buttons:
    """Of one bot's answers."""

    def __init__(
        self,
        bot: str,
        bus: Bus,
        posts: Posts,
        answering: Answering,
        ratings: Ratings,
        around: Callable[[], Surroundings],
        situation: Situation,
    ) -> None:
        self._bot, self._bus, self._posts, self._answering = bot, bus, posts, answering
        self._ratings, self._around, self._situation = ratings, around, situation
        self._admission = Admission(bus, 0)
        self._does: dict[Action, Callable[[_Click], Awaitable[str]]] = {
            "up": self._up,
            "down": self._down,
            "again": self._again,
            "stop": self._stop,
            "sources": self._sources,
        }

    def takes(self, asked: Interaction) -> bool:
        return Pressed.parse(asked.name) is not None

    async def answer(self, asked: Interaction, replies: Replies) -> None:
        """Raises nothing that is expected to happen."""
        pressed = Pressed.parse(asked.name)
        if pressed is None:
            return
        try:
            outcome = await self._answer(pressed, asked, replies)
        except (Gone, Invalid, Refused, Unreachable) as error:
            log.warning("a click is unanswered", bot=self._bot, reason=type(error).__name__)
            outcome = "unanswered"
        metrics.CLICKS.labels(self._bot, pressed.action, outcome).inc()

    async def _answer(self, pressed: Pressed, asked: Interaction, replies: Replies) -> str:
        click = _Click(asked, replies)
        try:
            async with asyncio.timeout(LOOK_S):
                post = await self._posts.get(pressed.conversation, pressed.turn)
            if post is None or pressed.conversation in self._bus.erased:
                return await click.refuse("gone")
            click.post = post
            return await self._does[pressed.action](click)
        except (Unavailable, Erased, TimeoutError, grpc.aio.AioRpcError) as error:
            log.warning("a click failed", bot=self._bot, reason=type(error).__name__)
            return await click.refuse("unavailable")

    async def _up(self, click: "_Click") -> str:
        if not click.is_mine:
            return await click.refuse("not_yours")
        if await click.defer():
            await self._rate(click, 1)
            await click.say("thanks")
        return "done"

    async def _down(self, click: "_Click") -> str:
        """Counts at once; the form is for those who want to say why."""
        if not click.is_mine:
            return await click.refuse("not_yours")
        if click.asked.kind == "form":
            if await click.defer():
                await self._rate(click, -1, click.asked.text(COMMENT)[:COMMENT_MOST].strip())
                await click.say("thanks_for_why")
        elif await click.replies.ask(_why(click.asked)):
            click.is_answered = True
            await self._rate(click, -1)
        return "done"

    async def _again(self, click: "_Click") -> str:
        """Each answer is replaced once, however often it is clicked; the new one has its own."""
        if not click.may_steer:
            return await click.refuse("not_yours")
        if click.post.is_private and said_at(click.post.message) + GOOD_S < time.time():
            return await click.refuse("gone")
        place, person = await self._situation(click.asked, at_once=True)
        space = self._around().spaces.get(click.post.space)
        if space is None or denied(space.discord, person, place):
            return await click.refuse("not_allowed")
        if await click.acknowledge():
            await self._answering.again(click.post, "again")
        return "done"

    async def _stop(self, click: "_Click") -> str:
        if not click.may_steer:
            return await click.refuse("not_yours")
        if await click.acknowledge() and click.post.state != "done":
            await self._cancel(click.post)
        return "done"

    async def _cancel(self, post: Post) -> None:
        if not await self._answering.stop(post.conversation, post.turn):
            thread = Thread(post.space, CHANNEL, post.conversation)
            await self._admission.cancel(thread, "stop")

    async def _sources(self, click: "_Click") -> str:
        """To whoever wants to see them, as far as their roles let them read."""
        if not await click.defer():
            return "done"
        completed = await self._completed(click.post)
        if completed is None:
            await click.say("sources_gone")
            return "gone"
        space = self._around().spaces.get(click.post.space)
        may_read = click.post.ask.groups if click.is_mine else ()
        if space is not None:
            may_read = (*may_read, *groups(space.discord, click.asked.person))
        told = sources.quotes(sources.cited(completed), may_read, click.language)
        if not told:
            await click.say("sources_private")
            return "private"
        await click.replies.show(Body(embeds=(Embed(text="\n\n".join(told)),)))
        return "done"

    async def _completed(self, post: Post) -> pb.AnswerCompleted | None:
        """While the bus has it: a week."""
        facts = await self._bus.facts(post.space, CHANNEL, post.conversation)
        ended = (e for e in facts if e.turn == post.turn and e.HasField("answer_completed"))
        return next((event.answer_completed for event in ended), None)

    async def _rate(self, click: "_Click", score: int, comment: str = "") -> None:
        post = click.post
        await self._ratings.Rate(
            archive_pb2.RateRequest(
                space=post.space,
                channel=CHANNEL,
                conversation=post.conversation,
                turn=post.turn,
                person=person_of(post.author),
                score=score,
                comment=comment,
            )
        )


class _Click:
    """A click, or a form that came of one."""

    post: Post

    def __init__(self, asked: Interaction, replies: Replies) -> None:
        self.asked, self.replies, self.language = asked, replies, asked.language
        self.is_answered = False

    @property
    def is_mine(self) -> bool:
        return self.asked.person.id == self.post.author

    @property
    def may_steer(self) -> bool:
        return self.is_mine or self.asked.person.manages_messages

    async def defer(self) -> bool:
        """A private answer will come; False: to this click somebody else answers."""
        self.is_answered = await self.replies.defer(private=True)
        return self.is_answered

    async def acknowledge(self) -> bool:
        """Nothing needs to be said."""
        self.is_answered = await self.replies.acknowledge()
        return self.is_answered

    async def say(self, key: str) -> None:
        await self.replies.show(Body(say(f"buttons.{key}", self.language)))

    async def refuse(self, key: str) -> str:
        """A private word, after the first answer or as that."""
        if self.is_answered:
            await self.replies.add(Body(say(f"buttons.{key}", self.language)), private=True)
        elif await self.defer():
            await self.say(key)
        return key


def _why(asked: Interaction) -> Form:
    return Form(
        id=asked.name,
        title=say("buttons.why_title", asked.language),
        field=COMMENT,
        label=say("buttons.why_label", asked.language),
        most=COMMENT_MOST,
    )
