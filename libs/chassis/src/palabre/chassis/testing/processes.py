"""A service as a process of its own, on a test's nats-server."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from palabre.chassis.testing.collecting import until
from palabre.chassis.testing.server import Nats

READY_S = 60.0
LINE_BYTES = 1 << 20  # a traceback is one line of the log


def environment(
    server: Nats, name: str, settings: Mapping[str, str] | None = None
) -> dict[str, str]:
    """This process's own, with the service's rights on the bus, and `settings` over both."""
    return os.environ | {
        "PALABRE_NATS_URL": server.url,
        "PALABRE_NATS_USER": name,
        "PALABRE_NATS_PASSWORD": server.users[name],
        "PALABRE_LOG_FORMAT": "json",
        **(settings or {}),
    }


async def start(
    name: str, environment: Mapping[str, str], *, stdout: int | None = None
) -> asyncio.subprocess.Process:
    """The process as it is started; its stderr is a pipe that the caller has to read."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"palabre.{name}",
        env=environment,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )


@asynccontextmanager
async def service_process(
    server: Nats,
    name: str,
    settings: Mapping[str, str] | None = None,
    *,
    stdout: int | None = None,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that has logged that it is ready; what is left of it is killed.

    Its stderr goes to the test's own as it comes, so only its stdout may be read. Raises
    RuntimeError when it ends before it is ready, TimeoutError when it is not within READY_S.
    """
    process = await start(name, environment(server, name, settings), stdout=stdout)
    ready = asyncio.Event()
    showing = asyncio.create_task(_show(process, ready))
    try:
        await until(lambda: ready.is_set() or showing.done(), READY_S)
        if not ready.is_set():
            raise RuntimeError(f"{name} ended before it was ready")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await showing


async def _show(process: asyncio.subprocess.Process, ready: asyncio.Event) -> None:
    assert process.stderr  # noqa: S101
    async for line in process.stderr:
        sys.stderr.write(line.decode(errors="replace"))
        if b'"ready"' in line:
            ready.set()
