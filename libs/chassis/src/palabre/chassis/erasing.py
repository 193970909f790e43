"""Forgetting a conversation: on the bus, in the buckets, and in the bytes on disk."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import structlog

from palabre.chassis import events, subjects
from palabre.chassis.bus import Bus
from palabre.contracts.v1 import events_pb2 as pb

log = structlog.get_logger()

SETTLE_S = 1.5  # until every writer has seen the tombstone: they look every second


@dataclass(slots=True)
class Receipt:
    """How many messages were overwritten, by stream."""

    conversation: str
    erased: dict[str, int] = field(default_factory=dict)


async def erase(bus: Bus, space: str, channel: str, conversation: str) -> Receipt:
    """Writes the tombstone, cancels what runs, overwrites every message of the conversation.

    A purge would leave the words in the files, and a purge by wildcard stops every publisher:
    each message is deleted by its sequence, with overwriting. Raises Unavailable.
    """
    subjects.thread(space, channel, conversation)
    receipt = Receipt(conversation)
    await _cancel(bus, space, channel, conversation)
    await bus.js.publish(f"$KV.erased.{conversation}", b"")
    bus.erased.add(conversation)
    await _overwrite_all(bus, (space, channel, conversation), receipt)
    await asyncio.sleep(SETTLE_S)  # a writer may have been at it
    await _overwrite_all(bus, (space, channel, conversation), receipt)
    log.info("conversation erased", **receipt.erased)
    return receipt


async def _cancel(bus: Bus, space: str, channel: str, conversation: str) -> None:
    latest = await bus.latest(space, channel, conversation)
    ended = {s.event.turn for s in latest if events.body_name(s.event) in events.ENDINGS}
    running = {s.event.turn: s.event for s in latest if s.event.turn not in ended}
    for event in running.values():
        await bus.publish(events.follow(event, pb.TurnCancelled(reason="erased")))


async def _overwrite_all(bus: Bus, thread: tuple[str, str, str], receipt: Receipt) -> None:
    async for stream, sequence in _messages(bus, *thread):
        await bus.overwrite(stream, sequence)
        receipt.erased[stream] = receipt.erased.get(stream, 0) + 1


async def _messages(
    bus: Bus, space: str, channel: str, conversation: str
) -> AsyncIterator[tuple[str, int]]:
    for kind in ("turns", "live", "dead"):
        subject = subjects.conversation(kind, space, channel, conversation)
        for found in await bus.raw(kind.upper(), {"next_by_subj": subject}):
            yield kind.upper(), found.sequence
    query = {"next_by_subj": f"$KV.histories.{conversation}.*"}
    for found in await bus.raw("KV_histories", query):
        yield "KV_histories", found.sequence
