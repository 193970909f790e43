"""People on the web page: each asks and reads, as the page does, and looks at every word."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from bench.load.browser import Browser, Reply

TURNS_EACH = 4  # of a conversation, then its person begins another
TRIES = 5  # of a stream that broke
ENDINGS = frozenset({"completed", "failed", "cancelled"})
READS, LEAVES, STOPS, LISTENS = "reads", "leaves", "stops", "listens"


@dataclass(slots=True)
class Turn:
    """What a person saw of one turn. Times in seconds of time.perf_counter."""

    begun: float
    manner: str = READS
    id: str = ""
    first: float = 0.0  # when its first words were read
    ended: float = 0.0
    ending: str = ""
    text: str = ""  # put together from deltas alone
    said: str = ""  # what was wrong with it
    asks_again: bool = False  # it was refused, in words that say when to try again
    position: str = ""  # the last event's id
    resumed: int = 0
    begun_again: int = 0
    filled: int = 0  # characters that came with the ending alone
    sound: int = 0  # bytes
    gaps: list[float] = field(default_factory=list)
    shown: asyncio.Event = field(default_factory=asyncio.Event)  # words, or the end
    _last: float = 0.0
    _rest: bytes = b""

    @property
    def whole(self) -> bool:
        """Nothing is missing of what this person waited for."""
        if self.manner == LEAVES:
            return not self.said
        wanted = {"completed", "cancelled"} if self.manner == STOPS else {"completed"}
        return self.ending in wanted and not self.said

    @property
    def over(self) -> bool:
        return bool(self.ended)

    @property
    def first_ms(self) -> float:
        return (self.first - self.begun) * 1000

    def hear(self, data: bytes) -> None:
        """Bytes of the stream; a delta must begin where the last one ended."""
        now = time.perf_counter()
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for event in whole:
            head, _, told = event.rpartition(b"event: ")
            name, _, line = told.partition(b"\ndata: ")
            if line:
                self.position = head[4:-1].decode()
                self._take(name.decode(), json.loads(line), now)

    def broke(self) -> None:
        """The stream ended too early: the next one goes on at `position`."""
        self.resumed, self._rest = self.resumed + 1, b""

    def say(self, what: str) -> None:
        """What was wrong first."""
        self.said = self.said or what

    def _take(self, name: str, data: dict[str, Any], now: float) -> None:
        if name == "delta":
            self._read(data, now)
        elif name == "restarted":
            self.begun_again, self.text = self.begun_again + 1, ""
        elif name in ENDINGS:
            if self.ending:
                self.say(f"{self.ending}, then {name}")
            self.ending, self.ended = name, now
            self.shown.set()
            if name == "completed":
                self._compare(data["text"])
            elif name == "failed":
                self.say(f"failed: {data}")

    def _compare(self, answer: str) -> None:
        """The ending may overtake the last words, and fills them in."""
        self.filled = len(answer) - len(self.text)
        if not answer.startswith(self.text):
            pairs = enumerate(zip(answer, self.text, strict=False))
            same = next((n for n, (one, other) in pairs if one != other), len(answer))
            parts = f"{self.text[same:][:30]!r} is not {answer[same:][:30]!r}"
            self.say(f"after {same} characters, {self.resumed} times resumed: {parts}")

    def _read(self, data: dict[str, Any], now: float) -> None:
        if data["offset"] != len(self.text):
            self.say(f"a piece for {data['offset']} came at {len(self.text)}")
        self.text += data["text"]
        if self.first:
            self.gaps.append(now - self._last)
        else:
            self.first = now
            self.shown.set()
        self._last = now


class Person:
    """A visitor with a browser, who begins a new conversation every few questions."""

    def __init__(self, host: str, port: int, space: str, persona: str) -> None:
        self._browser, self._space, self._persona = Browser(host, port), space, persona
        self._conversation, self._asked = "", TURNS_EACH

    async def ask(self, text: str, noted: Callable[[Turn], object], manner: str = READS) -> Turn:
        """Never raises for what the server does. `noted` gets the turn when it begins."""
        if self._asked >= TURNS_EACH and (reply := await self.begin()):
            turn = Turn(time.perf_counter())
            noted(turn)
            return _refused(turn, reply)
        self._asked += 1
        turn = Turn(time.perf_counter(), manner)
        noted(turn)
        key = f"idempotency-key: {secrets.token_hex(8)}\r\n"
        said = json.dumps({"text": text, "speech": manner == LISTENS}).encode()
        reply = await self._browser.fetch("POST", f"{self._path}/utterances", said, key)
        if reply.status != 202:
            return _refused(turn, reply)
        turn.id = json.loads(reply.body)["turn"]
        await self._follow(turn)
        if manner == LISTENS and turn.whole:
            heard = await self._browser.fetch("GET", f"/api/v1/turns/{turn.id}/audio")
            turn.sound = len(heard.body)
            turn.said = "" if heard.status == 200 and turn.sound else f"no sound: {heard.status}"
        return turn

    async def begin(self) -> Reply | None:
        """A conversation of one's own; what came back where that failed."""
        if not self._browser.cookie:
            reply = await self._browser.fetch("GET", "/")
            self._browser.cookie = reply.headers.get("set-cookie", "").partition(";")[0]
        said = json.dumps({"persona": self._persona}).encode()
        path = f"/api/v1/spaces/{self._space}/conversations"
        reply = await self._browser.fetch("POST", path, said)
        if reply.status != 201:
            return reply
        self._conversation, self._asked = json.loads(reply.body)["id"], 0
        return None

    def close(self) -> None:
        self._browser.close()

    @property
    def _path(self) -> str:
        return f"/api/v1/conversations/{self._conversation}"

    async def _follow(self, turn: Turn) -> None:
        """Until the turn ends, over as many streams as that takes."""
        tries = TRIES
        leaving = asyncio.create_task(self._leave(turn)) if turn.manner in (LEAVES, STOPS) else None
        while not turn.over and tries:
            tries -= 1
            path = f"{self._path}/events?turn={quote(turn.id)}"
            path += f"&last_event_id={quote(turn.position, safe='')}" if turn.position else ""
            reply = await self._browser.fetch("GET", path, heard=turn.hear)
            if not turn.over:
                turn.broke()
                if reply.status not in (0, 200, 429, 503):
                    turn.say(f"{reply.status}: {bytes(reply.body[:200])!r}")
                await asyncio.sleep(1)
        if not turn.over:
            turn.ended = time.perf_counter()
            turn.say("its streams ended before it")
            turn.shown.set()
        if leaving:
            await leaving

    async def _leave(self, turn: Turn) -> None:
        """Once the first words are there: away with the page, or with the answer."""
        await turn.shown.wait()
        if turn.over:
            return
        if turn.manner == LEAVES:
            turn.ended = time.perf_counter()
            self._browser.close()
            self._asked = TURNS_EACH  # this conversation is not over: it refuses another question
        else:
            other = self._browser.beside()
            await other.fetch("POST", f"{self._path}/cancel", b"{}")
            other.close()


def _refused(turn: Turn, reply: Reply) -> Turn:
    turn.ended = time.perf_counter()
    turn.asks_again = reply.status in (429, 503) and "retry-after" in reply.headers
    turn.said = f"{reply.status}: {bytes(reply.body[:200])!r}"
    return turn
