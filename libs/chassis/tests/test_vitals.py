"""What a service says of itself, on a real nats-server."""

import asyncio
import time
from functools import partial
from pathlib import Path

from prometheus_client import REGISTRY

from palabre.chassis import events, vitals
from palabre.chassis.bus import Bus
from palabre.chassis.testing import Gains, NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


async def test_the_streams_are_told_with_what_they_may_hold(gateway: Bus) -> None:
    event = events.begin("demo", "api", "c-1", pb.TurnCancelled(reason="stop"))
    await gateway.publish(event)
    stop = asyncio.Event()
    looking = asyncio.create_task(vitals.watch_streams("gateway", gateway, stop))
    await until(lambda: value("palabre_stream_messages", stream="TURNS") == 1)
    assert (value("palabre_stream_bytes", stream="TURNS") or 0) > event.ByteSize()
    assert value("palabre_stream_limit_bytes", stream="TURNS") == 8192 << 20
    assert value("palabre_stream_messages", stream="DEAD") == 0
    assert value("palabre_stream_limit_bytes", stream="LIVE") == 256 << 20
    await until(lambda: value("palabre_stream_bytes", stream="OBJ_voice-consents") == 0)
    assert value("palabre_stream_limit_bytes", stream="KV_spaces") == 1 << 30
    stop.set()
    await looking


async def test_a_connection_that_ends_and_comes_back_is_told(
    server: NatsServer, gateway: Bus
) -> None:
    gains = Gains()
    assert value("palabre_nats_connected") == 1
    await server.kill()
    await until(lambda: value("palabre_nats_connected") == 0)
    await server.start()
    await until(lambda: value("palabre_nats_connected") == 1)
    assert gains.of("palabre_nats_reconnects_total") == 1


async def test_facts_are_measured_until_they_are_stored(server: NatsServer, gateway: Bus) -> None:
    gains = Gains()
    event = events.begin("demo", "api", "c-1", pb.TurnCancelled(reason="stop"))
    await gateway.publish(event)
    assert gains.of("palabre_publish_seconds_count") == 1
    await server.kill()
    waiting = asyncio.create_task(
        gateway.publish(events.begin("demo", "api", "c-2", pb.TurnFailed()))
    )
    await until(lambda: gains.of("palabre_publish_failures_total") > 0)
    await server.start()
    await waiting
    assert gains.of("palabre_publish_seconds_count") == 2


async def test_a_loop_that_stood_still_was_late() -> None:
    gains, stop = Gains(), asyncio.Event()
    watching = asyncio.create_task(vitals.watch_loop(stop))
    await asyncio.sleep(0)
    time.sleep(vitals.TICK_S + 0.3)  # noqa: ASYNC251 (what must not happen)
    await until(partial(_ticked, gains))
    stop.set()
    await watching
    assert gains.of("palabre_loop_late_seconds_sum") > 0.25


def _ticked(gains: Gains) -> bool:
    return gains.of("palabre_loop_late_seconds_count") > 0


def test_what_runs_is_told_with_its_version() -> None:
    vitals.tell_build("chassis")
    told = [s for metric in vitals.BUILD.collect() for s in metric.samples]
    [ours] = [s for s in told if s.labels["service"] == "chassis"]
    assert (ours.value, ours.labels["version"][0].isdigit()) == (1, True)


def test_the_limit_of_memory_is_that_of_the_container_where_there_is_one(tmp_path: Path) -> None:
    file = tmp_path / "memory.max"
    file.write_text("536870912\n", encoding="utf-8")
    vitals.tell_memory_limit(file)
    assert value("palabre_memory_limit_bytes") == 512 << 20
    file.write_text("max\n", encoding="utf-8")
    vitals.tell_memory_limit(file)
    assert value("palabre_memory_limit_bytes") == 0
    vitals.tell_memory_limit(tmp_path / "none")
    assert value("palabre_memory_limit_bytes") == 0
