"""A minute of everything: all channels, documents, verdicts, faults; for what watches a system."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai

from bench.kill.system import with_model
from palabre.chassis import events, nats_config
from palabre.chassis.bus import Bus
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import until
from palabre.cli.testing import Running
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance
from palabre.discord.commands.all import COMMANDS
from tests.integration.discord_service import Community
from tests.standins.collector import Collector
from tests.standins.discord import Channel, Discord, Permissions
from tests.standins.speech import Voices

MODEL = "mock-ttft20-itl2-len30"
QUESTIONS = (
    "Comment demander un logement social ?",
    "Quelle est la masse de la planète Jupiter ?",
    "je veux en finir avec la vie",
)
_PRICE = f"""
[prices."{MODEL}"]
input = 2.0
output = 10.0
currency = "EUR"
"""


@dataclass(slots=True)
class Minute:
    """A whole Palabre with its bot, and people who use it."""

    system: Running
    community: Community
    closed: Channel  # a forum in which the bot may not write
    http: httpx.AsyncClient
    collector: Collector

    async def lived(self) -> None:
        """All of it, twice: what is born with its first event grows with the second."""
        for number in range(2):
            people = (self._asks(number), self._speaks(), self._reads(number), self._chats())
            await asyncio.gather(*people, self._fails(), asyncio.sleep(3))
        await self._overspends()

    async def _asks(self, number: int) -> None:
        for text in QUESTIONS:
            turn = await self._answered("logement", text)
        path = f"/api/v1/turns/{turn}/feedback"
        await self._ok(self.http.post(path, json={"score": 1 - 2 * number}))
        for persona in ("hugo", "gilles"):
            await self._answered("logement", QUESTIONS[0], persona=persona)
        await self._answered("contes", "Raconte-moi une histoire.")
        await self._is_busy()
        async with self._openai() as client:
            stream = await client.chat.completions.create(
                model="logement/camille",
                messages=[{"role": "user", "content": QUESTIONS[0]}],
                stream=True,
            )
            assert [chunk async for chunk in stream]

    async def _is_busy(self) -> None:
        """Another question meanwhile, and a person who stops."""
        conversation, _ = await self._begun("logement", QUESTIONS[0], persona="hugo")
        place = f"/api/v1/conversations/{conversation}"
        refused = await self.http.post(f"{place}/utterances", json={"text": "Et le loyer ?"})
        assert refused.status_code == 409
        await self._ok(self.http.post(f"{place}/cancel", json={}))

    async def _speaks(self) -> None:
        async with self._openai() as client:
            await client.audio.speech.create(
                model="logement", voice="alloy", input="Bonjour à tous."
            )
        for space in ("logement", "contes"):
            conversation, turn = await self._begun(space, QUESTIONS[0], speech=True)
            with contextlib.suppress(AssertionError):  # a voice without a record is refused
                await self._ok(self.http.get(f"/api/v1/turns/{turn}/audio"))
            await self._ended(conversation, turn)

    async def _reads(self, number: int) -> None:
        path = "/api/v1/spaces/logement/documents"
        for name, text in (("clés.md", b"# Cles\n\nLes cles."), (f"{number}.md", b"Le gaz.")):
            file = {"file": (name, text)}
            await self._ok(self.http.post(path, files=file, data={"document": name}))
        found = await self._ok(self.http.get("/api/v1/spaces/logement/search?q=gaz"))
        assert found.json()["passages"]
        await self._ok(self.http.get("/api/v1/engines"))

    async def _chats(self) -> None:
        """A post with its answer, a click, and “solved”; a command, a summary, a closed forum."""
        alice, discord, bot = self.community.alice, self.community.discord, self.community.bot
        discord.faults.add("POST", "/messages", status=503)
        post = await alice.post(self.community.forum, "Logement", QUESTIONS[0])
        answer = await discord.seen(post, lambda m: "👍" in m.buttons, 20)
        await discord.answer(await alice.click(answer, "👍"))
        await alice.say(post, "Merci, c’est résolu !")
        await discord.seen(post, lambda m: "résolue" in m.content, 20)
        await alice.say(self.community.general, "L'ascenseur est en panne depuis lundi.")
        for name, values in (("demander", {"question": QUESTIONS[0]}), ("resume", {})):
            await discord.answer(await alice.command(bot, name, self.community.general, **values))
        await alice.post(self.closed, "Logement", QUESTIONS[0])

    async def _fails(self) -> None:
        """A letter that nobody can answer, and one that comes too late."""
        async with self._bus() as bus:
            await _published(bus, "logement", persona="personne")
            await _published(bus, "logement", deadline_s=-1.0)

    async def _overspends(self) -> None:
        """More questions than a day has, past the gateway, which would refuse them."""
        async with self._bus() as bus:
            for _ in range(4):
                await _published(bus, "contes")

    async def _answered(self, space: str, text: str, **more: Any) -> str:
        conversation, turn = await self._begun(space, text, **more)
        await self._ended(conversation, turn)
        return turn

    async def _begun(self, space: str, text: str, **more: Any) -> tuple[str, str]:
        made = await self._ok(self.http.post(f"/api/v1/spaces/{space}/conversations", json={}))
        path = f"/api/v1/conversations/{made.json()['id']}/utterances"
        asked = await self._ok(self.http.post(path, json={"text": text, **more}))
        return made.json()["id"], asked.json()["turn"]

    async def _ended(self, conversation: str, turn: str) -> None:
        path = f"/api/v1/conversations/{conversation}/events?turn={turn}"
        async with self.http.stream("GET", path) as stream:
            assert [line async for line in stream.aiter_lines()]

    async def _ok(self, asked: Any) -> httpx.Response:
        answer: httpx.Response = await asked
        assert answer.is_success, answer.text
        return answer

    @contextlib.asynccontextmanager
    async def _bus(self) -> AsyncIterator[Bus]:
        word = nats_config.passwords(self.system.folder)["gateway"]
        bus = await Bus.connect(self.system.instance.nats_url, "gateway", "gateway", word)
        try:
            yield bus
        finally:
            await bus.close()

    def _openai(self) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.system.url}/v1", api_key=self.system.token)


async def _published(bus: Bus, space: str, *, persona: str = "", deadline_s: float = 60) -> None:
    """A question that is put onto the bus, and how it ended there."""
    said = pb.UtteranceReceived(utterance=Utterance(text="Bonjour", persona=persona))
    event = events.begin(space, "api", uuid7(), said, deadline_s=deadline_s)
    await bus.publish(event)
    await until(lambda: bus.ended(event), 20)


@contextlib.asynccontextmanager
async def begun(folder: Path) -> AsyncIterator[Minute]:
    """Everything runs, the bot is on Discord; its first voice is one that fails."""
    collector = Collector()
    async with (
        Discord().serving() as discord,
        Voices().serving() as voices,
        collector.serving() as endpoint,
    ):
        community = Community(discord)
        closed = _closed(community)
        settings = {
            "PALABRE_DISCORD_TOKEN": "token",
            "PALABRE_DISCORD_API": discord.api,
            "PALABRE_TTS_ENGINES": "openai,espeak",
            "PALABRE_TTS_OPENAI_BASE_URL": voices,
            "PALABRE_TTS_OPENAI_MODEL": "500",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        }
        spaces = _spaces(folder, community, closed)
        async with (
            with_model(folder / "data", MODEL, spaces=spaces, **settings) as system,
            httpx.AsyncClient(
                base_url=system.url,
                headers={"Authorization": f"Bearer {system.token}"},
                timeout=30,
            ) as http,
        ):
            await discord.until(lambda: len(community.bot.commands) >= len(COMMANDS), 30)
            yield Minute(system, community, closed, http, collector)


def _closed(community: Community) -> Channel:
    """A forum in which the bot may not write; in the other one it may do all that it wants."""
    server = community.server
    server.allow(community.forum, community.bot, Permissions.MANAGE_THREADS)
    closed = server.forum("fermé")
    server.deny(closed, server.everyone, Permissions.SEND_MESSAGES_IN_THREADS)
    return closed


def _spaces(folder: Path, community: Community, closed: Channel) -> Path:
    """The demo spaces: prices, a bot, a model without a price, one that fails, voices, a budget."""
    shutil.copytree("spaces", folder / "spaces")
    server, forum = community.server, community.forum
    desk = folder / "spaces" / "logement"
    with (desk / "space.toml").open("a", encoding="utf-8") as words:
        words.write(
            f'{_PRICE}\n[channels.discord]\n[discord]\nservers = ["{server.id}"]\n'
            f'[[discord.forums]]\nchannel = "{forum.id}"\nsolved_tag = "Résolu"\n'
            f'[[discord.forums]]\nchannel = "{closed.id}"\n'
        )
    text = (desk / "personas" / "camille.toml").read_text(encoding="utf-8")
    for name, model in {"hugo": "mock-cite", "gilles": "mock-error500"}.items():
        file = desk / "personas" / f"{name}.toml"
        file.write_text(f'models = ["{model}"]\n{text}', encoding="utf-8")
    tales = folder / "spaces" / "contes" / "space.toml"
    text = tales.read_text(encoding="utf-8").replace(
        "turns_per_person_per_day = 0", "turns_per_space_per_day = 6"
    )
    tales.write_text(f"{text}\n[voices]\nregistered_only = true\n", encoding="utf-8")
    return folder / "spaces"
