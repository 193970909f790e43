"""A web site on loopback that says exactly the bytes it is told to, and remembers who asked."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. `wait_s` passes before the body; without `length` it ends with the connection."""

    body: str | bytes = b""
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_s: float = 0.0
    length: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    path: str
    headers: Mapping[str, str]


# Answer(what was asked): for a site whose answers depend on it.
Answer = Callable[[Asked], Page]


class Site:
    """`pages` may be changed while it runs; a path that is not in it is 404."""

    def __init__(self, pages: Mapping[str, Page | Answer]) -> None:
        self.pages = dict(pages)
        self.asked: list[Asked] = []
        self.port = 0
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.current_task()
        assert serving is not None  # noqa: S101
        self._serving.add(serving)
        with contextlib.closing(writer), contextlib.suppress(ConnectionError, EOFError):
            asked = _parsed(await reader.readuntil(b"\r\n\r\n"))
            self.asked.append(asked)
            page = self.pages.get(asked.path, Page("nothing here", status=404))
            await _answer(writer, page(asked) if callable(page) else page)
        self._serving.discard(serving)

    async def close(self) -> None:
        """Drops who is still being answered."""
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)


@contextlib.asynccontextmanager
async def site(
    pages: Mapping[str, Page | Answer], tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    """On a free port, for the running event loop."""
    served = Site(pages)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0, ssl=tls)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        await served.close()


def _parsed(head: bytes) -> Asked:
    request, *lines = head.decode("latin-1").strip().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return Asked(request.split(" ")[1], {name.lower(): value for name, value in pairs})


async def _answer(writer: asyncio.StreamWriter, page: Page) -> None:
    body = page.body.encode() if isinstance(page.body, str) else page.body
    headers = {"Content-Type": page.kind, "Connection": "close", **page.headers}
    if page.length:
        headers.setdefault("Content-Length", str(len(body)))
    lines = (f"{name}: {value}" for name, value in headers.items() if value)
    writer.write("\r\n".join((f"HTTP/1.1 {page.status} X", *lines, "", "")).encode("latin-1"))
    await writer.drain()
    await asyncio.sleep(page.wait_s)
    writer.write(body)
    await writer.drain()
