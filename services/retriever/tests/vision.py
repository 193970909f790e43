"""A vision model on loopback that speaks OpenAI's chat completions; it remembers what was asked.

`answers` are given in turn, the last one for ever. One that begins with `!` is a fault:

    !429 !401 !500   this status; 429 with `retry-after: 2`
    !drop            the connection closes before the first byte
    !half            it closes in the middle of the answer
    !silence         the request is never answered
    !words           what comes is no JSON
    !length          the model has written as much as it may
    !refusal         the model refuses
    !rename          refuses `max_tokens` by that name, as newer models do
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

USAGE = {"prompt_tokens": 1_000, "completion_tokens": 50, "total_tokens": 1_050}


@dataclass(slots=True)
class Vision:
    answers: list[str] = field(default_factory=lambda: ["# Bail\n\nLe bail dure trois ans."])
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    # Each waits for another one that is asked at the same time.
    pairs: asyncio.Barrier | None = None
    at_once: int = 0
    most_at_once: int = 0
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
        self.asked.append(json.loads(await reader.readexactly(int(length[1]) if length else 0)))
        key = re.search(r"(?i)authorization: *(.+)\r", head)
        self.keys.append(key[1] if key else "")
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.pairs:
            await self.pairs.wait()
        self.at_once -= 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "!drop":
            return False
        if answer == "!silence":
            await reader.read()  # until the client gives up
            return False
        reply = _reply(answer)
        writer.write(reply[: len(reply) // 2] if answer == "!half" else reply)
        await writer.drain()
        return answer != "!half"


def _reply(answer: str) -> bytes:
    if answer == "!rename":
        said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        return _http(json.dumps({"error": {"message": said}}), 400)
    if answer[1:].isdigit() and answer.startswith("!"):
        return _http(json.dumps({"error": {"message": "as told"}}), int(answer[1:]))
    if answer == "!words":
        return _http("<html>")
    message = {"role": "assistant", "content": answer, "refusal": None}
    if answer == "!refusal":
        message |= {"content": None, "refusal": "No."}
    ended = "length" if answer == "!length" else "stop"
    choice = {"index": 0, "message": message, "finish_reason": ended}
    return _http(json.dumps({"model": "vision", "choices": [choice], "usage": USAGE}))


def _http(body: str, status: int = 200) -> bytes:
    wish = "retry-after: 2\r\n" if status == 429 else ""
    head = f"HTTP/1.1 {status} Reply\r\ncontent-type: application/json\r\n{wish}"
    data = body.encode()
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data
