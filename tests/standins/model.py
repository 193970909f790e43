"""A model that speaks the OpenAI chat completions protocol on loopback, at little cost.

    uv run python -m tests.standins.model --port 4010

`behaviour.py` lists what a model's name may say.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tests.standins import vendors
from tests.standins.behaviour import Behaviour

WORDS = (
    "Le", " bailleur", " dispose", " d'un", " mois", " pour", " rendre", " le", " dépôt", ".",
    " Ce", " délai", " passe", " à", " deux", " mois", " en", " cas", " de", " dégâts.",
)  # fmt: skip


@dataclass(slots=True)
class Model:
    """The stand-in; it remembers how often each model was asked, and what was asked last.

    `writes` makes the JSON value of a request in place of an instance of its schema.
    """

    asked: Counter[str] = field(default_factory=Counter)
    last: dict[str, Any] = field(default_factory=dict)
    authorization: str = ""  # that of the last request
    open_streams: int = 0
    in_hand: int = 0  # requests that were not yet answered whole
    most_in_hand: int = 0
    writes: Callable[[dict[str, Any]], Any] | None = None
    billed: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # model, usage

    @contextlib.asynccontextmanager
    async def serving(self, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[str]:
        """Serves while entered; gives the base URL."""
        loop = asyncio.get_running_loop()
        connections: set[Connection] = set()
        server = await loop.create_server(lambda: Connection(self, connections), host, port)
        try:
            yield f"http://{host}:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            for connection in list(connections):
                connection.transport.abort()
            await server.wait_closed()


@contextlib.contextmanager
def deaf() -> Iterator[str]:
    """The base URL of a server that accepts no connection, nor refuses one."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):  # as many as the kernel takes in advance; the next ones wait
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection with keep-alive. Pipelining is not supported."""

    transport: asyncio.Transport

    def __init__(self, model: Model, connections: "set[Connection]") -> None:
        self.model, self.connections = model, connections
        self.buffer = b""
        self.timer: asyncio.TimerHandle | None = None
        self.streaming = self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.connections.discard(self)
        self.end_stream()
        self.rest()

    def work(self) -> None:
        self.busy, model = True, self.model
        model.in_hand += 1
        model.most_in_hand = max(model.most_in_hand, model.in_hand)

    def rest(self) -> None:
        self.model.in_hand -= self.busy
        self.busy = False

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            return
        body, self.buffer = rest[:size], rest[size:]
        shown = re.search(rb"(?i)\r\nauthorization: *([^\r]*)", head)
        self.model.authorization = shown[1].decode() if shown else ""
        self.answer(head.split(b" ", 2)[1].decode(), body)

    def answer(self, path: str, body: bytes) -> None:
        if path.endswith("/models"):
            self.reply({"object": "list", "data": [{"id": "mock", "object": "model"}]})
        elif path.endswith("/chat/completions"):
            self.complete(json.loads(body))
        else:
            self.fail(404, "not_found", "no such path")

    def complete(self, request: dict[str, Any]) -> None:
        try:
            how = Behaviour.of(request["model"])
        except KeyError:
            self.fail(404, "model_not_found", f"the model `{request['model']}` does not exist")
            return
        self.model.asked[request["model"]] += 1
        self.model.last = request
        self.work()
        if self.model.asked[request["model"]] <= how.drops:
            self.transport.abort()
        elif "plain" in how.flags and (asked := {"stream_options", "response_format"} & {*request}):
            self.fail(400, "unsupported_parameter", f"unknown parameter: {min(asked)}")
        elif "blind" in how.flags and _images(request):
            self.fail(400, "invalid_request_error", "this model does not support image input")
        elif "picky" in how.flags and _images(request) and self.model.asked[request["model"]] == 1:
            self.fail(400, "invalid_image", "this image was rejected by our safety system")
        elif "silence" not in how.flags:
            self.later(how.ttft, lambda: self.begin(request, how))

    def begin(self, request: dict[str, Any], how: Behaviour) -> None:
        if "html" in how.flags:
            self.send(how.status, "text/html; charset=utf-8", vendors.PAGE, how.headers)
        elif how.status != 200:
            self.reply(vendors.error(how.status, how.flags, how.after), how.status, how.headers)
        elif "nonsense" in how.flags:
            self.reply({"choices": "none", "usage": []}, headers=how.headers)
        else:
            self.write_answer(request, how)

    def write_answer(self, request: dict[str, Any], how: Behaviour) -> None:
        if self.model.writes and "json" in how.flags:
            tokens = [json.dumps(self.model.writes(request))]
        else:
            tokens = list(_tokens(request, how))
        usage = _usage(request, tokens, how.flags)
        usage = vendors.wrong(usage) if "badusage" in how.flags else usage
        self.model.billed.append((request["model"], usage))
        if not request.get("stream"):
            self.reply(_whole(request, tokens, usage), headers=how.headers)
            return
        self.streaming = True
        self.model.open_streams += 1
        head = {"content-type": "text/event-stream", "transfer-encoding": "chunked"} | how.headers
        self.transport.write(_head(200, head))
        self.write_next(iter(_events(request, tokens, usage)), how, 0)

    def write_next(self, events: Iterator[bytes], how: Behaviour, written: int) -> None:
        if how.itl == 0:
            until = how.stop_after if how.ending else None
            self.write(b"".join(itertools.islice(events, until)), how)
            self.end(how)
            return
        event = next(events, None)
        if event is None or written == how.stop_after:
            self.end(how)
            return
        self.write(event, how)
        self.later(how.itl, lambda: self.write_next(events, how, written + 1))

    def write(self, data: bytes, how: Behaviour) -> None:
        if "crlf" in how.flags:
            data = data.replace(b"\n", b"\r\n")
        pieces = [bytes([byte]) for byte in data] if "shred" in how.flags else [data]
        for piece in filter(None, pieces):
            self.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def end(self, how: Behaviour) -> None:
        if how.ending == "stall":
            return
        if how.ending == "garbage":
            self.write(b'data: {"choi\n\n', how)
        if how.ending == "fault":
            self.write(_event({"error": {"message": "overloaded", "code": 503}}), how)
        if how.ending == "cut":
            self.transport.close()
        elif how.ending == "reset":
            opened = self.transport.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.write(b"0\r\n\r\n")
        self.end_stream()
        self.rest()

    def end_stream(self) -> None:
        if self.timer:
            self.timer.cancel()
        if self.streaming:
            self.streaming = False
            self.model.open_streams -= 1

    def later(self, delay: float, act: Callable[[], None]) -> None:
        if delay > 0:
            self.timer = asyncio.get_running_loop().call_later(delay, act)
        else:
            act()

    def fail(self, status: int, code: str, message: str) -> None:
        error = {"message": message, "type": code, "code": code, "param": None}
        self.reply({"error": error}, status)

    def reply(
        self, body: dict[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send(status, "application/json", json.dumps(body).encode(), headers or {})

    def send(self, status: int, kind: str, payload: bytes, headers: Mapping[str, str]) -> None:
        head = {"content-type": kind, "content-length": str(len(payload))} | {**headers}
        self.transport.write(_head(status, head) + payload)
        self.rest()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Reply\r\n{lines}\r\n".encode()


def _tokens(request: dict[str, Any], how: Behaviour) -> Iterator[str]:
    words = _text(request["messages"][-1]["content"])
    if "empty" in how.flags:
        return iter(())
    if "badjson" in how.flags:
        return iter(['{"question": "', "et pu"])
    if "json" in how.flags:
        schema = (request.get("response_format") or {}).get("json_schema", {}).get("schema", {})
        return iter(re.findall(r".{1,8}", json.dumps(_instance(schema, words, how.flagged))))
    if "echo" in how.flags:
        return iter(re.findall(r"\s*\S+|\s+$", words))
    if "cite" in how.flags:
        return iter(["Un", " mois", " [", "1", "]", ",", " deux", " au", " plus", " [9", "]", "."])
    return itertools.islice(itertools.cycle(WORDS), how.tokens)


def _text(content: Any) -> str:
    parts = [{"text": content}] if isinstance(content, str) else content
    return "".join(part.get("text", "") for part in parts)


def _images(request: dict[str, Any]) -> int:
    parts = (m["content"] for m in request["messages"] if isinstance(m["content"], list))
    return sum(part["type"] == "image_url" for content in parts for part in content)


def _instance(schema: dict[str, Any], words: str, flagged: str) -> Any:
    """Something that the schema allows."""
    match schema.get("type", "object"):
        case "object":
            properties = schema.get("properties", {})
            return {key: _instance(value, words, flagged) for key, value in properties.items()}
        case "array":
            allowed = schema.get("items", {}).get("enum", ())
            return [flagged] if flagged in allowed else []
        case "string":
            return schema["enum"][0] if "enum" in schema else _last_said(words)
        case "boolean":
            return False
        case _:
            return 0


def _last_said(words: str) -> str:
    """The last line, though not the end of a fence, which is another word for each request."""
    lines = words.strip().splitlines()
    return next((line for line in reversed(lines) if not line.startswith("</")), lines[-1])


def _events(request: dict[str, Any], tokens: list[str], usage: dict[str, Any]) -> Iterator[bytes]:
    model = request["model"]
    for token in tokens:
        yield _delta(model, token)
    yield _event(_chunk(model, choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]))
    if (request.get("stream_options") or {}).get("include_usage"):
        yield _event(_chunk(model, choices=[], usage=usage))
    yield b"data: [DONE]\n\n"


@lru_cache(maxsize=10_000)
def _delta(model: str, token: str) -> bytes:
    delta = {"role": "assistant", "content": token}
    return _event(_chunk(model, choices=[{"index": 0, "delta": delta, "finish_reason": None}]))


def _chunk(model: str, **values: Any) -> dict[str, Any]:
    head = {"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 0}
    return head | {"model": model} | values


def _whole(request: dict[str, Any], tokens: list[str], usage: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(tokens), "refusal": None}
    return {
        "id": "chatcmpl-mock",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": usage,
    }


def _usage(request: dict[str, Any], tokens: list[str], flags: frozenset[str]) -> dict[str, Any]:
    prompt = sum(len(_text(message["content"])) for message in request["messages"]) // 4
    prompt += 1_000 * _images(request)
    thoughts = 17 if "thinks" in flags else 0
    counts = {"prompt_tokens": prompt, "completion_tokens": len(tokens)}
    cached = {"prompt_tokens_details": {"cached_tokens": prompt // 2}} if "cached" in flags else {}
    return counts | cached | {"total_tokens": prompt + len(tokens) + thoughts}


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


async def _main(port: int) -> None:
    async with Model().serving(port) as url:
        print(url, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(parser.parse_args().port))
