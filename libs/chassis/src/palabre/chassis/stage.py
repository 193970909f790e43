"""Run one stage: pull an event, handle it, publish what it yields, acknowledge."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass

import structlog
from nats.errors import Error as NatsError

from palabre.chassis import events, streams, telemetry, tracing
from palabre.chassis.bus import Bus
from palabre.chassis.cancellations import Cancellations
from palabre.chassis.deliveries import Message
from palabre.chassis.errors import Busy, Erased, Reject, Unavailable
from palabre.contracts.v1 import events_pb2 as pb

log = structlog.get_logger()

Handler = Callable[[pb.Event], AsyncIterator[pb.Event]]  # all that a service has to write
PULL_WAIT_S = 1.0  # how long a request for events runs: a stage that shall stop waits for its end
MAX_FAILURES = 5  # of a handler with a bug, before the person is told
LAG_EVERY_S = 5.0

# How often the event in hand has been delivered, 1 at first.
deliveries: ContextVar[int] = ContextVar("deliveries", default=1)


@dataclass(frozen=True, slots=True)
class Stage:
    """A durable of `streams.py` and what it runs."""

    name: str
    handle: Handler
    concurrency: int = 16  # events in hand at once, per replica
    drain_s: float = 20.0  # above PULL_WAIT_S, below the grace period of the pod


async def run(stage: Stage, bus: Bus, cancelled: Cancellations, stop: asyncio.Event) -> None:
    """Until `stop`, then ends what is in hand or hands it back after `drain_s`."""
    runner, slots = _Runner(stage, bus, cancelled), _Slots(stage.concurrency)

    async def process(message: Message) -> None:
        try:
            await runner.process(message)
        finally:
            slots.give()

    async def expire(deadline: asyncio.Timeout) -> None:
        await stop.wait()
        deadline.reschedule(asyncio.get_running_loop().time() + stage.drain_s)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(None) as deadline, asyncio.TaskGroup() as tasks:

            def begin(message: Message) -> None:
                slots.take()
                tasks.create_task(process(message))

            expiry = tasks.create_task(expire(deadline))
            lag = tasks.create_task(_watch_lag(stage, bus))
            async with bus.pull(stage.name, begin) as pull:
                while not stop.is_set():
                    free = await slots.some()  # only what can start now: nothing waits here
                    if not stop.is_set():
                        await pull.ask(free, PULL_WAIT_S)
            lag.cancel()
            await expiry


class _Slots:
    """How many more events may be in hand."""

    def __init__(self, free: int) -> None:
        self._free, self._given = free, asyncio.Event()

    def take(self) -> None:
        self._free -= 1

    def give(self) -> None:
        self._free += 1
        self._given.set()

    async def some(self) -> int:
        """How many are free, at least one."""
        while self._free < 1:
            self._given.clear()
            await self._given.wait()
        return self._free


class _Runner:
    def __init__(self, stage: Stage, bus: Bus, cancelled: Cancellations) -> None:
        self.stage, self.bus, self.cancelled = stage, bus, cancelled
        durable = streams.durable(stage.name)
        self.ack_wait_s, self.until = durable.ack_wait_s, durable.until
        self.most_deliveries = durable.deliveries
        for rare in (
            telemetry.DEAD_LETTERS,
            telemetry.STAGE_REDELIVERIES,
            telemetry.UNKNOWN_EVENTS,
        ):
            rare.labels(stage.name)  # from 0, so that a rate sees the first one
        self.in_hand = telemetry.STAGE_IN_HAND.labels(stage.name)
        self.seconds = telemetry.STAGE_SECONDS.labels(stage.name)

    async def process(self, message: Message) -> None:
        """Counts and times one delivery; whatever happens, it is settled."""
        name, begun = self.stage.name, time.perf_counter()
        self.in_hand.inc()
        if message.deliveries > 1:
            telemetry.STAGE_REDELIVERIES.labels(name).inc()
        outcome = "handed_back"
        with tracing.processing(name, message) as span:
            try:
                outcome = await self._settle(message)
            finally:
                span.set_attribute("palabre.outcome", outcome)
                self.in_hand.dec()
                telemetry.STAGE_EVENTS.labels(name, outcome).inc()
                telemetry.observe(self.seconds, time.perf_counter() - begun)

    async def _settle(self, message: Message) -> str:
        try:
            outcome = await self._handle(message)
        except Erased:
            outcome = "erased"
        except Busy:
            await message.hand_back(_delay(message.deliveries, cap_s=15))
            return "handed_back"
        except Unavailable as error:
            await message.hand_back(max(error.retry_after, _delay(message.deliveries, cap_s=15)))
            return "handed_back"
        except Reject as error:
            return await self._reject(message, str(error))
        except HeartbeatLost:
            return "lost"  # somebody else has it by now
        except asyncio.CancelledError:  # out of drain time: another replica takes it over
            await message.hand_back()
            raise
        except Exception as error:
            log.exception("handler failed", stage=self.stage.name, deliveries=message.deliveries)
            tracing.fail(tracing.current(), type(error).__name__)
            if message.deliveries >= MAX_FAILURES:
                return await self._reject(message, type(error).__name__)
            await message.hand_back(_delay(message.deliveries, cap_s=2))
            return "failed"
        await message.ack()
        return outcome

    async def _handle(self, message: Message) -> str:
        event = events.decode(message.data)
        tracing.about(event)
        if message.deliveries > self.most_deliveries:
            raise Reject(f"delivered {message.deliveries} times")
        if not events.body_name(event):
            return self._leave(message)
        if self._is_cancelled(event) or (message.deliveries > 1 and await self._has_ended(event)):
            return "cancelled"
        deliveries.set(message.deliveries)
        try:
            async with asyncio.timeout(self._seconds_left(event)):
                return await self._work(message, event)
        except TimeoutError:
            failed = pb.TurnFailed(
                reason=pb.FAILURE_REASON_EXPIRED, stage=self.stage.name, retryable=True
            )
            await self.bus.publish(events.follow(event, failed))
            return "expired"

    def _leave(self, message: Message) -> str:
        """What a newer version said: a fact that must not be lost waits for a newer replica."""
        telemetry.UNKNOWN_EVENTS.labels(self.stage.name).inc()
        if self.until:
            return "unknown"
        raise Unavailable("only a newer version knows it", _delay(message.deliveries, cap_s=60))

    async def _work(self, message: Message, event: pb.Event) -> str:
        """Runs the handler in a task of its own, which a cancelled turn or lost heartbeat ends."""
        work = asyncio.create_task(self._publish_results(event))
        beat = asyncio.create_task(_beat(message, self.ack_wait_s))
        beat.add_done_callback(lambda _: work.cancel())
        forget = self.cancelled.on_cancel(event.turn, work.cancel)
        try:
            return await work
        except asyncio.CancelledError:
            if beat.done() and not beat.cancelled():
                raise HeartbeatLost from beat.exception()
            if event.turn in self.cancelled and not _being_cancelled():
                return "cancelled"
            await _cancel(work)
            raise
        finally:
            forget()
            beat.cancel()

    async def _publish_results(self, event: pb.Event) -> str:
        async with contextlib.aclosing(self.stage.handle(event)) as results:  # type: ignore[type-var]
            async for result in results:
                if events.body_name(result) not in events.FACTS:
                    await self.bus.publish_live(result)
                elif (await self.bus.publish(result)).duplicate:
                    return "duplicate"  # it had been done before; the first one stored wins
        return "handled"

    async def _reject(self, message: Message, reason: str) -> str:
        """Dead-lettered, and the person is told."""
        await self.bus.dead_letter(message, self.stage.name, reason)
        with contextlib.suppress(Reject, Erased):
            event = events.decode(message.data)
            if events.body_name(event) not in events.ENDINGS | {""} and event.turn:
                failed = pb.TurnFailed(reason=pb.FAILURE_REASON_REJECTED, stage=self.stage.name)
                await self.bus.publish(events.follow(event, failed))
        await message.give_up()
        tracing.fail(tracing.current(), "rejected")
        log.warning("event rejected", stage=self.stage.name, reason=reason)
        return "rejected"

    def _is_cancelled(self, event: pb.Event) -> bool:
        return bool(self.until) and event.turn in self.cancelled

    async def _has_ended(self, event: pb.Event) -> bool:
        return self.until == "ended" and await self.bus.ended(event)

    def _seconds_left(self, event: pb.Event) -> float | None:
        return max(0.0, events.seconds_left(event)) if self.until else None


class HeartbeatLost(Exception):
    """The server may have given the event to another replica."""


async def _beat(message: Message, ack_wait_s: float) -> None:
    """Raises when the server has not confirmed for so long that it may redeliver."""
    confirmed = time.monotonic()
    while True:
        await asyncio.sleep(ack_wait_s / 3)
        try:
            await message.in_progress(timeout_s=ack_wait_s / 6)
            confirmed = time.monotonic()
        except (NatsError, OSError):
            if time.monotonic() - confirmed > ack_wait_s * 0.8:
                raise


async def _watch_lag(stage: Stage, bus: Bus) -> None:
    while True:
        with contextlib.suppress(NatsError):
            telemetry.STAGE_LAG.labels(stage.name).set(await bus.lag(stage.name))
        await asyncio.sleep(LAG_EVERY_S)


async def _cancel(task: asyncio.Task[str]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _delay(times: int, cap_s: float) -> float:
    return float(min(cap_s, 0.2 * 1.6 ** min(times, 20)))
