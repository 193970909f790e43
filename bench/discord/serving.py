"""The discord service as a process of its own, with its probe."""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator

from bench.discord import probed
from palabre.chassis.testing import NatsServer
from palabre.chassis.testing.processes import environment
from tests.standins.discord import Discord


@contextlib.asynccontextmanager
async def service(
    nats: NatsServer, discord: Discord, **more: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`more` are settings, as environment variables."""
    settings = {"PALABRE_DISCORD_TOKEN": "token", "PALABRE_DISCORD_API": discord.api}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", probed.__name__),
        env=environment(nats, "discord", settings | {"PALABRE_LOG_LEVEL": "warning"} | more),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def told(process: asyncio.subprocess.Process) -> dict[str, float]:
    """What the probe has counted."""
    process.send_signal(signal.SIGUSR2)
    assert process.stdout
    found: dict[str, float] = json.loads(await process.stdout.readline())
    return found
