"""/resume: what was said in a channel or thread, for who missed it."""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from functools import partial

import grpc

from palabre.chassis.errors import Busy, Unavailable
from palabre.chassis.streams import LEASE_TTL_S
from palabre.contracts.v1 import llm_pb2 as pb
from palabre.discord import metrics
from palabre.discord.calls import Gone, Refused, Unreachable
from palabre.discord.commands import delivering
from palabre.discord.commands.defining import Call, Command, Option
from palabre.discord.commands.ordering import Declined, Order, ordered
from palabre.discord.figures import number
from palabre.discord.markup import WAITING
from palabre.discord.messages import Body, Person, Place
from palabre.discord.posts import person_of
from palabre.discord.rendering import ai_notice
from palabre.discord.routing import Ask, Silence, decide_command
from palabre.discord.showing import Showing
from palabre.discord.summaries import (
    FOCUS,
    LOOKED_AT,
    Summary,
    linked,
    pictured,
    requested,
    summarise,
)
from palabre.discord.summary_rendering import shown
from palabre.discord.texts import say, texts
from palabre.discord.transcript import Transcript, existing, read

_AGAIN_S = 1.0


async def _resume(call: Call) -> None:
    try:
        async with call.desk.begun.noted(call.asked):
            await _sum_up(call)
    except Busy:
        await _decline(call, _say(call, "busy"))
    except Declined as declined:
        await _decline(call, str(declined))


async def _sum_up(call: Call) -> None:
    """Raises Busy while another one is made for the same person, by whichever bot."""
    if await call.decide() is None:
        return
    order = ordered(call)
    place, ask = await _allowed(call, order.channel)
    space = call.space(ask)
    async with _progress(call) as showing:
        summing = _Summing(call, order.bound(place, space), place, ask, showing)
        async with contextlib.AsyncExitStack() as held:
            await _alone(call, held)
            summary = await summing.made()
        bodies = await summing.shown(summary)
    await delivering.keep_copy(call, space, order.channel, bodies)


async def _alone(call: Call, held: contextlib.AsyncExitStack) -> None:
    """Raises Busy. What a killed process had begun waits until its lease is over."""
    until = time.monotonic() + (LEASE_TTL_S + _AGAIN_S if call.is_again else 0)
    while True:
        try:
            lease = call.desk.leases.hold(f"summary.{person_of(call.person.id)}")
            await held.enter_async_context(lease)
        except Busy:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(_AGAIN_S)
        else:
            return


@dataclass(frozen=True, slots=True)
class _Summing:
    """One summary on its way. What is not done raises Declined."""

    call: Call
    order: Order
    place: Place
    ask: Ask
    showing: Showing

    async def made(self) -> Summary:
        """The asker's rights are looked at again after each step: it may have taken long."""
        transcript = await self._read()
        await _allowed(self.call, self.order.channel)
        points, end = await self._asked(await self._request(transcript))
        wanted = [int(source) for point in points for source in point.sources[:LOOKED_AT]]
        with _as_words(self.call):
            there = await existing(self.call.desk.discord, self.place, wanted)
        await _allowed(self.call, self.order.channel)
        if found := linked(points, transcript, there):
            return Summary(self.place, transcript, found, end, self.order.focus)
        raise Declined(_say(self.call, "nothing"))

    async def shown(self, summary: Summary) -> list[Body]:
        """Below the command for all, or for its asker alone; returns what is shown."""
        call, order = self.call, self.order
        why = await delivering.hidden(call, order.channel) if order.is_public else ""
        notice = ai_notice(call.space(self.ask), call.language)
        bodies = shown(summary, call.language, notice, [_say(call, why)] if why else [])
        told = bodies
        if order.is_public and not why and (link := await delivering.publish(call, bodies)):
            told = [Body(_say(call, "published", link=link))]
        await delivering.hand_over(call, told, self.showing)
        return bodies

    async def _read(self) -> Transcript:
        def told(count: int) -> None:
            self._tell("reading", count=number(count, self.call.language))

        desk, order = self.call.desk, self.order
        ours, most, since = desk.around().ours, order.most, order.since
        naming = partial(desk.access.names, self.place.server or 0)
        with _as_words(self.call):
            found = await read(
                desk.discord, self.place, ours, most=most, since=since, told=told, naming=naming
            )
        return replace(found, is_cut=found.is_cut and not order.is_exact)

    async def _request(self, transcript: Transcript) -> pb.SummariseRequest:
        call, ask = self.call, self.ask
        self._tell("begun", count=number(len(transcript.messages), call.language))
        most = call.space(ask).discord.summaries.images
        images = await pictured(call.desk.files, ask.space, transcript, most)
        request = await asyncio.to_thread(
            requested, ask, call.person.id, transcript, images, self.order.focus
        )
        if not request.messages:
            raise Declined(_say(call, "empty" if call.desk.reads else "reduced"))
        return request

    async def _asked(
        self, request: pb.SummariseRequest
    ) -> tuple[list[pb.SummaryPoint], pb.SummaryEnd]:
        """Raises AioRpcError, too."""
        try:
            return await summarise(self.call.desk.llm, request, self._told)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise Declined(_spent(self.call, error)) from error
            raise

    def _told(self, progress: pb.SummaryProgress) -> None:
        if progress.parts_total:
            self._tell("writing", done=progress.parts, parts=progress.parts_total)
        elif progress.images_total:
            self._tell("looking", done=progress.images, total=progress.images_total)

    def _tell(self, key: str, **values: object) -> None:
        self.showing.show(lambda: [Body(_waiting(self.call, key, **values))])


async def _allowed(call: Call, channel: int) -> tuple[Place, Ask]:
    """Raises Declined, in an order that says nothing of what the asker cannot see."""
    with _as_words(call):
        standing = await call.desk.access.standing(call.person.id, channel)
    if not standing.reads or standing.place.server != call.asked.server:
        raise Declined(_say(call, "unreadable"))
    if standing.is_for_adults and not await _is_among_adults(call, channel):
        raise Declined(_say(call, "adults"))
    if not standing.holds_messages:
        raise Declined(_say(call, "no-messages"))
    person = replace(call.person, roles=standing.roles)
    ask = _served(call, person, standing.place)
    roles = call.space(ask).discord.summaries.roles
    if roles and not {*roles} & {str(role) for role in person.roles}:
        raise Declined(_say(call, "roles"))
    if not (roles or standing.manages_messages):
        raise Declined(_say(call, "moderators"))
    if standing.lacking:
        raise Declined(_lacking(call, standing.lacking))
    return standing.place, ask


async def _is_among_adults(call: Call, channel: int) -> bool:
    """Discord tells nobody's age, but lets nobody else ask from such a place."""
    if channel == call.asked.channel:
        return True
    with _as_words(call):
        return (await call.desk.access.standing(call.person.id, call.asked.channel)).is_for_adults


def _served(call: Call, person: Person, place: Place) -> Ask:
    """By the rules of the place that is summed up. Raises Declined."""
    choice, around = call.desk.choices.of(place), call.desk.around()
    decided = decide_command(person, place, around, call.desk.bot, choice)
    if isinstance(decided, Silence):
        raise Declined(say(f"routing.{decided.reason}", call.language))
    return decided


@contextlib.asynccontextmanager
async def _progress(call: Call) -> AsyncIterator[Showing]:
    """What is shown to the asker alone while it goes on."""
    message = await call.replies.show(Body(_waiting(call, "reading", count=0)))

    async def add(place: int, body: Body) -> int:
        return await call.replies.add(body, private=True)

    port = delivering.by_token(call, private=True)
    async with Showing(port, call.asked.channel, [message], add, call.desk.pace) as showing:
        yield showing


def _waiting(call: Call, key: str, **values: object) -> str:
    return f"{WAITING} {_say(call, key, **values)}"


async def _decline(call: Call, text: str) -> None:
    metrics.SUMMARIES.labels(call.desk.bot, "declined").inc()
    await call.replies.show(Body(text))


def _say(call: Call, key: str, **values: object) -> str:
    return say(f"summaries.{key}", call.language, "vous", **values)


def _spent(call: Call, error: grpc.aio.AioRpcError) -> str:
    """With the time when the budget opens again, where llm tells it."""
    told = dict(error.trailing_metadata() or ())
    if not (opens := told.get("palabre-opens")):
        return _say(call, "budget")
    at = dt.datetime.fromisoformat(str(opens))
    return _say(call, "budget-until", opens=f"<t:{int(at.timestamp())}:R>")


def _lacking(call: Call, permissions: tuple[str, ...]) -> str:
    """Named as Discord's own settings name them; those that reading needs."""
    known = texts(call.language)
    keys = [f"permissions.{name}" for name in permissions]
    named = [known[key] for key in keys if key in known] or [known["permissions.view_channel"]]
    quoted = (say("summaries.quotation", call.language, words=name) for name in named)
    return _say(call, "lacking", permissions=", ".join(quoted))


@contextlib.contextmanager
def _as_words(call: Call) -> Iterator[None]:
    """What may happen while a channel is looked at. Raises Declined and Unavailable."""
    try:
        yield
    except Gone as error:
        raise Declined(_say(call, "unreadable")) from error
    except Refused as error:
        raise Declined(_lacking(call, error.permissions)) from error
    except Unreachable as error:
        raise Unavailable("Discord does not answer") from error


RESUME = Command(
    "resume",
    "summary",
    _resume,
    options=(
        Option("salon", "channel", type="channel"),
        Option("depuis", "since", most=30),
        Option("messages", "messages", type="number", most=2_000),
        Option("sujet", "focus", most=FOCUS),
        Option("public", "public", type="yes-no"),
    ),
    in_direct_messages=False,
)
