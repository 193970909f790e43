"""Three real nats-servers on loopback that are one JetStream cluster; each may be killed."""

import asyncio
import contextlib
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nats.errors import Error as NatsError

from palabre.chassis import nats_config, streams
from palabre.chassis.testing.collecting import until
from palabre.chassis.testing.server import Nats, binary, free_port

START_S = 30.0
_ROUTE = {"user": "route", "password": "word-of-route"}


@dataclass(slots=True)
class Node:
    """One nats-server: `nats.conf` in its folder says the rest. Its data outlive its process."""

    name: str
    folder: Path
    client: int = field(default_factory=free_port)  # ports
    monitor: int = field(default_factory=free_port)
    route: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """With nothing in its environment but what is given. It logs into its folder."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [binary(), "-c", "nats.conf"],
                cwd=self.folder,
                env=dict(environment or {}),
                stderr=log,
            )

    def end(self, number: int = signal.SIGKILL) -> None:
        """By default as kill -9 does. SIGUSR2: its clients are sent to the others first."""
        if self.process:
            self.process.send_signal(number)
            self.process.wait()

    def answers(self, path: str) -> int:
        """The status of its monitoring; 0 where nothing answers."""
        try:
            url = f"http://127.0.0.1:{self.monitor}{path}"
            with urllib.request.urlopen(url, timeout=5) as found:
                return int(found.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code
        except OSError:
            return 0

    async def ready(self, *, caught_up: bool = False) -> None:
        """It serves; with `caught_up` it also has what the others have. Raises TimeoutError."""
        path = "/healthz" if caught_up else "/healthz?js-server-only=true"

        async def is_ready() -> bool:
            return await asyncio.to_thread(self.answers, path) == 200

        await until(is_ready, START_S)


class NatsCluster(Nats):
    """As `NatsServer`, with each message three times."""

    copies = 3

    def __init__(self, folder: Path) -> None:
        self.nodes = [Node(f"nats-{n}", folder / f"nats-{n}") for n in range(self.copies)]
        url = ",".join(f"nats://127.0.0.1:{node.client}" for node in self.nodes)
        super().__init__(url, nats_config.passwords(folder))
        for node in self.nodes:
            node.folder.mkdir()
            (node.folder / "nats.conf").write_text(self._config(node), encoding="utf-8")

    def _config(self, node: Node) -> str:
        authority = f"{_ROUTE['user']}:{_ROUTE['password']}@127.0.0.1"
        cluster = {
            "name": "palabre",
            "listen": f"127.0.0.1:{node.route}",
            "authorization": _ROUTE,
            "routes": [f"nats://{authority}:{each.route}" for each in self.nodes],
            "no_advertise": True,
        }
        return nats_config.render(
            node.client,
            node.folder,
            self.users,
            server_name=node.name,
            http=f"127.0.0.1:{node.monitor}",
            cluster=cluster,
        )

    async def set_up(self) -> None:
        async with _beside(self.keep()):  # a free port may be taken for a moment
            await super().set_up()

    async def start(self) -> None:
        for node in self.nodes:
            node.start()

    async def kill(self) -> None:
        for node in self.nodes:
            node.end()

    def pids(self) -> dict[str, int]:
        """Of each node that runs, by its name."""
        running = ((node.name, node.process) for node in self.nodes)
        return {name: p.pid for name, p in running if p and p.poll() is None}

    async def keep(self) -> None:
        """For ever: starts each node again that has ended."""
        while True:
            for node in self.nodes:
                if node.process and node.process.poll() is not None:
                    node.start()
            await asyncio.sleep(0.5)

    async def restart(self, node: Node, number: int = signal.SIGKILL) -> None:
        """Ends it, starts it, and waits until it has caught up with the others."""
        await asyncio.to_thread(node.end, number)
        node.start()
        await node.ready(caught_up=True)

    async def leader(self, stream: str) -> Node:
        """Whoever decides what is stored there. Raises TimeoutError while nobody does."""
        bus = await self.bus(streams.OPERATOR)
        found: list[str] = []

        async def is_told() -> bool:
            with contextlib.suppress(NatsError):
                info = await bus.js.stream_info(stream)
                found.append((info.cluster.leader if info.cluster else "") or "")
            return bool(found and found[-1])

        try:
            await until(is_told, START_S)
        finally:
            await bus.close()
        return next(node for node in self.nodes if node.name == found[-1])


@contextlib.asynccontextmanager
async def _beside(keeping: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Until this is left."""
    task = asyncio.create_task(keeping)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
