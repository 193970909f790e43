"""`palabre status`: is everything well?"""

import asyncio
import contextlib
import http.client

from palabre.chassis import streams, topology
from palabre.cli.run.instance import Instance
from palabre.cli.screen import console, table
from palabre.cli.server import bus
from palabre.cli.settings import CliSettings


def status() -> None:
    """Show services, streams and what waits."""
    settings = CliSettings()
    instance = Instance.read(settings.data_dir)
    if instance:
        console.print(f"{instance.url}, data in {settings.data_dir}\n")
        rows = ((name, _state(port)) for name, port in instance.ports.operations.items())
        table("service", "state", rows=rows)
        console.print()
    asyncio.run(_streams(settings))


async def _streams(settings: CliSettings) -> None:
    async with bus(settings) as connection:
        await topology.verify(connection.js, [d.name for d in streams.DURABLES])
        found = [(await connection.js.stream_info(c.name or "")) for c in streams.streams()]
        table(
            "stream", "messages", "MiB",
            rows=((i.config.name, i.state.messages, f"{i.state.bytes / 2**20:.1f}") for i in found),
        )  # fmt: skip
        console.print()
        waiting = [await connection.js.consumer_info("TURNS", d.name) for d in streams.DURABLES]
        table(
            "stage", "waiting", "in hand", "delivered again",
            rows=((c.name, c.num_pending, c.num_ack_pending, c.num_redelivered) for c in waiting),
        )  # fmt: skip


def _state(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("GET", "/ready")
        return "ready" if connection.getresponse().status == 200 else "not ready"
    return "down"
