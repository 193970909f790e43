"""A bot without a client library: calls and gateway frames as they are."""

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.standins.discord import Bot, Discord, Intents

type Json = dict[str, Any]
EVERYTHING = sum(Intents)


@dataclass(slots=True)
class Answer:
    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> int:
        """Discord's; 0 when all is well."""
        return self.body.get("code", 0) if isinstance(self.body, dict) else 0

    @property
    def refused(self) -> tuple[int, int]:
        return self.status, self.code

    def wrong(self, path: str) -> str:
        """The code of the first error at a dotted path of the body that was sent."""
        place = self.body["errors"]
        for key in path.split("."):
            place = place[key]
        return str(place["_errors"][0]["code"])


@dataclass(slots=True)
class Rest:
    """`token` empty: none is sent."""

    discord: Discord
    session: aiohttp.ClientSession
    token: str

    async def __call__(
        self, method: str, path: str, body: Any = None, *, files: Mapping[str, bytes] | None = None
    ) -> Answer:
        headers = {"Authorization": f"Bot {self.token}"} if self.token else {}
        form = None
        if files:
            form = aiohttp.FormData()
            form.add_field("payload_json", json.dumps(body), content_type="application/json")
            for number, (name, data) in enumerate(files.items()):
                form.add_field(f"files[{number}]", data, filename=name, content_type="image/png")
        async with self.session.request(
            method,
            self.discord.api + path,
            headers=headers,
            json=None if files else body,
            data=form,
        ) as answer:
            text = await answer.text()
            parsed = json.loads(text) if answer.content_type == "application/json" else text
            return Answer(answer.status, parsed, answer.headers)

    async def say(self, channel_id: int, content: str = "Bonjour", **body: Any) -> Answer:
        return await self("POST", f"/channels/{channel_id}/messages", {"content": content, **body})


@contextlib.asynccontextmanager
async def calling(discord: Discord, bot: Bot | None) -> AsyncIterator[Rest]:
    async with aiohttp.ClientSession() as session:
        yield Rest(discord, session, bot.token if bot else "")


@dataclass(slots=True)
class Socket:
    """One connection to the gateway."""

    ws: aiohttp.ClientWebSocketResponse
    inflate: Any = None
    frames: list[Json] = field(default_factory=list)
    seq: int | None = None

    async def send(self, op: int, data: Any) -> None:
        await self.ws.send_str(json.dumps({"op": op, "d": data}))

    async def receive(self, timeout: float = 5.0) -> Json:
        """The next frame. Raises ConnectionError, with the code, when there is none any more."""
        message = await self.ws.receive(timeout)
        if message.type is aiohttp.WSMsgType.BINARY:
            frame = json.loads(self.inflate.decompress(message.data))
        elif message.type is aiohttp.WSMsgType.TEXT:
            frame = json.loads(message.data)
        else:
            raise ConnectionError(self.ws.close_code)
        self.frames.append(frame)
        self.seq = frame["s"] or self.seq
        return dict(frame)

    async def event(self, name: str) -> Any:
        """The data of the next event of this name."""
        while True:
            frame = await self.receive()
            if frame["t"] == name:
                return frame["d"]

    async def identify(self, bot: Bot, intents: int = EVERYTHING, **more: Any) -> Json:
        """READY."""
        properties = {"os": "linux", "browser": "test", "device": "test"}
        data = {"token": bot.token, "intents": int(intents), "properties": properties} | more
        await self.send(2, data)
        return dict(await self.event("READY"))

    async def names(self, seconds: float = 0.05) -> list[str]:
        """Of the events that come within this time."""
        found = []
        with contextlib.suppress(TimeoutError):
            while True:
                found.append((await self.receive(seconds))["t"])
        return found

    async def closed(self) -> int:
        """Reads on until the server closes; its code."""
        async with asyncio.timeout(5):
            while True:
                try:
                    await self.receive()
                except ConnectionError as end:
                    return int(end.args[0])


@contextlib.asynccontextmanager
async def gateway(discord: Discord, query: str = "v=10&encoding=json") -> AsyncIterator[Socket]:
    """After HELLO."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{discord.gateway_url}?{query}") as ws,
    ):
        socket = Socket(ws, zlib.decompressobj())
        assert (await socket.receive())["op"] == 10
        yield socket
