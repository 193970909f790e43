"""A server on loopback with OpenAI's /embeddings and with /rerank in Cohere's and TEI's forms.

Texts become vectors of their words' hashes. `faults` are used up by one request each:

    429, 500…   this status; 429 with `retry-after: 2`
    drop        the connection closes before the first byte
    silence     the request is never answered
    shuffle     the vectors come in another order, with their indices
    base64      numbers come as base64 though text was asked for
    short       vectors are one number too short
    few         the last vector is missing
    zero        vectors have no direction
    raw         judgements are logits
    words       what comes is no JSON
"""

import asyncio
import base64
import contextlib
import json
import re
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from palabre.retriever.engines.words import HashedWords, SharedWords


@dataclass(slots=True)
class Vectors:
    """The stand-in; it remembers what was asked."""

    size: int = 64
    faults: list[str] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serves while entered; gives the base URL."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            for writer in list(self._writers):
                writer.transport.abort()
            await server.wait_closed()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._exchange(reader, writer):
                pass
        self._writers.discard(writer)
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"(?i)content-length: *(\d+)", head)
        body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
        key = re.search(r"(?i)authorization: *(.+)\r", head)
        self.keys.append(key[1] if key else "")
        self.asked.append(body)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "drop":
            return False
        if fault == "silence":
            await reader.read()  # until the client gives up
            return False
        writer.write(await self._reply(head.split(" ", 2)[1], body, fault))
        await writer.drain()
        return True

    async def _reply(self, path: str, body: dict[str, Any], fault: str) -> bytes:
        if fault.isdigit():
            return _http(json.dumps({"error": {"message": "as told"}}), int(fault))
        if fault == "words":
            return _http("<html>")
        answer = self._embedded if path.endswith("/embeddings") else _judged
        return _http(json.dumps(await answer(body, fault)))

    async def _embedded(self, body: dict[str, Any], fault: str) -> dict[str, Any]:
        size = self.size - (fault == "short")
        vectors: list[Any] = await HashedWords(size).passages(body["input"])
        if fault == "zero":
            vectors = [[0.0] * size for _ in vectors]
        if fault == "base64":
            packed = (struct.pack(f"<{size}f", *vector) for vector in vectors)
            vectors = [base64.b64encode(data).decode() for data in packed]
        data = [{"index": n, "embedding": [*v] if isinstance(v, list) else v}
                for n, v in enumerate(vectors)]  # fmt: skip
        if fault == "few":
            data.pop()
        if fault == "shuffle":
            data.reverse()
        return {"data": data, "usage": {"prompt_tokens": sum(map(len, body["input"])) // 4}}


async def _judged(body: dict[str, Any], fault: str) -> Any:
    texts = body.get("texts") or body["documents"]
    scores = [s * 9 - 3 if fault == "raw" else s
              for s in await SharedWords().scores(body["query"], texts)]  # fmt: skip
    order = sorted(range(len(texts)), key=lambda number: -scores[number])
    if "texts" in body:
        return [{"index": number, "score": scores[number]} for number in order]
    return {"results": [{"index": n, "relevance_score": scores[n]} for n in order]}


def _http(body: str, status: int = 200) -> bytes:
    wish = "retry-after: 2\r\n" if status == 429 else ""
    kind = "content-type: application/json"
    head = f"HTTP/1.1 {status} Reply\r\n{kind}\r\n{wish}content-length: {len(body)}\r\n\r\n"
    return (head + body).encode()
