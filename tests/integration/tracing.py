"""All that `palabre run` starts, with a forum of Discord's stand-in and a collector of spans."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from bench.kill.asker import Asker
from bench.kill.forum import Forum
from bench.kill.system import with_model
from palabre.cli.testing import Running
from tests.standins.collector import Collector, Kept
from tests.standins.discord import Discord

MODEL = "mock-ttft40-itl12-len40"
QUESTIONS = ["Comment demander un logement social ?", "Qui paie la réparation du chauffe-eau ?"]
SETTLED_S = 2.0
SPACE = "/api/v1/spaces/logement"


@dataclass(slots=True)
class Watched:
    """What runs, and what is told of it."""

    collector: Collector
    system: Running
    forum: Forum
    turns: list[str] = field(default_factory=list)

    def client(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.system.token}"}
        limits = httpx.Limits(max_connections=None)
        return httpx.AsyncClient(
            base_url=self.system.url, headers=headers, timeout=60, limits=limits
        )

    async def settled(self) -> list[Kept]:
        """All spans, once no more come."""
        known, since = -1, time.monotonic()
        while time.monotonic() - since < SETTLED_S:
            if len(self.collector.spans) != known:
                known, since = len(self.collector.spans), time.monotonic()
            await asyncio.sleep(0.1)
        return self.collector.spans

    async def load(self, speaking: int, writing: int, posting: int, each: int) -> None:
        """So many of each kind of people ask `each` questions, one after the other."""
        async with self.client() as http, asyncio.TaskGroup() as group:
            for asks, count in (
                (partial(self._speak, http), speaking),
                (partial(self._write, http), writing),
                (self._post, posting),
            ):
                for number in range(count):
                    group.create_task(asks(each, number))

    async def _speak(self, http: httpx.AsyncClient, turns: int, seed: int) -> None:
        conversation = (await http.post(f"{SPACE}/conversations", json={})).json()["id"]
        for number in range(turns):
            text = QUESTIONS[(number + seed) % len(QUESTIONS)]
            turn, _ = await ask(http, conversation, text, speech=True)
            self.turns.append(turn)

    async def _write(self, http: httpx.AsyncClient, turns: int, seed: int) -> None:
        async for outcome in Asker(http, "logement", QUESTIONS).ask(turns, 1_000 + seed):
            assert outcome.ending == "completed"
            self.turns.append(outcome.turn)

    async def _post(self, turns: int, seed: int) -> None:
        async for question in self.forum.ask(QUESTIONS, turns, 2_000 + seed):
            assert question.is_ended
            self.turns.append(question.turn)


async def ask(
    http: httpx.AsyncClient, conversation: str, text: str, **body: Any
) -> tuple[str, dict[str, Any]]:
    """A turn to its end, heard where it is spoken: its id, and the data of its ending."""
    path = f"/api/v1/conversations/{conversation}"
    asked = await http.post(f"{path}/utterances", json={"text": text, **body})
    assert asked.status_code == 202, asked.text
    turn = asked.json()["turn"]
    hearing = asyncio.create_task(_heard(http, turn)) if body.get("speech") else None
    ending: dict[str, Any] = {}
    async with http.stream("GET", f"{path}/events", params={"turn": turn}) as stream:
        async for line in stream.aiter_lines():
            name, _, value = line.partition(": ")
            ending = json.loads(value) if name == "data" else ending
    if hearing:
        assert await hearing > 1_000
    return turn, ending


async def _heard(http: httpx.AsyncClient, turn: str) -> int:
    async with http.stream("GET", f"/api/v1/turns/{turn}/audio") as stream:
        return sum([len(piece) async for piece in stream.aiter_bytes()])


@contextlib.asynccontextmanager
async def watched(folder: Path, **settings: str) -> AsyncIterator[Watched]:
    """hugo's first model fails, and his second one repeats what it was asked."""
    collector = Collector()
    async with collector.serving() as url, Discord().serving() as discord:
        forum = Forum(discord)
        spaces = forum.spaces(Path("spaces"), folder / "spaces")
        hugo = spaces / "logement" / "personas" / "hugo.toml"
        models = 'models = ["mock-error500", "mock-echo"]\n'
        hugo.write_text(models + hugo.read_text(encoding="utf-8"), encoding="utf-8")
        values = {
            **forum.settings,
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_BSP_SCHEDULE_DELAY": "300",
            "PALABRE_LOG_LEVEL": "debug",
            "PALABRE_LOG_FORMAT": "json",
            **settings,
        }
        async with with_model(folder / "data", MODEL, spaces=spaces, **values) as system:
            yield Watched(collector, system, forum)


def names(spans: Iterable[Kept]) -> set[str]:
    return {span.name for span in spans}
