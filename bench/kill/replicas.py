"""Several replicas of each service, as processes that are started again when they end.

The index is each retriever's own, filled from the catalogue that they share, since there is no
Qdrant server here: documents are ingested before the second one starts.
"""

import asyncio
import contextlib
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from rich.console import Console

from bench.kill.campaign import MODEL
from bench.kill.forum import Forum
from palabre.chassis import spaces, streams
from palabre.chassis.bus import Bus
from palabre.chassis.credentials import PLAIN
from palabre.chassis.testing import Nats, NatsCluster, free_port, until
from palabre.chassis.testing.processes import environment
from palabre.cli.run.knowledge import ingest_spaces
from tests.standins.model import Model

READY_S = 150.0
COUNTS = {"gateway": 3, "retriever": 3, "llm": 3, "tts": 3, "discord": 2}


@dataclass(slots=True)
class Replica:
    """One process of a service."""

    service: str
    name: str
    settings: dict[str, str]
    folder: Path
    process: asyncio.subprocess.Process | None = None
    operations: int = field(default_factory=free_port)
    grpc: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)

    async def keep(self) -> None:
        """Starts it, and again whenever it has ended."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            while True:
                self.process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    f"palabre.{self.service}",
                    env=self.settings,
                    stdout=log,
                    stderr=log,
                )
                await self.process.wait()
                await asyncio.sleep(0.2)

    async def ready(self) -> None:
        """Raises TimeoutError."""
        async with httpx.AsyncClient(timeout=5) as http:

            async def is_ready() -> bool:
                await asyncio.sleep(0.1)
                with contextlib.suppress(httpx.TransportError):
                    answer = await http.get(f"http://127.0.0.1:{self.operations}/ready")
                    return answer.status_code == 200
                return False

            await until(is_ready, READY_S)

    async def restart(self) -> None:
        """As a rollout does: asked to end, ended, started, ready."""
        old = self.process
        if old:
            old.send_signal(signal.SIGTERM)
            await old.wait()
        await until(lambda: self.process is not old)
        await self.ready()


class Replicas:
    """All of them, on one NATS. A `System` for a campaign."""

    def __init__(self, nats: Nats, folder: Path, counts: Mapping[str, int] = COUNTS) -> None:
        self.nats, self.token = nats, secrets.token_urlsafe(24)
        self.all = [
            Replica(service, f"{service}-{number}", {}, folder)
            for service, count in counts.items()
            for number in range(count)
        ]
        self._keeping: list[asyncio.Task[None]] = []

    def of(self, service: str) -> list[Replica]:
        return [replica for replica in self.all if replica.service == service]

    @property
    def urls(self) -> Sequence[str]:
        return [f"http://127.0.0.1:{replica.http}" for replica in self.of("gateway")]

    def pids(self) -> dict[str, int]:
        services = {r.name: r.process for r in self.all if r.process}
        found = {name: p.pid for name, p in services.items() if p.returncode is None}
        return found | (self.nats.pids() if isinstance(self.nats, NatsCluster) else {})

    async def bus(self) -> Bus:
        return await self.nats.bus(streams.OPERATOR)

    def configure(self, shared: Mapping[str, str]) -> None:
        """The environment of each process: with addresses of all the others, round robin."""
        addresses = {
            f"PALABRE_{service.upper()}_ADDRESS": "ipv4:"
            + ",".join(f"127.0.0.1:{replica.grpc}" for replica in self.of(service))
            for service in ("gateway", "retriever", "llm", "tts")
        }
        for each in self.all:
            given = environment(self.nats, each.service)
            each.settings = {k: v for k, v in given.items() if not k.startswith("PALABRE_")}
            each.settings |= {k: v for k, v in given.items() if k.startswith("PALABRE_NATS_")}
            each.settings |= {
                "PALABRE_DATA_DIR": str(each.folder / each.name),
                "PALABRE_LOG_FORMAT": "json",
                "PALABRE_OPS_PORT": str(each.operations),
                "PALABRE_GRPC_PORT": str(each.grpc),
                "PALABRE_HTTP_PORT": str(each.http),
                "PALABRE_BOOTSTRAP_TOKEN": self.token,
                **addresses,
                **shared,
            }

    async def start(self, some: Sequence[Replica]) -> None:
        """Until all of these are ready."""
        self._keeping += [asyncio.create_task(replica.keep()) for replica in some]
        await asyncio.gather(*(replica.ready() for replica in some))

    async def end(self) -> None:
        for keeping in self._keeping:
            keeping.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        for replica in self.all:
            if replica.process and replica.process.returncode is None:
                replica.process.kill()
                await replica.process.wait()


@contextlib.asynccontextmanager
async def replicated(
    nats: Nats, folder: Path, forum: Forum, root: Path, database: str = "", model: str = MODEL
) -> AsyncIterator[Replicas]:
    """COUNTS of each service, with the knowledge of the spaces below `root`, ready.

    Without the address of a database the gateways share a file of SQLite.
    """
    system = Replicas(nats, folder)
    async with Model().serving() as url:
        shared = {
            "PALABRE_DATABASE_URL": database or f"sqlite:///{folder / 'gateway.sqlite'}",
            "PALABRE_SECRET": secrets.token_urlsafe(24),
            "PALABRE_LLM_BASE_URL": url,
            "PALABRE_LLM_API_KEY": "none",
            "PALABRE_LLM_MODEL": model,
            **forum.settings,
        }
        system.configure(shared)
        for found in _folders(root):
            await nats.apply(found.name, spaces.read_folder(found))
        first = system.of("retriever")[:1]
        try:
            await system.start(first)
            address = f"127.0.0.1:{first[0].grpc}"
            await asyncio.to_thread(ingest_spaces, root, address, PLAIN, Console(quiet=True))
            await system.start([replica for replica in system.all if replica not in first])
            yield system
        finally:
            await system.end()


def _folders(root: Path) -> list[Path]:
    return sorted(file.parent for file in root.glob("*/space.toml"))
