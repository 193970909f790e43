"""What a browser does with one connection, at next to no cost: times are taken as bytes arrive."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import httptools

Heard = Callable[[bytes], None]
PATIENCE_S = 60.0  # without a single byte
IDLE_S = 4.0  # servers close idle connections after five seconds, perhaps as we send


@dataclass(slots=True)
class Reply:
    """A response; `status` is 0 when the connection broke before its end."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)


class Browser:
    """One request at a time, on a connection that is kept while the server keeps it."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._connection: _Connection | None = None
        self._head = f"host: {host}:{port}\r\norigin: http://{host}:{port}\r\n"
        self.cookie = ""

    async def fetch(
        self, method: str, path: str, body: bytes = b"", extra: str = "", heard: Heard | None = None
    ) -> Reply:
        """`heard` gets the pieces of a body as they come. Never raises for what the server does."""
        cookie = f"cookie: {self.cookie}\r\n" if self.cookie else ""
        length = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        head = f"{method} {path} HTTP/1.1\r\n{self._head}{cookie}{extra}{length if body else ''}"
        try:
            connection = await self._connected()
        except OSError:
            return Reply()
        return await connection.send(f"{head}\r\n".encode() + body, heard)

    def beside(self) -> "Browser":
        """Another tab of the same browser."""
        other = Browser(self._host, self._port)
        other.cookie = self.cookie
        return other

    async def _connected(self) -> "_Connection":
        now = asyncio.get_running_loop().time()
        connection = self._connection
        if connection and not connection.closed and now - connection.used < IDLE_S:
            return connection
        self.close()
        loop = asyncio.get_running_loop()
        _, self._connection = await loop.create_connection(_Connection, self._host, self._port)
        return self._connection

    def close(self) -> None:
        if self._connection and not self._connection.closed:
            self._connection.transport.abort()


class _Connection(asyncio.Protocol):
    transport: asyncio.WriteTransport

    def __init__(self) -> None:
        self.closed, self._loop = False, asyncio.get_running_loop()
        self.used = self._loop.time()
        self._parser = httptools.HttpResponseParser(self)
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._reply = Reply()
        self._heard: Heard | None = None

    async def send(self, request: bytes, heard: Heard | None) -> Reply:
        self._parser = httptools.HttpResponseParser(self)
        self._done, self._reply, self._heard = self._loop.create_future(), Reply(), heard
        self.transport.write(request)
        self.used = self._loop.time()
        while not self._done.done():
            await asyncio.wait((self._done,), timeout=PATIENCE_S)
            if self._loop.time() - self.used > PATIENCE_S:
                self.transport.abort()
                return Reply()
        return self._reply

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self.used = self._loop.time()
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if not self._done.done():
            self._reply.status = 0
            self._done.set_result(None)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._reply.headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        self._reply.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if self._heard and self._reply.status == 200:
            self._heard(body)
        else:
            self._reply.body += body

    def on_message_complete(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
