"""`palabre status`: is everything well? What is wrong comes first."""

import asyncio
import contextlib
import http.client
from collections.abc import Iterable, Iterator, Mapping

from nats.js.api import ConsumerInfo, StreamInfo

from palabre.chassis import streams, topology
from palabre.cli.run.instance import Instance
from palabre.cli.screen import console, table
from palabre.cli.server import bus
from palabre.cli.settings import CliSettings

FULL = 0.8  # of what a stream may hold
MANY = 1_000  # events that wait: the gateway begins to refuse (PALABRE_OVERLOAD_LAG)


def status() -> None:
    """Show what is wrong, then services, streams and what waits."""
    settings = CliSettings()
    instance = Instance.read(settings.data_dir)
    operations = instance.ports.operations if instance else {}
    services = {name: _state(port) for name, port in operations.items()}
    _warn(troubles(services))
    if instance:
        console.print(f"{instance.url}, data in {settings.data_dir}\n")
        table("service", "state", rows=services.items())
        console.print()
    asyncio.run(_streams(settings))


async def _streams(settings: CliSettings) -> None:
    async with bus(settings) as connection:
        await topology.verify(connection.js, [d.name for d in streams.DURABLES])
        found = [(await connection.js.stream_info(c.name or "")) for c in streams.streams()]
        waiting = [await connection.js.consumer_info("TURNS", d.name) for d in streams.DURABLES]
    _warn(troubles({}, found, waiting))
    table(
        "stream", "messages", "MiB",
        rows=((i.config.name, i.state.messages, f"{i.state.bytes / 2**20:.1f}") for i in found),
    )  # fmt: skip
    console.print()
    table(
        "stage", "waiting", "in hand", "delivered again",
        rows=((c.name, c.num_pending, c.num_ack_pending, c.num_redelivered) for c in waiting),
    )  # fmt: skip


def _warn(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        console.print(f"[red]{sentence}[/red]", highlight=False)


def troubles(
    services: Mapping[str, str],
    found: Iterable[StreamInfo] = (),
    waiting: Iterable[ConsumerInfo] = (),
) -> Iterator[str]:
    """A sentence each, with what to look at: what is down, away, full, waits or was given up."""
    for name, state in services.items():
        if state != "ready":
            yield f"{name} is {state}: look into its log"
    for info in found:
        yield from _troubles_of(info)
    for consumer in waiting:
        pending = consumer.num_pending or 0
        if pending >= MANY:
            service = streams.durable(consumer.name).service
            yield f"{consumer.name}: {pending} wait: more {service}, or look what slows it"


def _troubles_of(info: StreamInfo) -> Iterator[str]:
    name = info.config.name or ""
    for copy in (info.cluster.replicas if info.cluster else None) or []:
        if copy.offline or not copy.current:
            yield f"{name}: {copy.name} is {'away' if copy.offline else 'behind'}: look at NATS"
    if name == "DEAD" and info.state.messages:
        yield f"{info.state.messages} dead letters: `palabre dead list`"
    share = info.state.bytes / (info.config.max_bytes or 1)
    if name != "LIVE" and share >= FULL:  # LIVE is full whenever much is said
        yield f"{name} is {share:.0%} full: its oldest go first"


def _state(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.suppress(OSError), contextlib.closing(connection):
        connection.request("GET", "/ready")
        return "ready" if connection.getresponse().status == 200 else "not ready"
    return "down"
