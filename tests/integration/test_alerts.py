"""Every alert is made to fire by what it watches being broken, on a real Palabre and Prometheus.

Their expressions are those of deploy/prometheus/rules; time goes by `alerting.FACTOR` times as
fast in them. What has no real counterpart here is told by `alerting.Exporters`.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.prometheus.resource import groups
from palabre.chassis import events, subjects
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Busy
from palabre.chassis.ids import uuid7
from palabre.chassis.leases import NatsLeases
from palabre.chassis.testing import until
from palabre.contracts.v1 import events_pb2 as pb
from tests.integration import prometheus
from tests.integration.alerting import World, ask, ask_by_bus, repeated, world as running_world
from tests.standins.discord import Intents, Permissions

pytestmark = [
    prometheus.needed,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(240),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with running_world(tmp_path_factory.mktemp("world")) as made:
        yield made


async def test_what_exporters_of_others_tell(world: World) -> None:
    """Not broken for real: a GPU, certificates of cert-manager, NATS's exporter, a container."""
    say = world.exporters.say
    say("DCGM_FI_DEV_XID_ERRORS", 79, gpu="0", Hostname="node")
    say("DCGM_FI_DEV_GPU_TEMP", 91, gpu="0", Hostname="node")
    say("palabre_gpu_memory_bytes", 98, kind="used")
    say("palabre_gpu_memory_bytes", 100, kind="total")
    say("palabre_gpu_queue", 6)
    say("palabre_memory_limit_bytes", 1 << 20)  # of this very process
    say("gnatsd_healthz_status", 1, server_id="nats-0")
    say("certmanager_certificate_expiration_timestamp_seconds", time.time() + 86_400, name="grpc")
    gpu = ("GpuFault", "GpuTooHot", "GpuMemoryNearlyFull", "GpuQueueGrows")
    await world.fires(*gpu, "MemoryNearLimit", "NatsNodeDown", "NatsQuorumLost")
    say("DCGM_FI_DEV_XID_ERRORS", 0, gpu="0", Hostname="node")
    say("DCGM_FI_DEV_GPU_TEMP", 60, gpu="0", Hostname="node")
    say("palabre_gpu_memory_bytes", 10, kind="used")
    say("palabre_gpu_queue", 0)
    say("palabre_memory_limit_bytes", 0)
    say("gnatsd_healthz_status", 0, server_id="nats-0")
    await world.resolves(*gpu, "MemoryNearLimit", "NatsNodeDown", "NatsQuorumLost")


async def test_questions_that_can_never_succeed(world: World) -> None:
    bus = await world.bus("gateway")
    for _ in range(8):
        await ask_by_bus(bus, "nobody")
        await asyncio.sleep(0.5)
    await bus.close()
    budgets = ("ErrorBudgetBurnsFast", "ErrorBudgetBurns", "ErrorBudgetShrinks")
    await world.fires("DeadLetters", *budgets)


async def test_a_service_that_was_stopped(world: World) -> None:
    world.supervised("stopProcess", "tts")
    await world.fires("ServiceDown", "ReplicaDown")
    world.supervised("startProcess", "tts")
    await world.resolves("ServiceDown", "ReplicaDown")


async def test_models_that_fail(world: World) -> None:
    async with world.http() as http:
        another = itertools.cycle(range(60))

        async def ask_one_that_fails() -> None:
            await ask(http, f"broken{next(another)}")
            await asyncio.sleep(0.4)

        with repeated(ask_one_that_fails):
            await world.fires("EnginesAllFail", "EngineFails")
        with repeated(lambda: ask(http, "broken0")):
            await world.fires("EngineLeftAlone")
        with repeated(lambda: ask(http)):
            await world.resolves("EnginesAllFail")


async def test_a_model_that_is_slower_than_its_voice_and_an_engine_that_is_replaced(
    world: World,
) -> None:
    async with world.http() as http:

        async def listen() -> None:
            answer = await ask(http, "halting", speech=True)
            if answer.status_code == 503:  # what was asked before is still worked on
                await asyncio.sleep(1)
                return
            await http.get(f"/api/v1/turns/{answer.json()['turn']}/audio")

        with contextlib.ExitStack() as stack:
            for _ in range(6):
                stack.enter_context(repeated(listen))
                await asyncio.sleep(3)  # or all answers break off at once, and then none for long
            await world.fires("VoiceGaps", "SpeechFallsBack")


async def test_a_model_of_vectors_that_is_away(world: World) -> None:
    async with world.http() as http:

        async def search() -> None:
            world.vectors.faults[:] = ["500"] * 9
            await http.get("/api/v1/spaces/demo/search", params={"q": f"loyer {uuid7()}"})
            await asyncio.sleep(0.2)

        with repeated(search):
            await world.fires("SearchesWithoutMeaning")
        world.vectors.faults.clear()
        await world.resolves("SearchesWithoutMeaning")


async def test_money_that_is_spent_and_money_that_nobody_counts(world: World) -> None:
    async with world.http() as http:
        for _ in range(3):
            await ask(http, space="poor")
            await asyncio.sleep(1)
    await world.fires("BudgetReached", "CostUnknown")


async def test_an_event_loop_that_stands_still(world: World) -> None:
    pid = world.system.pids()["retriever"]

    async def stop_for_a_while() -> None:
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(0.6)
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(0.4)

    with repeated(stop_for_a_while):
        await world.fires("EventLoopLate")
    os.kill(pid, signal.SIGCONT)


async def test_events_of_a_version_that_is_not_here(world: World) -> None:
    bus = await world.bus("llm")
    cause = events.begin("demo", "api", uuid7(), pb.SegmentReady(text="Bonjour."))
    subject = subjects.of(cause)

    async def say() -> None:
        cause.ClearField("segment_ready")
        await bus.js.publish(subject, cause.SerializeToString())
        await asyncio.sleep(1)

    with repeated(say):
        await world.fires("UnknownEvents", patience_s=120)
    await bus.close()


async def test_a_stream_that_is_nearly_full(world: World) -> None:
    bus = await world.bus("operator")
    info = await bus.js.stream_info("TURNS")
    limit = info.config.max_bytes
    info.config.max_bytes = int(info.state.bytes * 1.1)
    await bus.js.update_stream(info.config)
    await world.fires("StreamNearlyFull")
    info.config.max_bytes = limit
    await bus.js.update_stream(info.config)
    await world.resolves("StreamNearlyFull")
    await bus.close()


async def test_sql_that_takes_nothing(world: World) -> None:
    bus = await world.bus("gateway")

    async def go_on_asking() -> None:
        await ask_by_bus(bus, "camille")
        await asyncio.sleep(0.5)

    with contextlib.closing(sqlite3.connect(world.system.folder / "gateway.sqlite")) as sql:
        sql.execute("ALTER TABLE turns RENAME TO taken_away")
        with repeated(go_on_asking):
            await world.fires("ArchiveStuck", "EventsComeTwice")
        sql.execute("ALTER TABLE taken_away RENAME TO turns")
    await world.resolves("ArchiveStuck")
    await bus.close()


async def test_a_bot_that_may_not_speak_or_read_or_is_away(world: World) -> None:
    community = world.community
    await community.discord.until(lambda: community.bot.online, 30)
    denied = Permissions.SEND_MESSAGES_IN_THREADS
    community.server.deny(community.forum, community.server.everyone, denied)
    await community.ask()
    wire = community.bot.sessions[0].wire
    assert wire
    wire.send(0, {}, "MESSAGE_CREATE", 1_000)  # not one that Discord sends
    await world.fires("DiscordRefused", "DiscordFaults")
    community.bot.privileged = Intents(0)
    community.bot.drop(4014)
    await world.fires("DiscordReduced")
    world.supervised("stopProcess", "discord")
    bus = await world.bus("discord")
    async with contextlib.AsyncExitStack() as stack:
        await _take(bus, "discord.default", stack)
        world.supervised("startProcess", "discord")
        await world.fires("DiscordBotAbandoned", "DiscordDisconnected")
    await world.resolves("DiscordBotAbandoned", "DiscordDisconnected")
    await bus.close()


async def _take(bus: Bus, key: str, stack: contextlib.AsyncExitStack) -> None:
    """Once its holder has given it back, or it has ended."""
    while True:
        with contextlib.suppress(Busy):
            await stack.enter_async_context(NatsLeases(bus).hold(key))
            return
        await asyncio.sleep(0.5)


async def test_more_questions_than_answers(world: World) -> None:
    bus = await world.bus("gateway")

    async def pour() -> None:
        await ask_by_bus(bus, "slow")
        await asyncio.sleep(0.1)

    async with world.http() as http:

        async def knock() -> None:
            await ask(http)
            await asyncio.sleep(0.3)

        with repeated(pour), repeated(knock):
            await world.fires("StageLagGrows", "OverloadNears", "QuestionsRefused")
    await bus.close()


async def test_a_nats_that_dies_again_and_again(world: World) -> None:
    def connected() -> bool:
        return [s.value for s in world.prometheus.query("min(palabre_nats_connected)")] == [1]

    world.supervised("stopProcess", "nats")
    await world.fires("NatsDisconnected")
    world.supervised("startProcess", "nats")
    for _ in range(7):
        await until(connected, 30)
        os.kill(world.system.pids()["nats"], signal.SIGKILL)
        await asyncio.sleep(2)
    await world.fires("NatsFlaps")
    await world.resolves("NatsDisconnected")


async def test_every_alert_has_fired_and_its_words_are_whole(world: World) -> None:
    await world.fires("CertificateExpires")  # an hour after the first test
    named = {rule["alert"] for group in groups() for rule in group["rules"] if "alert" in rule}
    assert world.fired.keys() >= named
    for told in world.fired.values():
        assert "<" not in "".join(told.values()), told  # <no value>, <error expanding template>
