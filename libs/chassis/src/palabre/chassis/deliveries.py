"""What a durable delivers: asked for in batches, handed over one by one as it comes."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Self

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError

GRACE_S = 0.5  # for the server's word that a request is over
AWAY_S = 0.1  # before the server is asked again
_EXPIRED = "408"


class Message:
    """A delivery to a stage."""

    def __init__(self, msg: Msg, client: Client) -> None:
        self._msg, self._client = msg, client
        self.subject, self.data = msg.subject, msg.data
        self.headers = msg.headers or {}
        self.deliveries = msg.metadata.num_delivered

    @property
    def stored_at(self) -> float:
        """When the stream took it, by the server's clock."""
        return self._msg.metadata.timestamp.timestamp()

    async def ack(self) -> None:
        await self._msg.ack()

    async def hand_back(self, delay_s: float = 0.0) -> None:
        await self._msg.nak(delay=delay_s or None)

    async def give_up(self) -> None:
        await self._msg.term()

    async def in_progress(self, timeout_s: float) -> None:
        """Raises nats.errors.TimeoutError when the server does not confirm it."""
        await self._client.request(self._msg.reply, b"+WPI", timeout=timeout_s)


class Pull:
    """Deliveries of one durable of TURNS, while entered; `take` gets them and must not wait.

    One request at a time, and it runs to its end: the server would go on to deliver to one that
    was given up, and nobody would have what it delivers until it is redelivered.
    """

    def __init__(self, client: Client, durable: str, take: Callable[[Message], object]) -> None:
        self._client, self._take = client, take
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.TURNS.{durable}"
        self._inbox, self._request = client.new_inbox(), ""
        self._requests = self._missing = 0
        self._over, self._status = asyncio.Event(), ""
        self._subscription: Subscription | None = None

    async def __aenter__(self) -> Self:
        self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._received)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._subscription:
            with contextlib.suppress(ConnectionClosedError):
                await self._subscription.unsubscribe()

    async def ask(self, most: int, wait_s: float) -> None:
        """Returns when `most` have come, when `wait_s` is over, or when the server is away."""
        if not self._client.is_connected:  # what is asked now would be asked when it comes back
            await asyncio.sleep(AWAY_S)
            return
        self._requests += 1
        self._request = f"{self._inbox}.{self._requests}"
        self._missing, self._status = most, ""
        self._over.clear()
        wanted = json.dumps({"batch": most, "expires": int(wait_s * 1e9)}).encode()
        await self._client.publish(self._next, wanted, reply=self._request)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s + GRACE_S):
                await self._over.wait()
        if self._status not in ("", _EXPIRED):
            await asyncio.sleep(AWAY_S)

    async def _received(self, msg: Msg) -> None:
        """A delivery, or the word that a request is over: only the last one's counts."""
        if msg.reply:
            self._missing -= 1
            self._take(Message(msg, self._client))
        elif msg.subject == self._request:
            self._missing, self._status = 0, (msg.headers or {}).get("Status", "")
        if self._missing <= 0:
            self._over.set()
