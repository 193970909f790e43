"""The gateway: one websocket per connection, JSON, plain or in one zlib stream.

https://docs.discord.com/developers/events/gateway, …/topics/opcodes-and-status-codes#gateway
"""

import asyncio
import contextlib
import json
import secrets
import zlib
from collections import deque
from typing import Any

from aiohttp import WSMessage, WSMsgType, web

from tests.standins.discord import payloads
from tests.standins.discord.bots import Bot, Session
from tests.standins.discord.intents import VALID, Intents
from tests.standins.discord.state import Json
from tests.standins.discord.world import World

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 0, 1, 2, 3, 4, 6
MEMBERS, INVALID_SESSION, HELLO, ACK = 8, 9, 10, 11
IGNORED = (VOICE, 31, 43)  # voice, and lists of sounds and channels: never asked for by text
SENDS, SENDS_WINDOW, LONGEST = 120, 60.0, 4_096
UNKNOWN_OPCODE, DECODE_ERROR, NOT_AUTHENTICATED, FAILED, ALREADY = 4001, 4002, 4003, 4004, 4005
RECONNECTED = 4000  # this connection's session went on over another one
INVALID_SEQ, TOO_MANY, TIMED_OUT, BAD_SHARD = 4007, 4008, 4009, 4010
BAD_VERSION, BAD_INTENTS, FORBIDDEN_INTENTS = 4012, 4013, 4014
CHUNK = 1_000


class Closed(Exception):
    """We close this connection, with a code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))


class Connection:
    """One websocket. It carries one session at most."""

    def __init__(self, world: World, ws: web.WebSocketResponse, request: web.Request) -> None:
        self.world, self.ws, self.request = world, ws, request
        streaming = request.query.get("compress") == "zlib-stream"
        self._zlib = zlib.compressobj() if streaming else None
        self._outgoing: asyncio.Queue[str | int] = asyncio.Queue()
        self._sent: deque[float] = deque()
        self.session: Session | None = None

    def send(self, op: int, data: object, event: str | None = None, seq: int | None = None) -> None:
        self._outgoing.put_nowait(json.dumps({"op": op, "d": data, "s": seq, "t": event}))

    def close(self, code: int) -> None:
        self._outgoing.put_nowait(code)

    async def run(self) -> None:
        writing = asyncio.create_task(self._write())
        self.send(HELLO, {"heartbeat_interval": int(self.world.heartbeat_s * 1000), "_trace": []})
        try:
            self._check_address()
            await self._read()
        except Closed as closed:
            self.close(closed.code)
            await asyncio.wait({writing}, timeout=1)
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
            self._leave()

    def _check_address(self) -> None:
        asked = self.request.query
        if asked.get("v") != "10":
            raise Closed(BAD_VERSION)
        if asked.get("encoding") != "json" or asked.get("compress", "zlib-stream") != "zlib-stream":
            raise Closed(DECODE_ERROR)

    async def _write(self) -> None:
        """Until it has closed the connection, or found it closed."""
        item: str | int = ""
        with contextlib.suppress(ConnectionError):  # which the reader notices too
            while not isinstance(item, int):
                item = await self._outgoing.get()
                await self._put(item)

    async def _put(self, item: str | int) -> None:
        if isinstance(item, str) and self._zlib:
            data = self._zlib.compress(item.encode()) + self._zlib.flush(zlib.Z_SYNC_FLUSH)
            await self.ws.send_bytes(data)
        elif isinstance(item, str):
            await self.ws.send_str(item)
        elif item:
            await self.ws.close(code=item)
        elif self.request.transport:
            self.request.transport.abort()

    async def _read(self) -> None:
        while True:
            try:
                message = await self.ws.receive(timeout=self.world.heartbeat_s * 1.5)
            except TimeoutError as late:
                raise Closed(TIMED_OUT) from late
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING):
                self._closed_by_client(message)
                return
            if message.type is WSMsgType.ERROR:
                return
            self._count()
            self._receive(message.data)

    def _closed_by_client(self, message: WSMessage) -> None:
        """1000 and 1001 end the session; after any other code it can be resumed."""
        if message.type is WSMsgType.CLOSE and message.data in (1000, 1001) and self.session:
            session = self.session
            if session.wire is self and session in session.bot.sessions:
                session.bot.sessions.remove(session)

    def _count(self) -> None:
        now = self.world.clock.now()
        while self._sent and self._sent[0] < now - SENDS_WINDOW:
            self._sent.popleft()
        self._sent.append(now)
        if len(self._sent) > SENDS:
            raise Closed(TOO_MANY)

    def _receive(self, data: str | bytes) -> None:
        if len(data) > LONGEST:
            raise Closed(DECODE_ERROR)
        try:
            body = json.loads(data)
            op, content = body["op"], body.get("d")
        except (ValueError, KeyError, TypeError) as broken:
            raise Closed(DECODE_ERROR) from broken
        if op == HEARTBEAT:
            self.send(ACK, None)
        elif op == IDENTIFY:
            self._identify(content)
        elif op == RESUME:
            self._resume(content)
        elif self.session is None:
            raise Closed(NOT_AUTHENTICATED)
        elif op == PRESENCE:
            self.session.bot.presence = content
        elif op == MEMBERS:
            self._members(self.session, content)
        elif op not in IGNORED:
            raise Closed(UNKNOWN_OPCODE)

    def _identify(self, asked: Json) -> None:
        if self.session:
            raise Closed(ALREADY)
        bot = self.world.bots.get(asked["token"].removeprefix("Bot "))
        if bot is None:
            raise Closed(FAILED)
        intents = int(asked.get("intents", 0))
        if intents & ~VALID:
            raise Closed(BAD_INTENTS)
        if not bot.allowed(Intents(intents)):
            raise Closed(FORBIDDEN_INTENTS)
        number, count = asked.get("shard") or (0, 1)
        if not 0 <= number < count:
            raise Closed(BAD_SHARD)
        if self._started(bot):
            session = Session(secrets.token_hex(16), bot, Intents(intents), (number, count), self)
            bot.presence = asked.get("presence")
            bot.sessions.append(session)
            self.session = session
            self._greet(session)

    def _started(self, bot: Bot) -> bool:
        """Whether this IDENTIFY is within the limits. One too many a day resets the token."""
        now = self.world.clock.now()
        if bot.identified and now - bot.identified[-1] < self.world.identify_every_s:
            self.send(INVALID_SESSION, False)
            return False
        bot.identified.append(now)
        bot.starts_left -= 1
        if bot.starts_left < 0:
            del self.world.bots[bot.token]
            raise Closed(FAILED)
        return True

    def _greet(self, session: Session) -> None:
        bot = session.bot
        guilds = [each for each in self.world.guilds.values() if bot.id in each.members]
        guilds = [each for each in guilds if session.wants("GUILD_CREATE", each)]
        ready = {
            "v": 10,
            "user": payloads.own_user(bot.user),
            "guilds": [{"id": str(each.id), "unavailable": True} for each in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.world.gateway_url,
            "shard": list(session.shard),
            "application": {"id": str(bot.application_id), "flags": bot.flags},
            "private_channels": [],
            "relationships": [],
            "_trace": [],
        }
        session.deliver("READY", ready)
        everybody = Intents.GUILD_PRESENCES in session.intents
        for guild in guilds:
            body = payloads.guild_create(guild, bot.user, everybody=everybody)
            session.deliver("GUILD_CREATE", body)
        self.world.changed()

    def _resume(self, asked: Json) -> None:
        """What was missed is sent again, then RESUMED."""
        bot = self.world.bots.get(asked["token"].removeprefix("Bot "))
        if bot is None:
            raise Closed(FAILED)
        sessions = {session.id: session for session in bot.sessions}
        session, seq = sessions.get(asked["session_id"]), asked["seq"] or 0
        if session and seq > session.seq:
            raise Closed(INVALID_SEQ)
        if session is None or (session.events and session.events[0][0] > seq + 1):
            self.send(INVALID_SESSION, False)
            return
        if session.wire:
            session.wire.close(RECONNECTED)
        self.session, session.wire = session, self
        for number, event, data in session.events:
            if number > seq:
                self.send(DISPATCH, data, event, number)
        session.deliver("RESUMED", {"_trace": []})
        self.world.changed()

    def _members(self, session: Session, asked: Json) -> None:
        """GUILD_MEMBERS_CHUNK; all of them only with the members intent."""
        guild = self.world.guilds.get(int(asked["guild_id"]))
        if guild is None or session.bot.id not in guild.members:
            return
        wanted: Any = asked.get("user_ids")
        everybody = Intents.GUILD_MEMBERS in session.intents
        if wanted is None and not asked.get("query") and not everybody:
            raise Closed(FORBIDDEN_INTENTS)
        ids = {str(each) for each in (wanted if isinstance(wanted, list) else [wanted])}
        start, limit = (asked.get("query") or "").lower(), asked.get("limit") or None
        found = [
            payloads.member(member)
            for member in guild.members.values()
            if str(member.user.id) in ids
            or (wanted is None and member.user.name.lower().startswith(start))
        ][:limit]
        unknown = [each for each in ids if wanted and int(each) not in guild.members]
        chunks = [found[n : n + CHUNK] for n in range(0, len(found), CHUNK)] or [[]]
        for index, chunk in enumerate(chunks):
            body = {"guild_id": str(guild.id), "members": chunk, "chunk_index": index}
            body |= {"chunk_count": len(chunks), "not_found": unknown}
            body |= {"nonce": asked["nonce"]} if asked.get("nonce") else {}
            session.deliver("GUILD_MEMBERS_CHUNK", body)

    def _leave(self) -> None:
        if self.session and self.session.wire is self:
            self.session.wire = None
        self.world.changed()
