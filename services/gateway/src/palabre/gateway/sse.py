"""Streams of bytes that end when the client goes."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from json import JSONEncoder
from typing import Any

import structlog
from nats.errors import Error as NatsError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from palabre.channels.views import Told
from palabre.channels.waiting import Gone
from palabre.chassis.errors import Unavailable
from palabre.gateway import metrics

log = structlog.get_logger()

to_json: Callable[[Any], str] = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

KEEP_ALIVE = b": keep-alive\n\n"
HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}


def encode(told: Told) -> bytes:
    """One server-sent event."""
    text = f"id: {told.position}\nevent: {told.name}\ndata: {to_json(told.data)}\n\n"
    return text.encode()


async def resumable(pieces: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    """Ends where the bus does not answer: who reads comes back, and goes on where this ended."""
    async with contextlib.aclosing(pieces):
        with contextlib.suppress(Unavailable, NatsError):
            async for piece in pieces:
                yield piece


class Stream(Response):
    """A response that is written as it comes.

    `body` is given a future that is done once the client has gone; it then ends by itself, so
    that it can tidy up without being cancelled. `close` always runs last. Whoever reads nothing for
    `patience_s` is let go: what comes for them would be kept here for as long as they like.
    """

    def __init__(
        self,
        body: Callable[[Gone], AsyncIterator[bytes]],
        media_type: str,
        headers: dict[str, str] | None = None,
        close: Callable[[], Awaitable[object]] | None = None,
        patience_s: float | None = None,
    ) -> None:
        self.status_code, self.media_type, self.background = 200, media_type, None
        self.init_headers(HEADERS | (headers or {}))
        self.raw_headers = [h for h in self.raw_headers if h[0] != b"content-length"]
        self._body, self._close, self._patience_s = body, close, patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with metrics.STREAMS.track_inprogress(), contextlib.ExitStack() as stack:
            gone = stack.enter_context(departure(receive))
            try:
                await self._send(send, gone)
            finally:
                if self._close:
                    await self._close()

    async def _send(self, send: Send, gone: Gone) -> None:
        head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(head)
        async with contextlib.aclosing(self._body(gone)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                try:
                    async with asyncio.timeout(self._patience_s):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                except TimeoutError:
                    log.info("a client that does not read was let go")
                    return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@contextlib.contextmanager
def departure(receive: Receive) -> Iterator[Gone]:
    """A future that is done once the client has gone."""
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        yield gone
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
