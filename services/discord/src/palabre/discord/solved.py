"""Solved posts of forums: marked when people say so, and made knowledge where the space consents.

What was begun stands in the bucket `discord`, so that a restart finishes it; each step may be done
again. One bot looks after a forum; the others only know that "solved" is no question.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable
from functools import partial
from weakref import WeakValueDictionary

import structlog

from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.discord import metrics
from palabre.discord.calls import Gone, Invalid, Refused, Unreachable, patiently
from palabre.discord.cases import Told, case_of
from palabre.discord.knowledge import Document, Knowledge, NotTaken
from palabre.discord.marks import Mark, Marks, State
from palabre.discord.messages import Body, Button, Message, Place
from palabre.discord.posts import Posts, conversation_of
from palabre.discord.routing import CHANNEL, Ask, Charge, Surroundings, in_charge
from palabre.discord.sending import PAGE, Discord, nonce
from palabre.discord.solving import says_solved
from palabre.discord.texts import LANGUAGES, Speech, say

log = structlog.get_logger()

UNDO = "s:undo"
AGAIN_S = 5.0
READ_MOST = 500  # messages of a post


class Solved:
    """For one bot, while its lease is held."""

    def __init__(
        self,
        bot: str,
        discord: Discord,
        bus: Bus,
        posts: Posts,
        knowledge: Knowledge,
        around: Callable[[], Surroundings],
    ) -> None:
        self._bot, self._discord, self._bus, self._posts = bot, discord, bus, posts
        self._knowledge, self._around, self.marks = knowledge, around, Marks(bus)
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def says_so(self, message: Message) -> bool:
        """Its author, or who manages the forum, says that a post is solved: that asks nothing."""
        place, author = message.place, message.author
        if message.is_starter or author.is_bot or in_charge(place, self._around()) is None:
            return False
        return (author.id == place.owner or author.manages_threads) and says_solved(message.text)

    def charge(self, place: Place) -> Charge | None:
        """What this bot has to see to there; None: nothing, or another one does."""
        found = in_charge(place, self._around())
        return found if found and found.bot == self._bot else None

    def charge_of(self, mark: Mark) -> Charge | None:
        return self.charge(Place("post", mark.post, mark.server, mark.forum))

    def charges(self) -> dict[int, Charge]:
        """Every forum that this bot looks after."""
        rules = (space.discord for space in self._around().spaces.values())
        forums = [(int(s), int(f.channel)) for r in rules for f in r.forums for s in r.servers]
        return {
            forum: charge
            for server, forum in forums
            if (charge := self.charge(Place("post", 0, server, forum)))
        }

    async def mark(self, place: Place, message: int = 0, *, quietly: bool = False) -> None:
        """`message` said so; 0: somebody has put the tag. `quietly`: people are not told."""
        charge = self.charge(place)
        if charge is None or place.server is None or place.parent is None:
            return
        async with self._lock(place.channel):
            old = (await self._known(place.channel)) or self._new(place, charge)
            if old.state == "erased" or (old.state in {"solved", "undoing"} and not message):
                return
            if message and message == old.message and old.state != "marking":
                return  # told twice, or taken back since
            if old.conversation in self._bus.erased:
                await self._forget(old, "erased")
                return
            told = quietly or old.state == "solved"
            mark = dataclasses.replace(old, state="marking", message=message, is_told=told)
            await self._put(mark)
            await self._finish(mark)

    async def unmark(self, post: int) -> None:
        await self.begin_undoing(post)
        await self.go_on(post)

    async def begin_undoing(self, post: int) -> None:
        """Writes it down, so that it will be done, unless there is nothing to undo."""
        async with self._lock(post):
            mark = await self._known(post)
            if mark and mark.state in {"marking", "solved"}:
                await self._put(dataclasses.replace(mark, state="undoing"))

    async def go_on(self, post: int) -> None:
        """With what was begun and is not done."""
        async with self._lock(post):
            mark = await self._known(post)
            if mark and mark.state in {"marking", "undoing"}:
                await self._finish(mark)

    async def _finish(self, mark: Mark) -> None:
        """From wherever it stands."""
        try:
            await (self._settle if mark.state == "marking" else self._undo)(mark)
        except Gone:
            await self._forget(mark)
        except Refused as error:
            for permission in error.permissions or ("manage_threads",):
                metrics.REFUSALS.labels(self._bot, permission).inc()
            log.warning(
                "a bot may not change tags: give it the permission to manage threads",
                bot=self._bot,
                forum=mark.forum,
            )
            await self._put(dataclasses.replace(mark, state="out"))

    async def look_again(self, post: int) -> None:
        """Its tags, its messages or its conversation changed; or we were away meanwhile."""
        async with self._lock(post):
            mark = await self._known(post)
            if mark and mark.state == "solved" and self.charge_of(mark):
                try:
                    await self._look(mark)
                except Gone:
                    await self._forget(mark)
                except Refused:
                    return  # nobody can tell

    async def _look(self, mark: Mark) -> None:
        """Raises Gone, Refused."""
        place = await self._patiently(lambda: self._discord.place(mark.post, fresh=True))
        charge = self.charge(place)
        if charge and has_tag(place, charge):
            await self._store(mark, await self._document(mark, place, charge))
        elif charge:
            mark = dataclasses.replace(mark, state="undoing")
            await self._put(mark)
            await self._finish(mark)

    async def gone(self, post: int) -> None:
        """It was deleted, or its question was."""
        async with self._lock(post):
            mark = await self._known(post)
            if mark and mark.state != "erased" and self.charge_of(mark):
                await self._forget(mark)

    async def keep_out(self, post: int) -> None:
        """Its author wants to be forgotten."""
        async with self._lock(post):
            mark = await self._known(post)
            if mark and mark.state != "erased" and mark.conversation in self._bus.erased:
                await self._forget(mark, "erased")

    async def _forget(self, mark: Mark, state: State = "out") -> None:
        """Out of the index; the post itself is gone, or not ours to touch."""
        await self._take_out(mark)
        await self._put(dataclasses.replace(mark, state=state, is_indexed=False))

    def _new(self, place: Place, charge: Charge) -> Mark:
        ask = Ask("post", charge.space, charge.bot, "")
        owner = place.owner or 0
        return Mark(
            post=place.channel,
            server=place.server or 0,
            forum=place.parent or 0,
            space=charge.space,
            conversation=conversation_of(ask, place.channel, owner, 0, ()),
        )

    async def _settle(self, mark: Mark) -> None:
        """Raises Gone, Refused."""
        place = await self._patiently(lambda: self._discord.place(mark.post))
        charge = self.charge(place)
        if charge is None:
            return
        tag = charge.forum.solved_tag
        await self._patiently(lambda: self._discord.tag(mark.post, tag))
        document = await self._document(mark, place, charge)
        if not mark.is_told:
            await self._tell(mark, charge, becomes_knowledge=document is not None)
            metrics.SOLVED.labels(self._bot, "marked").inc()
        await self._store(dataclasses.replace(mark, state="solved", is_told=True), document)

    async def _undo(self, mark: Mark) -> None:
        """Raises Gone, Refused."""
        await self._take_out(mark)
        place = await self._patiently(lambda: self._discord.place(mark.post))
        if charge := self.charge(place):
            tag = charge.forum.solved_tag
            await self._patiently(lambda: self._discord.tag(mark.post, tag, on=False))
        await self._put(dataclasses.replace(mark, state="out", is_indexed=False, is_told=False))
        metrics.SOLVED.labels(self._bot, "undone").inc()

    async def _tell(self, mark: Mark, charge: Charge, *, becomes_knowledge: bool) -> None:
        """Once: by its nonce within minutes, later by what stands in the post."""
        speech = self._speech(charge)
        text = speech.say("solved.marked")
        if becomes_knowledge:
            text = f"{text} {speech.say('solved.becomes_knowledge')}"
        after = mark.message or mark.post
        later = await self._patiently(lambda: self._discord.history(mark.post, after=after))
        if any(m.author.id == self._discord.user and m.text == text for m in later):
            return
        body = Body(text, buttons=(Button(UNDO, speech.say("solved.undo")),))
        key = nonce(self._bot, after, "solved")
        with contextlib.suppress(Invalid):
            await self._patiently(
                lambda: self._discord.send(
                    mark.post, body, nonce=key, reply_to=mark.message or None
                )
            )

    async def _store(self, mark: Mark, document: Document | None) -> None:
        """Out of the index where there is nothing to tell."""
        try:
            if document:
                await self._patiently(partial(self._knowledge.put, mark.space, document))
                metrics.SOLVED.labels(self._bot, "indexed").inc()
            else:
                await self._take_out(mark)
        except NotTaken as error:
            log.warning("a solved post is not indexed", post=mark.post, reason=str(error))
            document = None
        await self._put(dataclasses.replace(mark, is_indexed=document is not None))

    async def _document(self, mark: Mark, place: Place, charge: Charge) -> Document | None:
        if not self._may_index(place, charge):
            return None
        tier, language = charge.forum.tier, self._speech(charge).language
        case = case_of(await self._told(mark, place, charge), language)
        if case is None:
            return None
        return Document(mark.document, case.title, place.link, tier, language, case.text)

    def _may_index(self, place: Place, charge: Charge) -> bool:
        """With consent; what not everybody reads becomes public only where somebody says so."""
        forum = charge.forum
        if not forum.index_solved:
            return False
        if place.is_public or "tier" in forum.model_fields_set:
            return True
        log.warning("a forum is not public: name the tier of its solved posts", forum=forum.channel)
        return False

    async def _told(self, mark: Mark, place: Place, charge: Charge) -> Told:
        messages: list[Message] = []
        before: int | None = None
        while len(messages) < READ_MOST:
            read = partial(self._discord.history, mark.post, before=before)
            page = await self._patiently(read)
            messages = [*page, *messages]
            if len(page) < PAGE:
                break
            before = page[0].id
        answers = await self._answers(mark, charge, messages)
        return Told(place, messages, mark.message, self._around().ours, answers)

    async def _answers(self, mark: Mark, charge: Charge, messages: list[Message]) -> dict[int, str]:
        """What we said there by message: nothing where it knew too little, or told too much.

        Too much is what the asker may read and not everybody of the forum's tier.
        """
        may_read = {"public", charge.forum.tier}
        groups = self._around().spaces[charge.space].discord.groups
        posts = await self._patiently(lambda: self._posts.of_conversation(mark.conversation))
        thread = (mark.space, CHANNEL, mark.conversation)
        facts = await self._patiently(lambda: self._bus.facts(*thread))
        completed = {e.turn: e.answer_completed for e in facts if e.HasField("answer_completed")}
        told = {m.id: "" for m in messages if m.author.id in self._around().ours}
        if not posts and not groups:  # before the records begin, and nobody reads more than others
            return {each: "" for each in told if _is_confirmation(messages, each)}
        for post in posts:
            if post.answers and post.turn in completed:
                told[post.answers[-1]] = _usable(completed[post.turn], may_read)
        return told

    async def _take_out(self, mark: Mark) -> None:
        charge = self.charge_of(mark)
        # Also where we may have ended between the index and the mark.
        if mark.is_indexed or (charge and charge.forum.index_solved):
            await self._patiently(lambda: self._knowledge.remove(mark.space, mark.document))
            metrics.SOLVED.labels(self._bot, "removed").inc()

    async def _known(self, post: int) -> Mark | None:
        return (await self._patiently(lambda: self.marks.get(post))).get(post)

    async def _put(self, mark: Mark) -> None:
        await self._patiently(lambda: self.marks.put(mark))

    def _speech(self, charge: Charge) -> Speech:
        space = self._around().spaces[charge.space]
        return Speech(charge.forum.language or space.languages[0], charge.forum.address)

    def _lock(self, post: int) -> asyncio.Lock:
        return self._locks.setdefault(post, asyncio.Lock())

    async def _patiently[T](self, call: Callable[[], Awaitable[T]]) -> T:
        """However long the bus, the retriever or Discord is away."""
        return await patiently(call, Unavailable, Unreachable, again_s=AGAIN_S)


def _is_confirmation(messages: list[Message], message: int) -> bool:
    known = tuple(say("solved.marked", language) for language in LANGUAGES)
    return any(m.id == message and m.text.startswith(known) for m in messages)


def _usable(completed: pb.AnswerCompleted, may_read: set[str]) -> str:
    grounded = completed.mode == turns_pb2.ANSWER_MODE_GROUNDED
    tiers = {source.passage.tier or "public" for source in completed.sources}
    return completed.text if grounded and tiers <= may_read else ""


def has_tag(place: Place, charge: Charge) -> bool:
    return charge.forum.solved_tag.casefold() in {tag.casefold() for tag in place.tags}
