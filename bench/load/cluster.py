"""Three NATS nodes, one killed under load: how long until publishing goes on, and what is lost."""

import asyncio
import contextlib
import itertools
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from nats.aio.msg import Msg

from palabre.chassis import events, stage, streams, subjects
from palabre.chassis.bus import Bus
from palabre.chassis.cancellations import Cancellations
from palabre.chassis.errors import Unavailable
from palabre.chassis.ids import uuid7
from palabre.chassis.stage import Stage
from palabre.chassis.testing import NatsCluster, until
from palabre.chassis.testing.cluster import Node
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2

# A follower waits 4 to 9 s for a leader that is silent (nats-server, raft.go: no setting), so that
# the earlier of two calls an election within 5 s in a third of all cases. The rest is ours.
BAR_S = 5.0
OURS_S = 1.0
PER_S = 40.0
BEFORE_S, AFTER_S = 4.0, 14.0
PUBLISHERS, STAGES = 3, 2
PATIENCE_S = 60.0
ELECTED = "$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED"
TEXT = "Qui paie la réparation du chauffe-eau ?"


@dataclass(slots=True)
class Failover:
    """One loss of a node. Times in seconds."""

    victim: str
    election_s: float = 0.0  # from the loss until TURNS had a leader again; 0: it kept its own
    published: int = 0
    longest_s: float = 0.0  # that a fact took to be stored
    silence_s: float = 0.0  # between two facts that were stored
    refused: int = 0
    lost: int = 0
    doubled: int = 0
    answered_s: float = 0.0  # the longest from question to answer
    stored: list[float] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        most = max(BAR_S, self.election_s + OURS_S)
        return max(self.longest_s, self.silence_s) <= most and not self.lost + self.doubled

    def __str__(self) -> str:
        waits = (self.election_s, self.longest_s, self.silence_s, self.answered_s)
        times = "".join(f"{seconds:>9.2f}" for seconds in waits)
        counts = f"{self.refused:>9}{self.lost:>6}{self.doubled:>9}"
        return (
            f"{self.victim:<32}{self.published:>7}{times}{counts}  {'' if self.is_fine else 'NO'}"
        )


HEAD = (
    f"{'':<32}{'facts':>7}{'election':>9}{'stored':>9}{'silence':>9}{'answer':>9}"
    f"{'refused':>9}{'lost':>6}{'doubled':>9}   (seconds, at most)"
)


async def failovers(folder: Path) -> AsyncIterator[Failover]:
    """The node that leads TURNS and one that does not, killed; one that is asked to leave."""
    async with NatsCluster(folder) as nats, contextlib.AsyncExitStack() as stack:
        for _ in range(STAGES):
            await stack.enter_async_context(_answering(nats))
        publishers = [await nats.bus("gateway") for _ in range(PUBLISHERS)]
        for name, number in (
            ("another node, killed", signal.SIGKILL),
            ("the leader of TURNS, killed", signal.SIGKILL),
            ("the leader, killed again", signal.SIGKILL),
            ("the leader, asked to leave", signal.SIGUSR2),
        ):
            leader = await nats.leader("TURNS")
            others = [node for node in nats.nodes if node is not leader]
            victim = leader if "leader" in name else others[0]
            yield await _failover(nats, publishers, Failover(name), victim, number)
        for bus in publishers:
            await bus.close()


async def _failover(
    nats: NatsCluster, publishers: list[Bus], found: Failover, victim: Node, number: int
) -> Failover:
    asked = dict[str, float]()
    operator, elected = await nats.bus(streams.OPERATOR), list[float]()

    async def note(msg: Msg) -> None:
        elected.append(time.monotonic())

    await operator.client.subscribe(f"{ELECTED}.TURNS", cb=note)
    load = asyncio.create_task(_ask(publishers, found, asked))
    await asyncio.sleep(BEFORE_S)
    lost_at = time.monotonic()
    await asyncio.to_thread(victim.end, number)
    await load
    victim.start()
    await victim.ready(caught_up=True)
    found.published, stored = len(found.stored), sorted(found.stored)
    found.silence_s = max(b - a for a, b in itertools.pairwise(stored))
    found.election_s = elected[0] - lost_at if elected else 0.0
    await _settle(operator, found, asked)
    await operator.close()
    return found


async def _ask(publishers: list[Bus], found: Failover, asked: dict[str, float]) -> None:
    """Questions at an even pace, each in a conversation of its own."""
    begun, number = time.monotonic(), 0
    async with asyncio.TaskGroup() as tasks:
        while time.monotonic() < begun + BEFORE_S + AFTER_S:
            tasks.create_task(_publish(publishers[number % len(publishers)], found, asked))
            number += 1
            await asyncio.sleep(max(0.0, begun + number / PER_S - time.monotonic()))


async def _publish(bus: Bus, found: Failover, asked: dict[str, float]) -> None:
    body = pb.UtteranceReceived(utterance=turns_pb2.Utterance(text=TEXT))
    event, begun = events.begin("demo", "api", uuid7(), body), time.monotonic()
    asked[event.turn] = time.time()
    try:
        await bus.publish(event)
    except Unavailable:
        found.refused += 1
        del asked[event.turn]  # who asked was told
        return
    now = time.monotonic()
    found.stored.append(now)
    found.longest_s = max(found.longest_s, now - begun)


async def _settle(bus: Bus, found: Failover, asked: dict[str, float]) -> None:
    """Every question has one answer."""
    answers: Counter[str] = Counter()
    at: dict[str, float] = {}

    async def all_are() -> bool:
        answers.clear()
        query = {"next_by_subj": subjects.every("turns", "answer_completed")}
        for stored in await bus.read("TURNS", query):
            answers[stored.event.turn] += 1
            at[stored.event.turn] = stored.event.occurred_at.ToMilliseconds() / 1000
        return asked.keys() <= answers.keys()

    with contextlib.suppress(TimeoutError):
        await until(all_are, PATIENCE_S)
    received: Counter[str] = Counter()
    query = {"next_by_subj": subjects.every("turns", "utterance_received")}
    received.update(stored.event.turn for stored in await bus.read("TURNS", query))
    found.lost = sum(turn not in answers for turn in asked)
    found.doubled = sum(answers[turn] > 1 or received[turn] > 1 for turn in asked)
    found.answered_s = max(at[turn] - begun for turn, begun in asked.items() if turn in at)


@contextlib.asynccontextmanager
async def _answering(nats: NatsCluster) -> AsyncIterator[None]:
    """A replica of a stage that answers at once."""
    bus, stop = await nats.bus("llm"), asyncio.Event()
    cancelled = Cancellations()
    await cancelled.follow(bus)
    running = asyncio.create_task(stage.run(Stage("comprehend", _answer), bus, cancelled, stop))
    try:
        yield
    finally:
        stop.set()
        await running
        await bus.close()


async def _answer(event: pb.Event) -> AsyncIterator[pb.Event]:
    yield events.follow(event, pb.AnswerCompleted(text="Le bailleur."))
