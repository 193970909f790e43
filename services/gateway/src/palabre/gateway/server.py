"""uvicorn as a task of the service, on a socket that is bound before anything else starts."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

DRAIN_S = 5


class _Server(uvicorn.Server):
    """Signals belong to the service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(host: str, port: int) -> socket.socket:
    """Exits with a sentence when the port is taken."""
    try:
        return socket.create_server((host, port), backlog=2_048)
    except OSError as error:
        sys.exit(
            f"gateway: cannot listen on {host}:{port} ({error.strerror}): set PALABRE_HTTP_PORT"
        )


def serving(
    app: ASGIApp, listening: socket.socket, closing: asyncio.Event
) -> Callable[[asyncio.Event], Awaitable[None]]:
    """A task that serves until its event is set; then requests in hand have DRAIN_S seconds."""
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    server = _Server(config)

    async def serve(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(server.serve(sockets=[listening]))
            stopping = tasks.create_task(stop.wait())
            await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
            closing.set()
            server.should_exit = True
            stopping.cancel()

    return serve
