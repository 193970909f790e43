"""A whole Palabre that can be broken in every way that an alert watches for."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, start_http_server

from palabre.chassis import events, nats_config
from palabre.chassis.bus import Bus
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import until
from palabre.cli.run import processes
from palabre.cli.run.instance import TARGETS
from palabre.cli.run.supervised import Supervised
from palabre.cli.testing import Running, running
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance
from tests.integration import prometheus
from tests.integration.discord_service import Community
from tests.integration.prometheus import Prometheus
from tests.standins.discord import Discord
from tests.standins.model import Model
from tests.standins.speech import Voices
from tests.standins.vectors import Vectors

# The one place: an hour of the rules is a minute here, their five minutes are five seconds.
FACTOR = 60
SPACE = """
schema = 1
name = "Démonstration"
languages = ["fr"]
default_persona = "camille"
greeting = { fr = "Bonjour !" }
"""
# What each persona is answered by; "" is the deployment's model, which is quick and well. A model
# is left alone after three failures: there are many that fail.
PERSONAS = {
    "camille": "",
    "slow": "mock-ttft15000",
    "halting": "mock-itl400",
    **{f"broken{n}": f"mock-error500-len{n}" for n in range(60)},
}
KNOWLEDGE = "# Le loyer\n\nLe loyer est dû le cinq de chaque mois, par prélèvement ou virement.\n"
QUESTION = "Quand le loyer est-il dû ?"


class Exporters:
    """What others' exporters say, as they document it: of NATS, NVIDIA's GPUs, cert-manager.

    One of our own gauges is here, too: the limit of memory, which a container has, and a test
    has not; and those of a service on a GPU.
    """

    def __init__(self, targets: Path) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._server, self._thread = start_http_server(0, "127.0.0.1", self._registry)
        self._gauges: dict[str, Gauge] = {}
        address = f"127.0.0.1:{self._server.server_port}"
        targets.write_text(
            json.dumps([{"targets": [address], "labels": {"service": "nats"}}]), encoding="utf-8"
        )

    def say(self, name: str, value: float, /, **labels: str) -> None:
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, name, [*labels], registry=self._registry)
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def end(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class World:
    system: Running
    prometheus: Prometheus
    exporters: Exporters
    model: Model
    vectors: Vectors
    community: Community
    fired: dict[str, Mapping[str, str]] = field(default_factory=dict)

    async def fires(self, *names: str, patience_s: float = 90) -> None:
        """Once all of these have fired, though not all at once."""

        async def seen() -> bool:
            self.fired |= await asyncio.to_thread(self.prometheus.firing)
            return set(names) <= self.fired.keys()

        for name in names:
            self.fired.pop(name, None)
        try:
            await until(_seldom(seen), patience_s)
        except TimeoutError:
            raise AssertionError(f"quiet: {set(names) - self.fired.keys()}") from None

    async def resolves(self, *names: str, patience_s: float = 90) -> None:
        async def quiet() -> bool:
            return not set(names) & (await asyncio.to_thread(self.prometheus.firing)).keys()

        await until(_seldom(quiet), patience_s)

    async def bus(self, user: str) -> Bus:
        word = nats_config.passwords(self.system.folder)[user]
        return await Bus.connect(self.system.instance.nats_url, user, user, word)

    def supervised(self, method: str, *arguments: object) -> object:
        socket = processes.socket_path(self.system.folder / "run")
        return Supervised(socket).call(method, *arguments)

    def http(self) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {self.system.token}"}
        return httpx.AsyncClient(base_url=self.system.url, headers=headers, timeout=60)


def _seldom(condition: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    """Prometheus evaluates once a second."""

    async def asked() -> bool:
        await asyncio.sleep(0.5)
        return bool(await condition())

    return asked


async def ask(http: httpx.AsyncClient, persona: str = "camille", **more: object) -> httpx.Response:
    """A question in a conversation of its own."""
    made = await http.post(f"/api/v1/spaces/{more.pop('space', 'demo')}/conversations", json={})
    path = f"/api/v1/conversations/{made.json()['id']}/utterances"
    return await http.post(path, json={"text": QUESTION, "persona": persona} | more)


async def ask_by_bus(bus: Bus, persona: str) -> None:
    said = Utterance(text=QUESTION, persona=persona)
    await bus.publish(events.begin("demo", "api", uuid7(), pb.UtteranceReceived(utterance=said)))


@contextlib.contextmanager
def repeated(work: Callable[[], Awaitable[object]]) -> Iterator[None]:
    """Over and over, until this is left."""

    async def go_on() -> None:
        while True:
            await work()

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        if task.done():
            task.result()  # what it met, in place of what came of it
        task.cancel()


@contextlib.asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    """Everything is well in it."""
    model, vectors = Model(), Vectors()
    async with contextlib.AsyncExitStack() as stack:
        community = Community(await stack.enter_async_context(Discord().serving()))
        settings = {
            "PALABRE_LLM_BASE_URL": await stack.enter_async_context(model.serving()),
            "PALABRE_LLM_API_KEY": "none",
            "PALABRE_LLM_MODEL": "mock",
            "PALABRE_LLM_CONCURRENCY": "8",
            "PALABRE_OVERLOAD_LAG": "60",
            "PALABRE_REQUESTS_PER_MINUTE": "100000",
            "PALABRE_TTS_ENGINES": "openai,espeak",
            "PALABRE_TTS_OPENAI_BASE_URL": await stack.enter_async_context(Voices().serving()),
            "PALABRE_TTS_OPENAI_MODEL": "500",
            "PALABRE_EMBEDDING_BASE_URL": await stack.enter_async_context(vectors.serving()),
            "PALABRE_EMBEDDING_MODEL": "bge-m3",
            "PALABRE_EMBEDDING_DIMENSIONS": "64",
            "PALABRE_DISCORD_TOKEN": "token",
            "PALABRE_DISCORD_API": community.discord.api,
        }
        started = running(folder / "data", settings, spaces=_spaces(folder / "spaces", community))
        system = await _entered(stack, started)
        exporters = Exporters(folder / "exporters.json")
        stack.callback(exporters.end)
        watched = prometheus.watching(
            folder / "prometheus",
            [system.folder / TARGETS, folder / "exporters.json"],
            prometheus.shortened(folder / "rules", FACTOR),
        )
        watcher = await _entered(stack, watched)
        yield World(system, watcher, exporters, model, vectors, community)


async def _entered[T](
    stack: contextlib.AsyncExitStack, context: contextlib.AbstractContextManager[T]
) -> T:
    """In a thread, so that the stand-ins answer meanwhile."""

    async def leave() -> None:
        await asyncio.to_thread(context.__exit__, None, None, None)

    value = await asyncio.to_thread(context.__enter__)
    stack.push_async_callback(leave)
    return value


def _spaces(folder: Path, community: Community) -> Path:
    """`demo` is on Discord, `poor` may be asked once."""
    discord = f"""
[channels.discord]
[discord]
servers = ["{community.server.id}"]
[[discord.forums]]
channel = "{community.forum.id}"
"""
    for name, more in {"demo": discord, "poor": "[budgets]\nturns_per_space_per_day = 1\n"}.items():
        place = folder / name
        (place / "personas").mkdir(parents=True)
        (place / "knowledge").mkdir()
        (place / "space.toml").write_text(SPACE + more, encoding="utf-8")
        (place / "knowledge" / "loyer.md").write_text(KNOWLEDGE, encoding="utf-8")
        for persona, model in PERSONAS.items():
            head = f'models = ["{model}"]\n' if model else ""
            text = f'{head}name = "{persona}"\nidentity = {{ fr = "Une agente." }}\n'
            (place / "personas" / f"{persona}.toml").write_text(text, encoding="utf-8")
    return folder
