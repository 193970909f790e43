"""Reading what a stream holds, in pages and without a consumer: batched direct get (ADR-31)."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from nats.aio.client import Client
from nats.aio.msg import Msg

from palabre.chassis.errors import Unavailable

PAGE, PAGE_BYTES = 500, 4 << 20  # messages, and what they may hold
PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Raw:
    """A message as a stream holds it."""

    sequence: int
    subject: str
    data: bytes
    headers: dict[str, str]


async def pages(
    client: Client, stream: str, query: Mapping[str, object]
) -> AsyncIterator[list[Raw]]:
    """In the order of the stream; none when it is gone. Raises Unavailable."""
    while True:
        page, pending = await _page(client, stream, query)
        if page:
            yield page
        if not page or not pending or "multi_last" in query:
            return
        query = {**query, "seq": page[-1].sequence + 1, "start_time": None}


async def _page(client: Client, stream: str, query: Mapping[str, object]) -> tuple[list[Raw], bool]:
    inbox = client.new_inbox()
    came: asyncio.Queue[Msg] = asyncio.Queue()
    # With a callback: without one, a subscription of nats-py lies in a circle of references.
    subscription = await client.subscribe(inbox, cb=came.put)
    try:
        ask = {"batch": PAGE, "max_bytes": PAGE_BYTES, **query}
        if not {"multi_last", "start_time"} & ask.keys():
            ask.setdefault("seq", 1)
        await client.publish(f"$JS.API.DIRECT.GET.{stream}", json.dumps(ask).encode(), reply=inbox)
        return await _collect(came)
    finally:
        await subscription.unsubscribe()


async def _collect(came: asyncio.Queue[Msg]) -> tuple[list[Raw], bool]:
    """Until the end-of-batch message (204); 404: nothing there; 503: no such stream."""
    found: list[Raw] = []
    while True:
        try:
            async with asyncio.timeout(PATIENCE_S):
                msg = await came.get()
        except TimeoutError as error:
            raise Unavailable("JetStream does not answer") from error
        headers = msg.headers or {}
        if status := headers.get("Status"):
            if status not in ("204", "404", "503"):
                raise Unavailable(f"JetStream: {headers.get('Description', status)}")
            return found, headers.get("Nats-Num-Pending", "0") != "0"
        found.append(Raw(int(headers["Nats-Sequence"]), headers["Nats-Subject"], msg.data, headers))
