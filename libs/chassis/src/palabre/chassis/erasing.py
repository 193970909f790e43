"""Forgetting a conversation: on the bus, in the buckets, and in the bytes on disk."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import structlog

from palabre.chassis import descriptions, events, replays, subjects
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

    What was replayed of it goes with it.

    A purge would leave the words in the files, and a purge by wildcard stops every publisher:
    each message is deleted by its sequence, with overwriting. Raises Unavailable.
    """
    subjects.thread(space, channel, conversation)
    receipt, replayed = Receipt(conversation), replays.conversation_of(conversation)
    threads = (channel, conversation), (replays.CHANNEL, replayed)
    for where, thread in threads:
        await _cancel(bus, space, where, thread)
    images = await _images(bus, space, channel, conversation)
    for _, thread in threads:
        await bus.put(f"$KV.erased.{thread}", b"")
        bus.erased.add(thread)
    for pause in (SETTLE_S, 0.0):  # a writer may have been at it
        # The facts last: they are how the images are found again when this breaks off.
        await _overwrite_all(_of_images(bus, images), bus, receipt)
        for where, thread in threads:
            await _overwrite_all(_messages(bus, space, where, thread), bus, receipt)
        await asyncio.sleep(pause)
    log.info("conversation erased", **receipt.erased)
    return receipt


async def _cancel(bus: Bus, space: str, channel: str, conversation: str) -> None:
    latest = await bus.latest(space, channel, conversation)
    ended = {s.event.turn for s in latest if events.body_name(s.event) in events.ENDINGS}
    running = {s.event.turn: s.event for s in latest if s.event.turn not in ended}
    for event in running.values():
        await bus.publish(events.follow(event, pb.TurnCancelled(reason="erased")))


async def _images(bus: Bus, space: str, channel: str, conversation: str) -> set[str]:
    """Keys of what was attached. Somebody else who sent the same image has to send it again."""
    facts = await bus.facts(space, channel, conversation)
    said = [event.utterance_received.utterance for event in facts]
    carried = {i.blob for each in said for past in each.carried_history for i in past.attachments}
    return carried | {image.blob for each in said for image in each.attachments}


async def _overwrite_all(found: AsyncIterator[tuple[str, int]], bus: Bus, receipt: Receipt) -> None:
    async for stream, sequence in found:
        await bus.overwrite(stream, sequence)
        receipt.erased[stream] = receipt.erased.get(stream, 0) + 1


async def _messages(
    bus: Bus, space: str, channel: str, conversation: str
) -> AsyncIterator[tuple[str, int]]:
    for kind in ("turns", "live", "dead"):
        subject = subjects.conversation(kind, space, channel, conversation)
        for found in await bus.raw(kind.upper(), {"next_by_subj": subject}):
            yield kind.upper(), found.sequence
    for bucket in ("histories", "posts"):
        query = {"next_by_subj": f"$KV.{bucket}.{conversation}.*"}
        for found in await bus.raw(f"KV_{bucket}", query):
            yield f"KV_{bucket}", found.sequence


async def _of_images(bus: Bus, blobs: set[str]) -> AsyncIterator[tuple[str, int]]:
    """Their pieces, what the object store says of them, and what they showed."""
    for blob in blobs:
        name = base64.urlsafe_b64encode(blob.encode()).decode()
        for info in await bus.raw("OBJ_blobs", {"next_by_subj": f"$O.blobs.M.{name}"}):
            pieces = f"$O.blobs.C.{json.loads(info.data)['nuid']}"
            for piece in await bus.raw("OBJ_blobs", {"next_by_subj": pieces}):
                yield "OBJ_blobs", piece.sequence
            yield "OBJ_blobs", info.sequence
        described = {"next_by_subj": descriptions.subject(blob)}
        for text in await bus.raw("KV_descriptions", described):
            yield "KV_descriptions", text.sequence
