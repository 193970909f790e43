"""A collector that takes spans by OTLP over HTTP on loopback, and keeps them.

`fault` makes it answer otherwise: a status, or "stall", which never answers. In a process of its
own, `python -m tests.standins.collector` prints its address.
"""

import asyncio
import contextlib
import gzip
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan

PATH = "/v1/traces"


@dataclass(frozen=True, slots=True)
class Kept:
    """A span as it came; `parent` is empty for a root. Times are seconds since 1970."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    begun: float
    ended: float
    kind: int
    failed: bool
    values: Mapping[str, Any]
    events: tuple[str, ...]
    links: tuple[str, ...]  # traces

    @property
    def turn(self) -> str:
        return str(self.values.get("palabre.turn", ""))


@dataclass(slots=True)
class Collector:
    """The stand-in. `raw` is what came, to be searched for what must not be in it."""

    spans: list[Kept] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    asked: int = 0
    fault: int | str = 200
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Gives what OTEL_EXPORTER_OTLP_ENDPOINT is to be set to."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for writer in self._open:
                writer.transport.abort()
            await server.wait_closed()

    @property
    def by_trace(self) -> dict[str, list[Kept]]:
        found = defaultdict(list)
        for span in self.spans:
            found[span.trace].append(span)
        return found

    @property
    def roots(self) -> list[Kept]:
        return [span for span in self.spans if not span.parent]

    def of_turn(self, turn: str) -> list[Kept]:
        """In the order of their beginnings."""
        mine = (span for span in self.spans if span.turn == turn)
        return sorted(mine, key=lambda span: span.begun)

    def orphans(self, spans: Iterable[Kept] | None = None) -> list[Kept]:
        """Spans whose chain of parents leads to no root."""
        known = {(span.trace, span.id): span for span in self.spans}
        joined: dict[tuple[str, str], bool] = {}

        def is_joined(span: Kept) -> bool:
            key = (span.trace, span.id)
            if key not in joined:
                above = known.get((span.trace, span.parent))
                joined[key] = not span.parent or (above is not None and is_joined(above))
            return joined[key]

        return [span for span in (self.spans if spans is None else spans) if not is_joined(span)]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                writer.write(await self._answer(head, body))
                await writer.drain()
        self._open.discard(writer)
        writer.close()

    async def _answer(self, head: str, body: bytes) -> bytes:
        self.asked += 1
        if self.fault == "stall":
            await asyncio.Event().wait()
        wanted = head.startswith(f"POST {PATH} ") and "application/x-protobuf" in head.lower()
        status = int(self.fault) if wanted else 404
        if status == 200:
            packed = re.search(r"(?i)content-encoding: *gzip", head)
            self._take(gzip.decompress(body) if packed else body)
        reply = ExportTraceServiceResponse().SerializeToString()
        kind = "content-type: application/x-protobuf"
        said = f"HTTP/1.1 {status} x\r\n{kind}\r\ncontent-length: {len(reply)}\r\n\r\n"
        return said.encode() + reply

    def _take(self, body: bytes) -> None:
        self.raw.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = str(_values(resource.resource.attributes)["service.name"])
            for scope in resource.scope_spans:
                self.spans += [_kept(service, span) for span in scope.spans]


def _kept(service: str, span: OtlpSpan) -> Kept:
    return Kept(
        service,
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano / 1e9,
        span.end_time_unix_nano / 1e9,
        span.kind,
        span.status.code == span.status.STATUS_CODE_ERROR,
        _values(span.attributes),
        tuple(event.name for event in span.events),
        tuple(link.trace_id.hex() for link in span.links),
    )


def _values(attributes: Iterable[KeyValue]) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "") for each in attributes
    }


async def _main() -> None:
    async with Collector().serving() as url:
        print(url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main())
