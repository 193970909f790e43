"""Spaces as they were: a replay may be asked of an older revision than the one that is live."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from palabre.chassis import events, replays
from palabre.chassis.bus import Bus
from palabre.chassis.directory import Revision, recalled
from palabre.chassis.errors import Reject
from palabre.chassis.spaces import InvalidSpace, Space
from palabre.chassis.stage import Handler
from palabre.contracts.v1 import events_pb2 as pb


async def revision(bus: Bus, name: str, number: int) -> Space:
    """As `palabre spaces history` numbers them.

    Raises Reject for one that is not kept, or that this version cannot read; Unavailable.
    """
    query: dict[str, object] = {"next_by_subj": f"$KV.spaces.{name}", "seq": number, "batch": 1}
    async with aclosing(bus.pages("KV_spaces", query)) as pages:  # type: ignore[type-var]
        async for [found] in pages:
            if found.sequence == number and found.data:
                try:
                    return Revision.decode(number, found.data).space
                except InvalidSpace as error:
                    raise Reject(f"space {name}: revision {number} is another version's") from error
            break
    raise Reject(f"space {name} has no revision {number}: see `palabre spaces history {name}`")


def of_its_time(handle: Handler, bus: Bus) -> Handler:
    """A handler that finds the space of a replay as its utterance wants it."""

    async def handled(event: pb.Event) -> AsyncIterator[pb.Event]:
        if replays.is_replay(event) and (number := _wanted(event)):
            # In the task of this event alone.
            recalled.set({event.space: await revision(bus, event.space, number)})
        async with aclosing(handle(event)) as results:  # type: ignore[type-var]
            async for result in results:
                yield result

    return handled


def _wanted(event: pb.Event) -> int:
    said = getattr(event, events.body_name(event)).utterance
    return int(said.space_revision)
