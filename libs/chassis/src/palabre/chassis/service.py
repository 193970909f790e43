"""A service: connects, checks, runs its stages and servers, drains, ends."""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import grpc
import structlog
import uvloop
from nats.js.kv import KeyValue

from palabre.chassis import health, rpc, stage, telemetry, topology, vitals
from palabre.chassis.blobs import NatsObjects
from palabre.chassis.bus import Bus
from palabre.chassis.cancellations import Cancellations
from palabre.chassis.directory import Spaces
from palabre.chassis.errors import Unavailable
from palabre.chassis.histories import NatsHistories
from palabre.chassis.leases import NatsLeases
from palabre.chassis.settings import ServiceSettings
from palabre.chassis.stage import Stage

log = structlog.get_logger()

REFRESH_S = 1.0
GARBAGE = 10_000  # containers made and not yet gone

Task = Callable[[asyncio.Event], Awaitable[None]]  # runs until the event is set


@dataclass(frozen=True, slots=True)
class Parts:
    """What a service is made of. `grpc_names` are the services' full names, for health."""

    stages: Sequence[Stage] = ()
    grpc: Sequence[rpc.AddServicer] = ()
    grpc_names: Sequence[str] = ()
    tasks: Sequence[Task] = ()
    close: Sequence[Callable[[], Awaitable[None]]] = ()


@dataclass(slots=True)
class Context:
    """What a service is given."""

    bus: Bus
    spaces: Spaces
    cancelled: Cancellations
    health: health.Health
    settings: ServiceSettings

    @property
    def leases(self) -> NatsLeases:
        return NatsLeases(self.bus)

    @property
    def histories(self) -> NatsHistories:
        return NatsHistories(self.bus)

    async def kv(self, bucket: str) -> KeyValue:
        return await self.bus.js.key_value(bucket)

    async def objects(self, store: str) -> NatsObjects:
        return NatsObjects(await self.bus.js.object_store(store))

    @classmethod
    async def open(cls, name: str, settings: ServiceSettings) -> Self:
        bus = await Bus.connect(
            settings.nats_url,
            name,
            settings.nats_user,
            settings.nats_password.get_secret_value(),
            settings.nats_ca,
        )
        context = cls(bus, Spaces(), Cancellations(), health.Health(), settings)
        await topology.bind(bus.js, name, log.warning, settings.start_wait_s)
        await context.cancelled.follow(bus)
        await context.spaces.refresh(bus)
        await bus.refresh_erased()
        return context

    async def keep_current(self, stop: asyncio.Event) -> None:
        """Every second: what changed in the buckets that everybody reads; LIVE, if it is gone."""
        while not stop.is_set():
            self.health.tick()
            with contextlib.suppress(Unavailable):
                await self.spaces.refresh(self.bus)
                await self.bus.refresh_erased()
                if await topology.remake_live(self.bus.js):
                    log.warning("made LIVE again")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), REFRESH_S)


Assemble = Callable[[Context], Awaitable[Parts]]


def run(name: str, settings: ServiceSettings, assemble: Assemble) -> None:
    """Until SIGTERM or SIGINT. Exits with 1 and a sentence when it cannot start."""
    stop_telemetry = telemetry.start(name, settings)
    vitals.tell_build(name)
    vitals.tell_memory_limit()
    try:
        uvloop.run(_serve(name, settings, assemble))
    except (topology.ServerTooOld, topology.WrongTopology, Unavailable) as error:
        sys.exit(f"{name}: {error}")
    except asyncio.CancelledError:
        log.info("stopped before it was ready")
    finally:
        stop_telemetry()


async def _serve(name: str, settings: ServiceSettings, assemble: Assemble) -> None:
    stop = asyncio.Event()
    if starting := asyncio.current_task():
        _on_signal(starting.cancel)  # nothing is in hand yet
    context = await Context.open(name, settings)
    operations = health.serve(context.health, settings.ops_host, settings.ops_port)
    parts = await assemble(context)
    server, port = await _serve_grpc(parts, settings)
    _on_signal(stop.set)
    log.info("ready", operations=operations.server_port, grpc=port)
    context.health.ready = True
    _settle_memory()
    try:
        await _run_all(name, parts, context, stop)
    finally:
        context.health.ready = False
        if server:
            await server.stop(grace=settings.drain_s)
        for close in parts.close:
            await close()
        await context.bus.close()
        operations.shutdown()
        log.info("stopped")


def _on_signal(act: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, act)


def _settle_memory() -> None:
    """What is there now stays: looking through it for garbage stops the loop for tens of ms.

    What comes is looked through more seldom than by default: with hundreds of turns in hand that
    took a twentieth of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


async def _run_all(name: str, parts: Parts, context: Context, stop: asyncio.Event) -> None:
    """One that fails ends them all: the process is started again from outside."""
    async with asyncio.TaskGroup() as group:
        for each in parts.stages:
            group.create_task(stage.run(each, context.bus, context.cancelled, stop))
        own: list[Task] = [
            context.keep_current,
            vitals.watch_loop,
            partial(vitals.watch_streams, name, context.bus),
        ]
        for task in (*own, *parts.tasks):
            group.create_task(_awaited(task(stop)))


async def _serve_grpc(
    parts: Parts, settings: ServiceSettings
) -> tuple[grpc.aio.Server | None, int]:
    if not parts.grpc:
        return None, 0
    return await rpc.serve(
        parts.grpc,
        parts.grpc_names,
        f"{settings.grpc_host}:{settings.grpc_port}",
        reflect=settings.grpc_reflection,
        proving=settings.proving,
    )


async def _awaited(work: Awaitable[None]) -> None:
    await work
