"""One question from its placeholder to the last edit, whatever happens in between."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from typing import Any

import structlog

from palabre.channels.admission import Admission, OtherWords, Running, cancellation
from palabre.channels.attachments import InvalidAttachment
from palabre.channels.phrases import phrase
from palabre.channels.views import Told, TurnView
from palabre.channels.watching import Patience, watch
from palabre.chassis import tracing
from palabre.chassis.bus import Bus
from palabre.chassis.directory import Spaces
from palabre.chassis.errors import Erased, Unavailable
from palabre.chassis.spaces import UnknownSpace
from palabre.chassis.telemetry import observe
from palabre.contracts.v1 import events_pb2 as pb
from palabre.discord import metrics, rendering
from palabre.discord.calls import AGAIN_S, Gone, Invalid, Refused, Unreachable, patiently
from palabre.discord.messages import Body, Message
from palabre.discord.posts import Post, Posts, said_at
from palabre.discord.questions import Composer, Question, said_by_command
from palabre.discord.routing import CHANNEL
from palabre.discord.sending import Discord, nonce
from palabre.discord.showing import Pace, Showing
from palabre.discord.sources import Similar

log = structlog.get_logger()

SIMILAR_S = 1.0  # more than the answer took

type Look = Callable[[Post, str], Coroutine[Any, Any, Sequence[Similar]]]


class Turns:
    """Answers questions for one bot, while its lease is held."""

    def __init__(
        self,
        bot: str,
        discord: Discord,
        bus: Bus,
        posts: Posts,
        composer: Composer,
        spaces: Spaces,
        *,
        by_token: Callable[[Post], Discord] | None = None,
        similar: "Look | None" = None,
        deadline_s: float,
        edit_s: float,
    ) -> None:
        """`by_token` gives the port for answers to commands, `similar` solved posts."""
        self._bot, self._discord, self._bus, self._posts = bot, discord, bus, posts
        self._composer, self._spaces, self._by_token = composer, spaces, by_token
        self._look = similar
        self._admission, self._deadline_s = Admission(bus, deadline_s), deadline_s
        self._pace = Pace(edit_s)
        self._told: set[tuple[int, tuple[str, ...]]] = set()

    async def answer(self, question: Question) -> None:
        """Until nothing is left to do about it. Raises nothing that is expected to happen."""
        try:
            outcome = await self._answer(question)
        except Gone:
            outcome = await self._give_up(question, "deleted")
        except Refused as error:
            self._say(question, error)
            outcome = await self._give_up(question, "refused")
        except Invalid as error:
            log.error("Discord does not take an answer", bot=self._bot, reason=str(error))
            return await self.abandon(question)
        except Erased:
            outcome = "erased"
            await self._take_down(question)
        question.has_ended = True
        metrics.TURNS.labels(self._bot, outcome).inc()
        await self._keep(question, state="done")

    async def abandon(self, question: Question) -> None:
        """After an error of ours: an apology, and it is done. Begun anew it would fail again."""
        await self.cancel(question, "abandoned")
        post = question.post
        try:
            manner = self._manner(question)
            message = phrase("unavailable", manner.language)
            (*_, body) = rendering.failed(message, "", manner, retryable=True)
            for answer in post.answers[:1]:
                await self._port(post).edit(post.channel, answer, body)
        except (UnknownSpace, Gone, Refused, Invalid, Unreachable):
            await self._take_down(question)
        metrics.TURNS.labels(self._bot, "abandoned").inc()
        await self._keep(question, state="done")

    async def cancel(self, question: Question, reason: str) -> None:
        """Stops it: stop, superseded (asked anew), deleted, refused, abandoned."""
        question.cancelled = question.cancelled or reason
        if question.event is not None:
            with contextlib.suppress(Unavailable, Erased):
                await self._bus.publish(cancellation(question.event, question.cancelled))

    async def fetch(self, question: Question) -> None:
        """What was asked, from Discord. Raises Gone where the last message of it is gone."""
        where, found = question.post.channel, []
        for message in question.post.questions:
            try:
                found.append(await self._message(where, message))
            except Gone:
                if message == question.post.message:
                    raise
        question.messages = found

    async def _message(self, channel: int, message: int) -> Message:
        return await patiently(lambda: self._discord.message(channel, message), Unreachable)

    async def _answer(self, question: Question) -> str:
        """The outcome. Raises Gone, Refused, Invalid and Erased."""
        begun = time.monotonic()
        if question.cancelled:
            return await self._give_up(question, question.cancelled)
        await self._look_up(question)
        if question.is_late and not question.post.answers:
            return "expired"
        with _traced(question):
            return await self._shown(question, begun)

    async def _shown(self, question: Question, begun: float) -> str:
        await self._open(question)
        async with self._showing(question) as showing, self._looking(question):
            if question.post.retries:
                manner = self._manner(question)
                showing.show(lambda: rendering.placeholder(manner))
            if question.is_late:
                message = phrase("expired", self._manner(question).language)
                return await self._fail(question, showing, _failure(message))
            while True:
                try:
                    return await self._follow(question, showing)
                except InvalidAttachment as error:
                    return await self._fail(
                        question, showing, _failure(str(error), retryable=False)
                    )
                except Unavailable:
                    if time.monotonic() - begun > self._deadline_s:
                        message = phrase("unavailable", self._manner(question).language)
                        return await self._fail(question, showing, _failure(message))
                await asyncio.sleep(AGAIN_S)

    async def _look_up(self, question: Question) -> None:
        """After a restart: is it on the bus, and what was asked? Raises Gone."""
        if not question.is_resumed:
            return
        facts = await patiently(lambda: self._bus.facts(*question.thread), Unavailable)
        for event in facts:
            if event.turn == question.post.turn and event.HasField("utterance_received"):
                question.event = event
                return
        if question.post.token:
            question.messages = [self._asked_before(question, facts)]
        else:
            await self.fetch(question)

    def _asked_before(self, question: Question, facts: Iterable[pb.Event]) -> Message:
        """A command's words, which the turn that is asked again has. Raises Gone."""
        for event in facts:
            if event.turn == question.post.retries and event.HasField("utterance_received"):
                return said_by_command(question.post, event.utterance_received.utterance.text)
        raise Gone("nobody knows any more what was asked")

    async def _open(self, question: Question) -> None:
        """Our message below the question, exactly one. Raises Gone, Refused."""
        post = question.post
        if post.answers:
            return
        found = await self._ours(post) if question.is_resumed else ()
        if not found:
            if missing := self._discord.lacking(post.channel):
                raise Refused(missing)
            body = rendering.placeholder(self._manner(question))[0]
            found = (await self._send(post, 0, body, post.message),)
            age_s = time.time() - said_at(post.message)
            observe(metrics.PLACEHOLDER.labels(self._bot), max(age_s, 0))
        await self._keep(question, state="asked", answers=found)

    async def _ours(self, post: Post) -> tuple[int, ...]:
        """What we had said below it before a restart that nobody wrote down."""
        later = await patiently(
            lambda: self._discord.history(post.channel, after=post.message), Unreachable
        )
        ours = (m for m in later if m.author.id == self._discord.user)
        return tuple(m.id for m in ours if m.replies_to == post.message)[:1]

    async def _send(self, post: Post, place: int, body: Body, reply_to: int | None = None) -> int:
        """The same message however often it is called, within minutes."""
        key = nonce(self._bot, post.message, f"{post.retries and post.turn}/{place}")
        return await patiently(
            lambda: self._port(post).send(post.channel, body, nonce=key, reply_to=reply_to),
            Unreachable,
        )

    @contextlib.asynccontextmanager
    async def _showing(self, question: Question) -> AsyncIterator[Showing]:
        async def add(place: int, body: Body) -> int:
            made = await self._send(question.post, place, body)
            await self._keep(question, answers=(*question.post.answers, made))
            return made

        post = question.post
        port = self._port(post)
        async with Showing(port, post.channel, post.answers, add, self._pace) as showing:
            yield showing

    @contextlib.asynccontextmanager
    async def _looking(self, question: Question) -> AsyncIterator[None]:
        """For solved posts, while the answer is being written."""
        if self._look is None:
            yield
            return
        looking = self._look(question.post, question.words)
        question.similar = asyncio.create_task(looking)
        try:
            yield
        finally:
            question.similar.cancel()

    async def _follow(self, question: Question, showing: Showing) -> str:
        """Admits the turn, unless it was, and shows it to its end. Raises Unavailable, too."""
        since = None if question.event is None else ""
        async with self._bus.follow(*question.thread, since_turn=since) as stream:
            if question.event is None and not await self._begin(question):
                return await self._cancelled(question, showing, question.cancelled, "")
            view, text = TurnView(question.post.turn), ""
            patience = Patience(self._bus, question.thread, self._deadline_s, CHANNEL)
            async for told in watch(stream, view, patience, showing.gone, lambda: view.ended):
                if told and told.name in {"completed", "failed", "cancelled"}:
                    return await self._end(question, showing, told, text)
                text = self._advance(question, showing, told, text)
        await showing.end(())  # nothing can be shown: raises why
        return "failed"

    async def _begin(self, question: Question) -> bool:
        """Puts it on the bus; it waits for another turn of its conversation. False: cancelled."""
        composed = await self._composer.compose(self._discord, question.post, question.messages)
        if composed.notes:
            await self._keep(question, notes=composed.notes)
        while not question.cancelled:
            first = self._admission.begin(question.thread, composed.utterance, question.post.turn)
            try:
                with contextlib.suppress(OtherWords):  # edited since: what was asked first counts
                    await self._admission.admit(first)
            except Running:
                await asyncio.sleep(AGAIN_S)
                continue
            question.event = first
            if question.cancelled:
                await self.cancel(question, question.cancelled)
            return True
        return False

    def _advance(self, question: Question, showing: Showing, told: Told | None, text: str) -> str:
        """Shows what came, and returns the text that is there by now."""
        if told is None or told.name not in {"delta", "notice", "restarted"}:
            return text
        text = "" if told.name == "restarted" else text + told.data.get("text", "")
        manner, notice = self._manner(question), told.data.get("message", "")
        showing.show(lambda: rendering.so_far(text, manner, notice))
        return text

    async def _end(self, question: Question, showing: Showing, told: Told, text: str) -> str:
        event = told.event
        if told.name == "cancelled":
            return await self._cancelled(question, showing, told.data["reason"], text)
        if told.name == "failed" or event is None:
            await self._fail(question, showing, told.data, told.data.get("shown") or text)
        else:
            similar, took_s = await _found(question), _took_s(question, event)
            manner = self._manner(question, event.answer_completed.language)
            await showing.end(rendering.final(event.answer_completed, took_s, manner, similar))
        return told.name

    async def _cancelled(self, question: Question, showing: Showing, reason: str, text: str) -> str:
        """What was stopped stays; what is asked anew is shown by the next turn."""
        if reason == "stop":
            await showing.end(rendering.cancelled(text, self._manner(question)))
        elif reason != "superseded":
            await self._take_down(question)
        return "cancelled"

    async def _fail(
        self, question: Question, showing: Showing, data: dict[str, Any], shown: str = ""
    ) -> str:
        """`data` as channels.answers.failed gives it."""
        manner, retryable = self._manner(question), data["retryable"]
        await showing.end(rendering.failed(data["message"], shown, manner, retryable=retryable))
        return "failed"

    async def _give_up(self, question: Question, reason: str) -> str:
        await self.cancel(question, reason)
        await self._take_down(question)
        return reason

    async def _take_down(self, question: Question) -> None:
        for message in question.post.answers:
            with contextlib.suppress(Gone, Refused, Unreachable):
                await self._port(question.post).delete(question.post.channel, message)

    async def _keep(self, question: Question, **changes: Any) -> None:
        """Writes it down, however long that takes."""
        question.post = dataclasses.replace(question.post, **changes)
        with contextlib.suppress(Erased):
            await patiently(lambda: self._posts.write(question.post), Unavailable)

    def _port(self, post: Post) -> Discord:
        return self._by_token(post) if post.token and self._by_token else self._discord

    def _manner(self, question: Question, language: str = "") -> rendering.Manner:
        """`language` is the answer's; without one the place's, else the space's."""
        post = question.post
        space = self._spaces.get(post.space)
        language = language or post.ask.language or space.languages[0]
        notice = rendering.ai_notice(space, language, post.ask.address)
        return rendering.Manner(
            post.conversation,
            post.turn,
            language,
            footer=post.ask.footer,
            notice=notice if post.is_first else "",
            notes=post.notes,
            asked=question.words if post.token else "",
        )

    def _say(self, question: Question, error: Refused) -> None:
        """Once per channel, or forum, and permission."""
        place = question.messages[0].place if question.messages else None
        where = (place and place.parent) or question.post.channel
        for permission in error.permissions or ("unknown",):
            metrics.REFUSALS.labels(self._bot, permission).inc()
        if (where, error.permissions) in self._told:
            return
        self._told.add((where, error.permissions))
        log.warning(
            "a bot may not answer: give it these permissions",
            bot=self._bot,
            channel=where,
            permissions=", ".join(error.permissions) or "unknown: is the post locked?",
        )


@contextlib.contextmanager
def _traced(question: Question) -> Iterator[None]:
    """The root of its turn's trace; after a restart a further part of it, if it was admitted."""
    post = question.post
    parent, links = tracing.of_turn(post.turn), tracing.link(post.retries)
    with tracing.span("question on Discord", kind=tracing.SERVER, parent=parent, links=links):
        turn = pb.Event(
            turn=post.turn, conversation=post.conversation, space=post.space, channel=CHANNEL
        )
        tracing.about(turn)
        yield


def _took_s(question: Question, completed: pb.Event) -> float:
    """From the question on; from the click, where it was asked again."""
    begun_s = said_at(question.post.message)
    if question.post.retries and question.event:
        begun_s = question.event.occurred_at.ToMicroseconds() / 1e6
    return max(0.0, completed.occurred_at.ToMicroseconds() / 1e6 - begun_s)


async def _found(question: Question) -> Sequence[Similar]:
    """Solved posts, as far as they were found by the time that the answer stands."""
    looking = question.similar
    if looking is None or not (await asyncio.wait((looking,), timeout=SIMILAR_S))[0]:
        return ()
    return () if looking.exception() else looking.result()


def _failure(message: str, *, retryable: bool = True) -> dict[str, Any]:
    return {"message": message, "retryable": retryable}
