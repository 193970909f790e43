"""What `palabre status` says is wrong."""

import dataclasses
from pathlib import Path

from nats.js.api import ClusterInfo, ConsumerInfo, PeerInfo, StreamInfo

from palabre.chassis import streams, topology
from palabre.chassis.testing import NatsServer
from palabre.cli import status


async def looked_at(folder: Path) -> tuple[list[StreamInfo], list[ConsumerInfo]]:
    """Of a server on which nothing has happened yet."""
    async with NatsServer(folder) as nats:
        bus = await nats.bus(streams.OPERATOR)
        found = [await bus.js.stream_info(c.name or "") for c in streams.streams()]
        waiting = [await bus.js.consumer_info("TURNS", d.name) for d in streams.DURABLES]
        await topology.verify(bus.js, [c.name for c in waiting])
        await bus.close()
    return found, waiting


async def test_where_all_is_well_nothing_is_said(tmp_path: Path) -> None:
    assert list(status.troubles({"llm": "ready"}, *await looked_at(tmp_path))) == []


async def test_what_is_wrong_is_said_with_what_to_look_at(tmp_path: Path) -> None:
    (turns, live, dead, budgets), waiting = await looked_at(tmp_path)
    away = PeerInfo(name="nats-2", current=False, offline=True)
    behind = PeerInfo(name="nats-1", current=False, offline=False)
    turns.cluster = ClusterInfo(leader="nats-0", name="palabre", replicas=[away, behind])
    turns.state.bytes = 7 << 30
    live.state.bytes = 256 << 20
    dead.state.messages = 3
    late = [dataclasses.replace(c, num_pending=1_200 * (c.name == "answer")) for c in waiting]
    services = {"llm": "down", "tts": "ready"}
    assert list(status.troubles(services, [turns, live, dead, budgets], late)) == [
        "llm is down: look into its log",
        "TURNS: nats-2 is away: look at NATS",
        "TURNS: nats-1 is behind: look at NATS",
        "TURNS is 88% full: its oldest go first",
        "3 dead letters: `palabre dead list`",
        "answer: 1200 wait: more llm, or look what slows it",
    ]
