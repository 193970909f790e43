from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis.bus import Bus
from palabre.chassis.testing import NatsServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path) as server:
        yield server


@pytest.fixture
async def gateway(server: NatsServer) -> AsyncIterator[Bus]:
    bus = await server.bus("gateway")
    yield bus
    await bus.close()


@pytest.fixture
async def llm(server: NatsServer) -> AsyncIterator[Bus]:
    bus = await server.bus("llm")
    yield bus
    await bus.close()
