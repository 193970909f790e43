"""Three replicas of each service, on one nats-server and on a cluster of three nodes.

While people ask over HTTP, where every request goes to another gateway, and in a forum on Discord.
Nothing is lost, nothing doubled, order is kept within a conversation, every sentence is spoken.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from nats.errors import Error as NatsError

from bench.kill.__main__ import SPACES
from bench.kill.asker import Asker, Outcome
from bench.kill.campaign import QUESTIONS, SPACE, Campaign, client
from bench.kill.facts import Facts
from bench.kill.forum import Forum
from bench.kill.replicas import COUNTS, Replicas, replicated
from palabre.chassis import streams
from palabre.chassis.testing import NatsCluster, NatsServer, until
from tests.making.postgres import postgres
from tests.standins.discord import Discord

# Starting fourteen processes takes most of the time.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]

ASKERS = 4
MODEL = "mock-ttft40-itl25-len60"  # answers take a second and a half


class PassedAround(Asker):
    """Leaves a stream after three pieces and goes on at the next gateway."""

    streams = 0

    async def _events(
        self, outcome: Outcome, last: str
    ) -> AsyncIterator[tuple[str, str, dict[str, Any]]]:
        self.streams, pieces = self.streams + 1, 0
        async with contextlib.aclosing(super()._events(outcome, last)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event
                pieces += event[0] == "delta"
                if pieces == 3:
                    return


@dataclass(frozen=True, slots=True)
class World:
    """What runs; `nats` is a cluster's where there is one."""

    system: Replicas
    forum: Forum

    @property
    def cluster(self) -> NatsCluster:
        if not isinstance(self.system.nats, NatsCluster):
            pytest.skip("one server has no nodes")
        return self.system.nats

    async def survives(self, trouble: Callable[[], Awaitable[None]]) -> None:
        """People ask before, during and after the trouble, and nobody notices."""
        bus = await self.system.bus()
        since = (await bus.js.stream_info("TURNS")).state.last_seq + 1
        found = Campaign(self.forum)
        asking = asyncio.create_task(found.ask(self.system, ASKERS, seed=since))
        await until(lambda: len(found.outcomes) > 1 and len(found.questions) > 1, 60)
        await trouble()
        before = len(found.outcomes), len(found.questions)
        await until(lambda: len(found.outcomes) > before[0] + 2, 60)
        await until(lambda: len(found.questions) > before[1] + 2, 60)
        found.over.set()
        await asking
        facts = await Facts.settled(bus, since)
        await bus.close()
        assert found.report(facts) == (0, 0)
        assert (facts.disorder, facts.unspoken) == ([], [])


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["one server", "cluster"])
async def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """The gateways share a file of SQLite on one server, on the cluster PostgreSQL if there is."""
    folder = tmp_path_factory.mktemp("replicas")
    one = request.param == "one server"
    async with contextlib.AsyncExitStack() as stack:
        database = None if one else stack.enter_context(postgres())
        nats = await stack.enter_async_context((NatsServer if one else NatsCluster)(folder))
        forum = Forum(await stack.enter_async_context(Discord().serving()))
        spaces = await asyncio.to_thread(forum.spaces, SPACES, folder / "spaces")
        made = replicated(nats, folder, forum, spaces, database or "", MODEL)
        yield World(await stack.enter_async_context(made), forum)


async def test_every_service_may_be_replaced_while_people_ask(world: World) -> None:
    async def roll(service: str) -> None:
        for replica in world.system.of(service):
            await replica.restart()

    async def roll_all() -> None:
        await asyncio.gather(*(roll(service) for service in COUNTS))

    await world.survives(roll_all)


async def test_a_node_of_nats_may_be_killed_while_people_ask(world: World) -> None:
    cluster = world.cluster

    async def kill_who_leads() -> None:
        await cluster.restart(await cluster.leader("TURNS"))

    await world.survives(kill_who_leads)


async def test_leaders_may_move_while_people_ask(world: World) -> None:
    assert world.cluster

    async def move() -> None:
        bus = await world.system.bus()
        names = [config.name for config in streams.everything()]
        subjects = [f"STREAM.LEADER.STEPDOWN.{name}" for name in names]
        subjects += [f"CONSUMER.LEADER.STEPDOWN.TURNS.{d.name}" for d in streams.DURABLES]
        for subject in subjects:
            with contextlib.suppress(NatsError):  # it has none just now
                await bus.client.request(f"$JS.API.{subject}", timeout=5)
        await bus.close()

    await world.survives(move)


async def test_a_replica_of_each_service_may_stand_still_while_people_ask(world: World) -> None:
    """For longer than its work is left to it: it wakes up when others have taken it over."""

    async def stop_and_go() -> None:
        pids = world.system.pids()
        still = [pids[f"{service}-0"] for service in COUNTS if service != "gateway"]
        for pid in still:
            os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(streams.durable("answer").ack_wait_s + 2)
        for pid in still:
            os.kill(pid, signal.SIGCONT)

    await world.survives(stop_and_go)


async def test_a_stream_goes_on_at_another_gateway_where_it_broke_off(world: World) -> None:
    async with client(world.system) as http:
        asker = PassedAround(http, SPACE, QUESTIONS)
        outcome = await anext(aiter(asker.ask(1, seed=1)))
    assert outcome.ending == "completed"
    assert asker.streams > 3
    assert not outcome.restarted
    assert outcome.final.startswith(outcome.assembled)
    assert len(outcome.assembled) > len(outcome.final) / 2
