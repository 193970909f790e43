"""The stage loop, on a real nats-server."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable

from palabre.chassis import events, stage
from palabre.chassis.bus import Bus
from palabre.chassis.cancellations import Cancellations
from palabre.chassis.deliveries import Message, Pull
from palabre.chassis.errors import Reject, Unavailable
from palabre.chassis.ids import uuid7
from palabre.chassis.leases import NatsLeases
from palabre.chassis.stage import Handler, Stage
from palabre.chassis.testing import NatsServer, until
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance


def question(text: str = "Bonjour ?", deadline_s: float = 60, conversation: str = "") -> pb.Event:
    body = pb.UtteranceReceived(utterance=Utterance(text=text))
    return events.begin("demo", "web", conversation or uuid7(), body, deadline_s=deadline_s)


def text(event: pb.Event) -> str:
    return event.utterance_received.utterance.text


async def understood(event: pb.Event) -> AsyncIterator[pb.Event]:
    utterance = event.utterance_received.utterance
    yield events.follow(event, pb.UtteranceUnderstood(utterance=utterance))


@contextlib.asynccontextmanager
async def running(
    bus: Bus, handle: Handler, name: str = "comprehend", **options: float
) -> AsyncIterator[asyncio.Event]:
    stop, cancelled = asyncio.Event(), Cancellations()
    await cancelled.follow(bus)
    each = Stage(name, handle, **options)  # type: ignore[arg-type]
    task = asyncio.create_task(stage.run(each, bus, cancelled, stop))
    try:
        yield stop
    finally:
        stop.set()
        await task


async def taken(bus: Bus, wait_s: float, most: int = 1) -> list[Message]:
    found: list[Message] = []
    async with bus.pull("comprehend", found.append) as pull:
        await pull.ask(most, wait_s)
    return found


def ending_of(bus: Bus, asked: pb.Event, name: str) -> Callable[[], "asyncio.Future[bool]"]:
    async def found() -> bool:
        facts = await bus.facts(asked.space, asked.channel, asked.conversation)
        return any(events.body_name(e) == name for e in facts)

    return found  # type: ignore[return-value]


async def test_a_stage_publishes_what_its_handler_yields_and_acknowledges(
    gateway: Bus, llm: Bus
) -> None:
    asked = [question(str(i)) for i in range(30)]
    async with running(llm, understood):
        for event in asked:
            await gateway.publish(event)
        for event in asked:
            await until(ending_of(gateway, event, "utterance_understood"))
    info = await gateway.js.consumer_info("TURNS", "comprehend")
    assert (info.num_ack_pending, info.num_pending) == (0, 0)


async def test_an_event_handled_twice_is_published_once(gateway: Bus, llm: Bus) -> None:
    calls: list[str] = []
    asked = question()

    async def dies_before_the_acknowledgement(event: pb.Event) -> AsyncIterator[pb.Event]:
        calls.append(event.id)
        async for result in understood(event):
            yield result
        if len(calls) == 1:
            raise Unavailable("as if killed between publish and ack", retry_after=0.05)

    async with running(llm, dies_before_the_acknowledgement):
        await gateway.publish(asked)
        await until(lambda: len(calls) == 2)
    facts = await gateway.facts("demo", "web", asked.conversation)
    assert [events.body_name(e) for e in facts] == ["utterance_received", "utterance_understood"]


async def test_a_stage_stops_where_the_fact_was_stored_before(gateway: Bus, llm: Bus) -> None:
    asked, went_on = question(), []
    await gateway.publish(asked)
    [first] = [e async for e in understood(asked)]
    await llm.publish(first)

    async def twice(event: pb.Event) -> AsyncIterator[pb.Event]:
        async for result in understood(event):
            yield result
        went_on.append(event.id)

    async with running(llm, twice):
        await asyncio.sleep(0.3)
    assert went_on == []


async def test_a_rejected_event_is_dead_lettered_and_the_person_is_told(
    server: NatsServer, gateway: Bus, llm: Bus
) -> None:
    async def never(event: pb.Event) -> AsyncIterator[pb.Event]:
        raise Reject("no persona of that name")
        yield event

    asked = question()
    async with running(llm, never):
        await gateway.publish(asked)
        await until(ending_of(gateway, asked, "turn_failed"))
    operator = await server.bus("operator")
    [letter] = await operator.raw("DEAD", {"next_by_subj": "palabre.v1.dead.>"})
    assert letter.headers["Palabre-Error"] == "no persona of that name"
    assert letter.headers["Palabre-Stage"] == "comprehend"
    assert events.decode(letter.data).turn == asked.turn
    await operator.close()


async def test_bytes_that_are_no_event_are_dead_lettered(server: NatsServer, llm: Bus) -> None:
    operator = await server.bus("operator")
    await operator.js.publish("palabre.v1.turns.demo.web.c.utterance_received", b"\xff\xff")
    async with running(llm, understood):
        await until(lambda: _has_dead(operator))
    await operator.close()


async def _has_dead(operator: Bus) -> bool:
    return bool(await operator.raw("DEAD", {"next_by_subj": "palabre.v1.dead.>"}))


async def test_a_handler_that_fails_is_tried_again(gateway: Bus, llm: Bus) -> None:
    calls = Counter[str]()

    async def flaky(event: pb.Event) -> AsyncIterator[pb.Event]:
        calls[event.id] += 1
        if calls[event.id] < 3:
            raise RuntimeError("flaky")
        async for result in understood(event):
            yield result

    asked = question()
    async with running(llm, flaky):
        await gateway.publish(asked)
        await until(ending_of(gateway, asked, "utterance_understood"))
    assert calls[asked.id] == 3


async def test_a_deadline_that_has_passed_ends_the_turn(gateway: Bus, llm: Bus) -> None:
    asked = question(deadline_s=-1)
    async with running(llm, understood):
        await gateway.publish(asked)
        await until(ending_of(gateway, asked, "turn_failed"))
    [_, failed] = await gateway.facts("demo", "web", asked.conversation)
    assert failed.turn_failed.reason == pb.FAILURE_REASON_EXPIRED


async def test_a_deadline_that_passes_during_the_work_ends_the_turn(gateway: Bus, llm: Bus) -> None:
    async def slow(event: pb.Event) -> AsyncIterator[pb.Event]:
        await asyncio.sleep(30)
        yield event

    asked = question(deadline_s=0.4)
    async with running(llm, slow):
        await gateway.publish(asked)
        await until(ending_of(gateway, asked, "turn_failed"))


async def test_a_turn_cancelled_before_its_stage_is_not_handled(gateway: Bus, llm: Bus) -> None:
    asked, handled = question(), []
    await gateway.publish(asked)
    await gateway.publish(events.follow(asked, pb.TurnCancelled(reason="stop")))

    async def note(event: pb.Event) -> AsyncIterator[pb.Event]:
        handled.append(event.id)
        yield event

    async with running(llm, note):
        await asyncio.sleep(0.3)
    assert handled == []


async def test_a_turn_cancelled_during_its_stage_is_stopped_and_acknowledged(
    gateway: Bus, llm: Bus
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(event: pb.Event) -> AsyncIterator[pb.Event]:
        begun.set()
        try:
            await asyncio.sleep(30)
            yield event
        finally:
            ended.set()

    asked = question()
    async with running(llm, endless):
        await gateway.publish(asked)
        await asyncio.wait_for(begun.wait(), 5)
        await gateway.publish(events.follow(asked, pb.TurnCancelled(reason="stop")))
        await asyncio.wait_for(ended.wait(), 1)
        await until(lambda: _is_settled(gateway, "comprehend"))


async def _is_settled(bus: Bus, durable: str) -> bool:
    info = await bus.js.consumer_info("TURNS", durable)
    return not info.num_ack_pending and not info.num_pending


async def test_work_in_hand_is_ended_at_shutdown(gateway: Bus, llm: Bus) -> None:
    begun = asyncio.Event()

    async def takes_a_moment(event: pb.Event) -> AsyncIterator[pb.Event]:
        begun.set()
        await asyncio.sleep(0.5)
        async for result in understood(event):
            yield result

    asked = question()
    async with running(llm, takes_a_moment):
        await gateway.publish(asked)
        await asyncio.wait_for(begun.wait(), 5)
    assert await ending_of(gateway, asked, "utterance_understood")()


async def test_work_that_outlasts_the_drain_is_handed_to_another_replica(
    gateway: Bus, llm: Bus
) -> None:
    begun = asyncio.Event()

    async def forever(event: pb.Event) -> AsyncIterator[pb.Event]:
        begun.set()
        await asyncio.sleep(60)
        yield event

    asked = question()
    async with running(llm, forever, drain_s=1.2, concurrency=1):
        await gateway.publish(asked)
        await asyncio.wait_for(begun.wait(), 5)
    async with running(llm, understood):
        await until(ending_of(gateway, asked, "utterance_understood"))


async def test_a_busy_conversation_is_handed_back_and_slows_no_other(
    gateway: Bus, llm: Bus
) -> None:
    leases, done = NatsLeases(llm), list[str]()

    async def one_at_a_time(event: pb.Event) -> AsyncIterator[pb.Event]:
        async with leases.hold(event.conversation):
            await asyncio.sleep(0.6 if text(event) == "slow" else 0)
            done.append(text(event))
        async for result in understood(event):
            yield result

    noisy = uuid7()
    async with running(llm, one_at_a_time, concurrency=2):
        for _ in range(4):
            await gateway.publish(question("slow", conversation=noisy))
        await gateway.publish(question("other"))
        await until(lambda: "other" in done)
        assert done.count("slow") <= 1
        await until(lambda: len(done) == 5, 20)


async def test_a_heartbeat_that_fails_cancels_its_handler(
    server: NatsServer, gateway: Bus, llm: Bus
) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(event: pb.Event) -> AsyncIterator[pb.Event]:
        begun.set()
        try:
            await asyncio.sleep(60)
            yield event
        finally:
            ended.set()

    runner = stage._Runner(Stage("comprehend", endless), llm, Cancellations())
    runner.ack_wait_s = 0.6
    await gateway.publish(question())
    [message] = await taken(llm, 5)
    work = asyncio.create_task(runner.process(message))
    await asyncio.wait_for(begun.wait(), 5)
    await server.kill()
    await asyncio.wait_for(ended.wait(), 5)
    await work


async def test_long_work_is_not_delivered_again(server: NatsServer, gateway: Bus, llm: Bus) -> None:
    calls: list[str] = []

    async def long(event: pb.Event) -> AsyncIterator[pb.Event]:
        calls.append(event.id)
        await asyncio.sleep(2.5)
        async for result in understood(event):
            yield result

    operator = await server.bus("operator")
    config = (await operator.js.consumer_info("TURNS", "comprehend")).config
    config.ack_wait = 0.9  # seconds of silence after which the server delivers again
    await operator.js.add_consumer("TURNS", config)
    runner = stage._Runner(Stage("comprehend", long), llm, Cancellations())
    runner.ack_wait_s = 0.9
    asked = question()
    await gateway.publish(asked)
    [message] = await taken(llm, 5)
    work = asyncio.create_task(runner.process(message))
    again = await taken(llm, 2)
    await work
    assert (again, calls) == ([], [asked.id])
    await operator.close()


async def test_an_event_of_a_newer_version_is_acknowledged_and_counted(
    server: NatsServer, gateway: Bus, llm: Bus
) -> None:
    unknown = question()
    unknown.ClearField("utterance_received")
    operator = await server.bus("operator")
    subject = f"palabre.v1.turns.demo.web.{unknown.conversation}.utterance_received"
    await operator.js.publish(subject, unknown.SerializeToString())
    async with running(llm, understood):
        await until(lambda: _is_settled(gateway, "comprehend"))
    assert not await operator.raw("DEAD", {"next_by_subj": "palabre.v1.dead.>"})
    await operator.close()


async def test_a_fact_of_a_newer_version_waits_for_a_newer_archive(
    server: NatsServer, gateway: Bus
) -> None:
    newer = question()
    newer.ClearField("utterance_received")
    data = newer.SerializeToString() + bytes([0xC2, 0x3E, 1, 7])  # a body with the number 1000
    operator = await server.bus("operator")
    subject = f"palabre.v1.turns.demo.web.{newer.conversation}.spending_recorded"
    await operator.js.publish(subject, data)
    async with running(gateway, understood, "archive"):
        await until(lambda: _is_delivered_again(gateway, "archive"))
    found: list[Message] = []
    async with gateway.pull("archive", found.append) as pull:  # a replica that knows it
        await until(lambda: _asks(pull, found))
    assert events.decode(found[0].data).SerializeToString() == data
    assert not await operator.raw("DEAD", {"next_by_subj": "palabre.v1.dead.>"})
    await operator.close()


async def _is_delivered_again(bus: Bus, durable: str) -> bool:
    return bool((await bus.js.consumer_info("TURNS", durable)).num_redelivered)


async def _asks(pull: Pull, found: list[Message]) -> bool:
    await pull.ask(1, 0.2)
    return bool(found)


def test_a_fact_waits_longer_each_time_however_often_it_came() -> None:
    waits = [stage._delay(times, cap_s=60) for times in (1, 5, 20, 10_000)]
    assert waits == sorted(waits)
    assert waits[-1] == 60
