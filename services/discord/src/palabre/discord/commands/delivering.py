"""Who gets to see a summary: its asker, all where it was asked for, those who read the log."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from palabre.chassis.spaces import Space
from palabre.discord import metrics
from palabre.discord.by_token import ByToken
from palabre.discord.calls import Gone, Invalid, Refused, Unreachable
from palabre.discord.commands.defining import Call
from palabre.discord.messages import Body
from palabre.discord.sending import Discord, nonce
from palabre.discord.showing import Showing
from palabre.discord.texts import say

log = structlog.get_logger()

_FAILED = (Gone, Refused, Invalid, Unreachable)


def by_token(call: Call, *, private: bool) -> ByToken:
    return ByToken(call.desk.discord, call.replies, call.asked.id, private=private)


async def hidden(call: Call, channel: int) -> str:
    """Why what this channel holds may not be shown to all where it was asked for.

    The key of a text; empty: it may.
    """
    access, here = call.desk.access, call.asked.channel
    try:
        if not (await access.standing(call.person.id, here)).speaks:
            return "may-not-speak"
        return "" if await access.all_read(here, channel) else "not-for-all"
    except (Gone, Refused, Unreachable):
        return "not-for-all"


async def publish(call: Call, bodies: Sequence[Body]) -> str:
    """Shows it to all where it was asked for; returns the link to its first message.

    Empty: Discord did not let us. Who asked is named within the frame: what we say outside of it
    counts as said, when the channel is summed up the next time.
    """
    line = say("summaries.asked-by", call.language, person=f"<@{call.person.id}>")
    first = bodies[0].embeds[0]
    framed = replace(bodies[0], embeds=(replace(first, text=f"{line}\n{first.text}"),))
    port = by_token(call, private=False)
    try:
        made = await _send(call, port, call.asked.channel, [framed, *bodies[1:]], "public")
    except _FAILED as error:
        log.warning("a summary was not published", bot=call.desk.bot, reason=repr(error))
        return ""
    metrics.SUMMARIES.labels(call.desk.bot, "public").inc()
    return f"{call.place.link}/{made}"


async def hand_over(call: Call, bodies: Sequence[Body], showing: Showing) -> None:
    """Below the command, or by direct message once it is too late for that."""
    try:
        await showing.end(bodies)
        outcome = "private"
    except (Gone, Refused):
        outcome = "direct" if await _write_to(call, bodies) else "lost"
    metrics.SUMMARIES.labels(call.desk.bot, outcome).inc()


async def keep_copy(call: Call, space: Space, channel: int, bodies: Sequence[Body]) -> None:
    """In the log channel, as far as all who see that may read what was summed up."""
    kept_in = int(space.discord.summaries.log_channel or 0)
    if not kept_in:
        return
    language, person = space.languages[0], f"<@{call.person.id}>"
    line = say("summaries.logged", language, person=person, place=f"<#{channel}>")
    try:
        if await call.desk.access.all_read(kept_in, channel):
            copy = _headed(bodies, line)
        else:
            copy = [Body(f"{line}\n{say('summaries.withheld', language)}")]
        await _send(call, call.desk.discord, kept_in, copy, "log")
    except _FAILED as error:
        log.warning(
            "a summary was not logged", bot=call.desk.bot, channel=kept_in, reason=repr(error)
        )


async def _write_to(call: Call, bodies: Sequence[Body]) -> bool:
    line, discord = say("summaries.late", call.language, place=call.place.link), call.desk.discord
    try:
        channel = await discord.direct(call.person.id)
        await _send(call, discord, channel, _headed(bodies, line), "direct")
    except _FAILED as error:
        log.warning("a summary reached nobody", bot=call.desk.bot, reason=repr(error))
        return False
    return True


async def _send(call: Call, port: Discord, channel: int, bodies: Sequence[Body], what: str) -> int:
    """Returns the first message's id. Raises what the port raises."""
    made = [
        await port.send(channel, body, nonce=nonce(call.desk.bot, call.asked.id, f"{what}{place}"))
        for place, body in enumerate(bodies)
    ]
    return made[0]


def _headed(bodies: Sequence[Body], line: str) -> list[Body]:
    text = f"{line}\n{bodies[0].content}".strip()
    return [replace(bodies[0], content=text), *bodies[1:]]
