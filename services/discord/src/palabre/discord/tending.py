"""What a bot does for the forums that it looks after: what is heard, missed, undone."""

import asyncio
import contextlib
import time
from typing import Protocol

import structlog

from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.discord.calls import Gone, Refused, Unreachable, patiently
from palabre.discord.interactions import Interaction, Replies
from palabre.discord.marks import Mark
from palabre.discord.messages import Body, Message, Person, Place
from palabre.discord.posts import said_at
from palabre.discord.routing import Charge
from palabre.discord.sending import Discord
from palabre.discord.solved import UNDO, Solved, has_tag
from palabre.discord.texts import say
from palabre.discord.work import Work

log = structlog.get_logger()

SETTLED_S = 30.0  # of quiet before what was said later goes into the index
AGAIN_S = 10.0
LOOK_S = 1.5  # of the three seconds that there are for a click
LOOK_EVERY_S = 5.0  # at what spaces say, and who was erased
SWEEP_EVERY_S = 86_400.0
PACE_S = 0.5  # between posts that nobody waits for
ARCHIVED_MOST = 1_000  # of one forum
_MONTH_S = 30 * 86_400.0


class Situation(Protocol):
    async def __call__(self, asked: Interaction, *, at_once: bool) -> tuple[Place, Person]: ...


class Tending:
    """For one bot, while its lease is held. Nothing here raises what is expected to happen."""

    def __init__(
        self,
        discord: Discord,
        bus: Bus,
        solved: Solved,
        work: Work,
        situation: Situation,
        settled_s: float = SETTLED_S,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._discord, self._bus, self._solved = discord, bus, solved
        self._work, self._situation, self._settled_s = work, situation, settled_s
        self._look_every_s = look_every_s
        self._touched: dict[int, asyncio.Task[None]] = {}
        self._sweep_at = 0.0
        self._charges: dict[int, Charge] | None = None  # as they were when we looked last
        self._catching_up = asyncio.Lock()

    def says_so(self, message: Message) -> bool:
        return self._solved.says_so(message)

    def heard(self, message: Message) -> None:
        """Every message of a post, those that say that it is solved among them."""
        if self._solved.charge(message.place) is None:
            return
        if self.says_so(message):
            self._work.start("solved", self._solved.mark(message.place, message.id))
        elif not message.is_starter:
            self.touched(message.place.channel)

    def changed(self, place: Place) -> None:
        charge = self._solved.charge(place)
        if charge and has_tag(place, charge):
            self._work.start("solved", self._solved.mark(place))
        elif charge:
            self._work.start("solved", self._solved.look_again(place.channel))

    def deleted(self, channel: int, message: int | None) -> None:
        if message in (None, channel):
            self._work.start("solved", self._solved.gone(channel))
        else:
            self.touched(channel)

    def touched(self, post: int) -> None:
        """Something in it is not what it was, if it is a solved one."""
        if waiting := self._touched.pop(post, None):
            waiting.cancel()
        self._touched[post] = self._work.start("solved", self._settled(post))

    def takes(self, asked: Interaction) -> bool:
        return asked.kind == "button" and asked.name == UNDO

    async def answer(self, asked: Interaction, replies: Replies) -> None:
        """Somebody clicked: it is not solved."""
        with contextlib.suppress(Gone, Refused, Unreachable):
            place, person = await self._situation(asked, at_once=True)
            if place.owner != person.id and not person.manages_threads:
                await _refuse(asked, replies, "not_yours")
                return
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._solved.begin_undoing(asked.channel)
            except TimeoutError:
                await _refuse(asked, replies, "unavailable")
                return
            self._work.start("solved", self._solved.go_on(asked.channel))
            await replies.update(Body(say("solved.undone", asked.language)))

    async def ready(self) -> None:
        """After each login: what was begun, what was missed, what is archived."""
        if self._catching_up.locked():
            return
        async with self._catching_up:
            self._charges = self._solved.charges()
            marks = await self._marks()
            for mark in marks.values():
                await self._resume(mark)
            await self._open_posts(marks)
            await self._backfill()
            if time.monotonic() >= self._sweep_at:
                self._sweep_at = time.monotonic() + SWEEP_EVERY_S
                await self._sweep()

    async def keep_current(self) -> None:
        """What a space changes, who wants to be forgotten, and once a day what is archived."""
        erased = -1
        while True:
            if len(self._bus.erased) != erased:
                erased = len(self._bus.erased)
                await self._keep_erased_out()
            is_due = time.monotonic() >= self._sweep_at or self._solved.charges() != self._charges
            if self._charges is not None and is_due:
                await self.ready()
            await asyncio.sleep(self._look_every_s)

    async def _keep_erased_out(self) -> None:
        for mark in (await self._marks()).values():
            gone = mark.state != "erased" and mark.conversation in self._bus.erased
            if gone and self._solved.charge_of(mark):
                await self._solved.keep_out(mark.post)

    async def _resume(self, mark: Mark) -> None:
        """What was begun; a post that changed its forum's consent since it was indexed."""
        charge = self._solved.charge_of(mark)
        if charge is None:
            return
        if mark.state in {"marking", "undoing"}:
            self._work.start("solved", self._solved.go_on(mark.post))
        elif mark.state == "solved" and mark.is_indexed != charge.forum.index_solved:
            await self._solved.look_again(mark.post)
            await asyncio.sleep(PACE_S)

    async def _open_posts(self, marks: dict[int, Mark]) -> None:
        """Tags that were put and taken off while nobody listened."""
        for place in self._discord.posts():
            charge = self._solved.charge(place)
            mark = marks.get(place.channel)
            is_marked = mark is not None and mark.state == "solved"
            if charge and has_tag(place, charge) and not is_marked:
                await self._solved.mark(place, quietly=True)
            elif charge and is_marked and not has_tag(place, charge):
                await self._solved.look_again(place.channel)

    async def _backfill(self) -> None:
        """Once for each forum, and once more when more months are wanted."""
        for forum, charge in self._solved.charges().items():
            months = charge.forum.solved_months
            with contextlib.suppress(Gone, Refused, Unreachable, Unavailable):
                is_done = await self._solved.marks.backfilled(forum) >= months
                if charge.forum.index_solved and not is_done:
                    await self._index_archived(forum, charge, months)
                    await self._solved.marks.note_backfilled(forum, months)

    async def _index_archived(self, forum: int, charge: Charge, months: int) -> None:
        since = time.time() - months * _MONTH_S
        archived = await self._discord.archived(forum, ARCHIVED_MOST)
        wanted = [p for p in archived if has_tag(p, charge) and said_at(p.channel) >= since]
        for number, place in enumerate(wanted):
            if number % 25 == 0:
                log.info("indexing solved posts", forum=forum, done=number, of=len(wanted))
            await self._solved.mark(place, quietly=True)
            await asyncio.sleep(PACE_S)
        log.info("indexed solved posts", forum=forum, done=len(wanted), of=len(wanted))

    async def _sweep(self) -> None:
        """Of what is archived nobody tells that it went, or lost its tag, while we were away."""
        seen = {place.channel for place in self._discord.posts()}
        for mark in (await self._marks()).values():
            charge = self._solved.charge_of(mark)
            if charge and mark.state == "solved" and mark.post not in seen:
                await self._solved.look_again(mark.post)
                await asyncio.sleep(PACE_S)

    async def _settled(self, post: int) -> None:
        await asyncio.sleep(self._settled_s)
        del self._touched[post]
        await self._solved.look_again(post)

    async def _marks(self) -> dict[int, Mark]:
        return await patiently(self._solved.marks.all, Unavailable, again_s=AGAIN_S)


async def _refuse(asked: Interaction, replies: Replies, why: str) -> None:
    if await replies.defer(private=True):
        await replies.show(Body(say(f"solved.{why}", asked.language)))
