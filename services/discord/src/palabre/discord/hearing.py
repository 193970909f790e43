"""What is done about what a bot hears: who is answered, what was missed, what comes too late."""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence

import structlog

from palabre.chassis.bus import Bus
from palabre.chassis.errors import Erased, Unavailable
from palabre.discord import metrics
from palabre.discord.bots import Session
from palabre.discord.calls import AGAIN_S, Gone, Refused, Unreachable, patiently
from palabre.discord.conversations import Conversations
from palabre.discord.interactions import Answers, Interaction, Replies
from palabre.discord.messages import Message, Place
from palabre.discord.notes import Notes
from palabre.discord.posts import Post, conversation_of, said_at, turn_of
from palabre.discord.questions import LATE_S
from palabre.discord.registry import Registry
from palabre.discord.routing import Ask, Choice, Silence, Surroundings, answering, decide
from palabre.discord.tending import Tending

log = structlog.get_logger()

STARTER_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_REMEMBERED = 10_000
_AT_ONCE = 4


class Hearing:
    """Listens for one bot, while its lease is held."""

    def __init__(
        self,
        session: Session,
        around: Callable[[], Surroundings],
        choice: Callable[[Place], Choice],
        bus: Bus,
        conversations: Conversations,
        notes: Notes,
        registry: Registry,
        desks: Sequence[Answers],
        tending: Tending,
    ) -> None:
        self._session, self._around, self._choice, self._bus = session, around, choice, bus
        self._conversations, self._notes, self._registry = conversations, notes, registry
        self._desks, self._tending = desks, tending
        self._heard: OrderedDict[int, None] = OrderedDict()
        self._in_a_row: OrderedDict[int, int] = OrderedDict()
        self._catching_up = asyncio.Lock()

    async def ready(self) -> None:
        """After each login: what was begun before, then what nobody heard meanwhile."""
        self._session.work.start("catching-up", self._catch_up())
        self._session.work.start("solved", self._tending.ready())

    async def said(self, message: Message) -> None:
        if not _remember(self._heard, message.id):
            return
        place, bot = message.place, self._session.name
        in_a_row = self._in_a_row.get(place.channel, 0)
        if not message.author.is_bot:
            self._in_a_row.pop(place.channel, None)
        self._tending.heard(message)
        if self._tending.says_so(message):
            metrics.MESSAGES.labels(bot, "solved").inc()
            return
        decision = decide(
            message,
            self._around(),
            choice=self._choice(place),
            heard_by=bot,
            answers_in_a_row=in_a_row,
        )
        outcome: str = decision.reason if isinstance(decision, Silence) else decision.kind
        if isinstance(decision, Ask) and decision.bot != bot:
            outcome = "another-bot"
        metrics.MESSAGES.labels(bot, outcome).inc()
        if outcome == "empty" and not self._session.reads:
            await self._explain(message)
        if isinstance(decision, Ask) and decision.bot == bot:
            self._session.work.start("asking", self._ask(message, decision))

    async def opened(self, post: Place) -> None:
        if post.kind == "post" and self._is_ours(post):
            self._session.work.start("starter", self._await_starter(post.channel))

    async def edited(self, channel: int, message: int) -> None:
        self._tending.touched(channel)
        await self._conversations.edited(channel, message, self._session.discord.message)

    async def deleted(self, channel: int, message: int | None) -> None:
        self._tending.deleted(channel, message)
        await self._conversations.deleted(channel, message)

    async def asked(self, interaction: Interaction, replies: Replies) -> None:
        for desk in self._desks:
            if desk.takes(interaction):
                self._session.work.start(interaction.kind, desk.answer(interaction, replies))

    async def changed(self, place: Place) -> None:
        """Tags and locks count for what is asked from now on; a post may be solved by now."""
        self._tending.changed(place)

    async def _ask(self, message: Message, ask: Ask) -> None:
        """Takes the question, however long the bus is away."""
        if message.author.is_bot:
            channel = message.place.channel
            self._in_a_row[channel] = self._in_a_row.get(channel, 0) + 1
        while True:
            with contextlib.suppress(Unavailable, Erased):
                post = self._post(message, ask)
                await self._conversations.ask(post, [message])
                return
            await asyncio.sleep(AGAIN_S)

    def _post(self, message: Message, ask: Ask) -> Post:
        channel, author = message.place.channel, message.author.id
        return Post(
            conversation=conversation_of(ask, channel, author, message.id, self._bus.erased),
            turn=turn_of(channel, message.id),
            bot=self._session.name,
            channel=channel,
            message=message.id,
            author=author,
            ask=ask,
            is_first=ask.kind != "follow-up",
        )

    async def _await_starter(self, channel: int) -> None:
        """A post's first message may come late, or never: then it is asked for."""
        for pause in STARTER_S:
            await asyncio.sleep(pause)
            if channel in self._heard:
                return
            with contextlib.suppress(Gone, Unreachable):
                await self.said(await self._session.discord.message(channel, channel))
                return
        log.info("a post has no first message", bot=self._session.name, channel=channel)

    async def _catch_up(self) -> None:
        async with self._catching_up:
            await patiently(self._resume, Unavailable)
            await self._all_missed()

    async def _resume(self) -> None:
        """Raises Unavailable."""
        await self._registry.refresh()
        for message in await self._conversations.resume(self._session.name):
            _remember(self._heard, message)

    async def _all_missed(self) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)
        active = self._session.discord.posts(time.time() - LATE_S)
        ours = [place for place in active if self._is_ours(place)]
        await asyncio.gather(*(self._missed(place, slots) for place in ours))

    def _is_ours(self, place: Place) -> bool:
        around = self._around()
        space = around.space_of(place)
        rules = around.spaces[space].discord if space else None
        return rules is not None and answering(rules, place) in {"once", "converse"}

    async def _missed(self, place: Place, slots: asyncio.Semaphore) -> None:
        """What was said in a post within the last hour that we have not heard."""
        discord, since = self._session.discord, time.time() - LATE_S
        with contextlib.suppress(Gone, Refused, Unreachable):
            async with slots:
                for message in await discord.history(place.channel):
                    late = said_at(message.id) < since
                    if not (late or message.author.is_bot or message.id in self._heard):
                        await self.said(await discord.message(place.channel, message.id))

    async def _explain(self, message: Message) -> None:
        """A post that we may not read: once, how to ask us all the same."""
        around = self._around()
        space = around.space_of(message.place)
        if space and message.is_starter and self._is_ours(message.place):
            forum = around.spaces[space].discord.forum(message.place.parent)
            language = forum.language if forum else ""
            self._session.work.start("note", self._notes.cannot_read(message, space, language))


def _remember(heard: OrderedDict[int, None], message: int) -> bool:
    """False when it was there; the oldest are forgotten."""
    if message in heard:
        return False
    heard[message] = None
    while len(heard) > _REMEMBERED:
        heard.popitem(last=False)
    return True
