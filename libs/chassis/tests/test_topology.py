"""What must exist on NATS, on a cluster of three."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis import streams, topology
from palabre.chassis.errors import Unavailable
from palabre.chassis.testing import NatsCluster, until


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[NatsCluster]:
    async with NatsCluster(tmp_path) as found:
        yield found


@pytest.fixture
async def unstarted(tmp_path: Path) -> AsyncIterator[NatsCluster]:
    found = NatsCluster(tmp_path)
    yield found
    await found.kill()


async def test_everything_is_there_three_times(cluster: NatsCluster) -> None:
    bus = await cluster.bus(streams.OPERATOR)
    assert await topology.apply(bus.js, replicas=3) == []
    info = await bus.js.stream_info("TURNS")
    assert info.cluster
    assert len(info.cluster.replicas or []) == 2
    await topology.verify(bus.js, [d.name for d in streams.DURABLES])
    await bus.close()


async def test_live_is_made_again_with_as_many_copies_as_facts_have(cluster: NatsCluster) -> None:
    operator, llm = await cluster.bus(streams.OPERATOR), await cluster.bus("llm")
    await operator.js.delete_stream("LIVE")
    assert await topology.remake_live(llm.js)
    assert not await topology.remake_live(llm.js)
    assert (await operator.js.stream_info("LIVE")).config.num_replicas == 3
    await llm.close()
    await operator.close()


async def test_who_makes_the_streams_waits_for_nodes_that_are_still_meeting(
    unstarted: NatsCluster,
) -> None:
    first, *others = unstarted.nodes
    first.start()
    bus = await unstarted.bus(streams.OPERATOR)
    told: list[str] = []
    making = asyncio.create_task(topology.apply(bus.js, 3, told.append))
    await until(lambda: bool(told))
    for node in others:
        node.start()
    made = await making
    assert f"made durable {streams.DURABLES[-1].name}" in made
    assert told[0].startswith("waiting: JetStream is not ready (")
    await topology.verify(bus.js, [d.name for d in streams.DURABLES])
    await bus.close()


async def test_a_cluster_that_never_meets_is_said_and_not_waited_for_for_ever(
    unstarted: NatsCluster,
) -> None:
    unstarted.nodes[0].start()
    bus = await unstarted.bus(streams.OPERATOR)
    with pytest.raises(Unavailable, match="look whether as many nodes of NATS run"):
        await topology.apply(bus.js, 3, patience_s=1)
    await bus.close()


async def test_services_find_another_node_when_theirs_is_killed(cluster: NatsCluster) -> None:
    bus = await cluster.bus("gateway")
    url = bus.client.connected_url
    assert url
    theirs = next(node for node in cluster.nodes if node.client == url.port)
    theirs.end()
    await until(lambda: bus.client.is_connected and bus.client.connected_url != url)
    await bus.refresh_erased()
    await bus.close()
