"""A server that speaks OpenAI's /audio/speech on loopback: a hum for each word.

A model's name says how it behaves: "slow", "stall", "cut", "reset", "429", "500", "401", "404",
"html", "json", "empty", "endless"; "wav", "mp3" and "opus" answer so whatever was asked for,
"wav-22050" at that rate, "pcm-16000" too, saying so in the media type. Any other model does what it
is asked.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from palabre.audio import MEDIA_TYPES, RATE, encoder
from palabre.contracts.v1 import tts_pb2

WORD_S = 0.35
PIECE = 4_096
FORMATS = {
    "wav": tts_pb2.AUDIO_FORMAT_WAV,
    "pcm": tts_pb2.AUDIO_FORMAT_PCM,
    "mp3": tts_pb2.AUDIO_FORMAT_MP3,
    "opus": tts_pb2.AUDIO_FORMAT_OPUS,
}
VOICES = ("alloy", "nova")


@dataclass(slots=True)
class Voices:
    """The stand-in; it remembers what it was asked, and how many answers were left unread."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    abandoned: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Gives the base URL."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            for writer in self._open:
                writer.transport.abort()
            await server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = re.search(r"(?i)content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                self.keys += re.findall(r"(?i)authorization: *Bearer (\S+)", head)
                await self._answer(json.loads(body), writer)
        self._open.discard(writer)
        writer.close()

    async def _answer(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        self.asked.append(request)
        model = request["model"]
        if model == "reset":
            writer.transport.abort()
            return
        if model == "slow":
            await asyncio.sleep(30)
        if failed := _failure(request):
            writer.write(failed)
            return
        media_type, pieces = _sound(request)
        writer.write(_head("200 OK", media_type) + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            await _stream(model, pieces, writer)
        except ConnectionError:
            self.abandoned += 1
            raise


async def _stream(model: str, pieces: list[bytes], writer: asyncio.StreamWriter) -> None:
    half = len(pieces) // 2 + 1
    for number, piece in enumerate(_endless(pieces) if model == "endless" else pieces):
        if model == "stall" and number == half:
            await asyncio.sleep(30)
        if model == "cut" and number == half:
            writer.transport.abort()
            return
        writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        await writer.drain()
    writer.write(b"0\r\n\r\n")


def _endless(pieces: list[bytes]) -> Iterator[bytes]:
    while True:
        yield from pieces


def _sound(request: dict[str, Any]) -> tuple[str, list[bytes]]:
    """The media type, and the file in pieces."""
    kind, _, rate = request["model"].partition("-")
    wanted = kind if kind in FORMATS else request["response_format"]
    samples = _hum(request["input"], request.get("speed", 1.0), int(rate) if rate.isdigit() else 0)
    if rate.isdigit():
        data = _wav(samples, int(rate)) if kind == "wav" else samples
    else:
        made = encoder(FORMATS[wanted])
        data = made.feed(samples, RATE) + made.close()
    if request["model"] == "empty":
        data = b""
    media_type = f"audio/pcm;rate={rate}" if kind == "pcm" else MEDIA_TYPES[FORMATS[wanted]]
    return media_type, [data[n : n + PIECE] for n in range(0, len(data), PIECE)]


def _hum(text: str, speed: float, rate: int) -> bytes:
    seconds = len(re.findall(r"\w+", text)) * WORD_S / speed
    time = np.arange(int(seconds * (rate or RATE))) / (rate or RATE)
    return (np.sin(2 * np.pi * 180 * time) * 8_000).astype("<i2").tobytes()


def _wav(samples: bytes, rate: int) -> bytes:
    size = len(samples).to_bytes(4, "little")
    form = b"\1\0\1\0" + rate.to_bytes(4, "little") + (rate * 2).to_bytes(4, "little")
    head = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + form + b"\2\0\x10\0data"
    return head + size + samples


def _failure(request: dict[str, Any]) -> bytes:
    """A whole answer that is no sound; empty when there is to be some."""
    match request["model"]:
        case "429":
            return _error("429 Too Many Requests", "rate_limit_exceeded", b"Retry-After: 7\r\n")
        case "500":
            return _error("500 Internal Server Error", "server_error")
        case "401":
            return _error("401 Unauthorized", "invalid_api_key")
        case "404":
            return _error("404 Not Found", "model_not_found")
        case "html":
            return _whole(_head("200 OK", "text/html"), b"<html><body>Welcome</body></html>")
        case "json":
            return _whole(_head("200 OK", "application/json"), b'{"error": "no"}')
    if request["voice"] not in VOICES:
        return _error("400 Bad Request", "invalid_value")
    return b""


def _error(status: str, code: str, headers: bytes = b"") -> bytes:
    body = json.dumps({"error": {"message": f"It is {code}.", "code": code}}).encode()
    return _whole(_head(status, "application/json") + headers, body)


def _whole(head: bytes, body: bytes) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _head(status: str, media_type: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {media_type}\r\n".encode()
