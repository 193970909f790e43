"""Services that are started before what they stand on: they wait, and say for what."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis import streams, topology
from palabre.chassis.testing import NatsServer, free_port, processes, until

SERVICES = ("gateway", "retriever", "llm", "tts", "discord")


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[NatsServer]:
    """Nobody has made the streams."""
    found = NatsServer(tmp_path)
    await found.start()
    yield found
    await found.kill()


class Started:
    """A process, and what it has written."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process, self.log = process, ""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr
        async for line in self.process.stderr:
            self.log += line.decode()

    async def end(self) -> int:
        """Its exit status, once it has written its last."""
        await self._reading
        return await asyncio.wait_for(self.process.wait(), 10)


async def started(nats: NatsServer, name: str, folder: Path, **more: str) -> Started:
    settings = {
        "PALABRE_DATA_DIR": str(folder / name),
        "PALABRE_DISCORD_TOKEN": "a.bots.token",
        "PALABRE_HTTP_PORT": str(free_port()),
        **more,
    }
    environment = processes.environment(nats, name, settings)
    return Started(await processes.start(name, environment))


@pytest.mark.parametrize("name", SERVICES)
async def test_a_service_without_streams_says_what_is_missing_and_the_remedy(
    empty: NatsServer, tmp_path: Path, name: str
) -> None:
    service = await started(empty, name, tmp_path, PALABRE_START_WAIT_S="0")
    assert await service.end() == 1
    last = service.log.splitlines()[-1]
    assert last == f"{name}: stream TURNS is missing: run `palabre streams apply`"
    assert "Traceback" not in service.log


async def test_a_service_waits_for_streams_that_are_made_after_it_was_started(
    empty: NatsServer, tmp_path: Path
) -> None:
    service = await started(empty, "llm", tmp_path)
    await until(lambda: "waiting: stream TURNS is missing" in service.log, 20)
    await empty.set_up()
    await until(lambda: '"ready"' in service.log, 20)
    service.process.send_signal(signal.SIGTERM)
    assert await service.end() == 0


async def test_a_bucket_that_a_newer_version_brings_is_waited_for(
    empty: NatsServer, tmp_path: Path
) -> None:
    await empty.set_up()
    operator = await empty.bus(streams.OPERATOR)
    await operator.js.delete_stream("KV_descriptions")
    service = await started(empty, "llm", tmp_path)
    await until(lambda: "waiting: stream KV_descriptions is missing" in service.log, 20)
    await topology.apply(operator.js)
    await until(lambda: '"ready"' in service.log, 20)
    service.process.kill()
    await service.end()
    await operator.close()


async def test_a_service_that_waits_is_stopped_at_once(empty: NatsServer, tmp_path: Path) -> None:
    service = await started(empty, "llm", tmp_path)
    await until(lambda: "waiting: stream TURNS is missing" in service.log, 20)
    service.process.send_signal(signal.SIGTERM)
    assert await service.end() == 0
    assert "stopped before it was ready" in service.log


async def test_a_service_without_nats_is_stopped_at_once(tmp_path: Path) -> None:
    nobody = NatsServer(tmp_path)
    service = await started(nobody, "llm", tmp_path)
    await until(lambda: "nats" in service.log, 20)
    service.process.send_signal(signal.SIGTERM)
    assert await service.end() == 0
    assert "Traceback" not in service.log


async def test_a_gateway_without_its_database_names_the_setting(
    empty: NatsServer, tmp_path: Path
) -> None:
    await empty.set_up()
    away = f"postgresql://palabre:a-word@127.0.0.1:{free_port()}/palabre"
    patience = {"PALABRE_DATABASE_URL": away, "PALABRE_START_WAIT_S": "1"}
    service = await started(empty, "gateway", tmp_path, **patience)
    assert await service.end() == 1
    assert "waiting: PALABRE_DATABASE_URL: no connection: " in service.log
    assert service.log.splitlines()[-1].startswith("gateway: PALABRE_DATABASE_URL: no connection: ")
    assert "a-word" not in service.log
