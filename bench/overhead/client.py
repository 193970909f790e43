"""A chat completions client that costs next to nothing: times are taken when bytes arrive."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Self, cast
from urllib.parse import urlsplit

PATIENCE_S = 60.0
IDLE_S = 2.0  # servers close idle connections after some seconds, perhaps as we send
# The first piece of text; servers begin with an empty one that only names the role.
_TEXT = re.compile(rb'"content": ?"[^"]')
_LAST_CHUNK = b"0\r\n\r\n"


@dataclass(slots=True)
class Reply:
    """One answer; times in seconds of time.perf_counter. `texts`: when text was read."""

    begun: float
    texts: list[float] = field(default_factory=list)
    ended: float = 0.0
    whole: bool = False  # status 200, no error, [DONE]
    said: str = ""  # of what failed

    @property
    def first(self) -> float:
        return self.texts[0] - self.begun if self.texts else PATIENCE_S

    @property
    def gaps(self) -> list[float]:
        return [after - before for before, after in zip(self.texts, self.texts[1:], strict=False)]


class Client:
    """One server. Connections are kept and used again; `prefix` goes before every model's name."""

    def __init__(self, base_url: str, token: str = "", prefix: str = "") -> None:
        address = urlsplit(base_url)
        assert address.hostname
        self._host, self._port = address.hostname, address.port or 80
        self._prefix = prefix
        self._head = (
            f"POST {address.path}/chat/completions HTTP/1.1\r\n"
            f"host: {address.netloc}\r\nauthorization: Bearer {token}\r\n"
            "content-type: application/json\r\ncontent-length: "
        ).encode()
        self.idle: list[_Connection] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self.idle:
            connection.transport.abort()

    async def ask(self, model: str, question: str) -> Reply:
        """Never raises for what the server does: look at `whole`."""
        body = json.dumps(
            {
                "model": self._prefix + model,
                "stream": True,
                "messages": [{"role": "user", "content": question}],
            }
        ).encode()
        self._drop_stale()
        connection = self.idle.pop() if self.idle else await self._connect()
        reply = connection.send(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await connection.done
        except TimeoutError:
            connection.transport.abort()
        if not reply.whole:
            reply.said = connection.received.decode(errors="replace")[-300:]
        return reply

    async def warm(self, connections: int) -> None:
        """Opens connections, so that none has to be made while times are taken."""
        self._drop_stale()
        self.idle += [await self._connect() for _ in range(connections - len(self.idle))]

    def _drop_stale(self) -> None:
        """The one that was used last comes last."""
        oldest = time.perf_counter() - IDLE_S
        while self.idle and self.idle[0].used < oldest:
            self.idle.pop(0).transport.abort()

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        made = await loop.create_connection(lambda: _Connection(self), self._host, self._port)
        return made[1]


class _Connection(asyncio.Protocol):
    """One request at a time."""

    transport: asyncio.Transport
    done: asyncio.Future[None]
    reply: Reply

    def __init__(self, client: Client) -> None:
        self._client, self.received, self.used = client, b"", time.perf_counter()

    def send(self, request: bytes) -> Reply:
        self.received, self.done = b"", asyncio.get_running_loop().create_future()
        self.reply = Reply(time.perf_counter())
        self.transport.write(request)
        return self.reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        searched = len(self.received)
        self.received += data
        if _TEXT.search(self.received, max(0, searched - 20)):
            self.reply.texts.append(now)
        if not self.received.startswith(b"HTTP/1.1 200"):
            self.transport.abort()
        elif self.received.endswith(_LAST_CHUNK):
            self.reply.ended = self.used = now
            self.reply.whole = b"[DONE]" in self.received and b'"error":' not in self.received
            self._client.idle.append(self)
            self._end()

    def connection_lost(self, error: Exception | None) -> None:
        if self in self._client.idle:
            self._client.idle.remove(self)
        if hasattr(self, "done"):
            self._end()

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
