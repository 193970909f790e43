"""A replay is asked of the space as it was; everything else of the one that is live."""

from collections.abc import AsyncIterator

import pytest

from palabre.chassis import directory, events, replays
from palabre.chassis.directory import Spaces
from palabre.chassis.errors import Reject
from palabre.chassis.ids import uuid7
from palabre.chassis.recalling import of_its_time
from palabre.chassis.spaces import Space, parse
from palabre.chassis.testing import NatsServer, collect
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance


def space(name: str) -> Space:
    persona = {"name": "Camille", "identity": {"fr": "Vous êtes Camille."}}
    return parse(
        {
            "schema": 1, "name": name, "languages": ["fr"], "default_persona": "camille",
            "greeting": {"fr": "Bonjour."}, "personas": {"camille": persona},
        }
    )  # fmt: skip


def asked(revision: int, channel: str = replays.CHANNEL) -> pb.Event:
    said = Utterance(text="Quand ?", space_revision=revision)
    return events.begin("demo", channel, uuid7(), pb.UtteranceReceived(utterance=said))


async def test_a_replay_finds_the_revision_that_it_wants(server: NatsServer) -> None:
    for name in ("Avant", "Après"):
        await server.apply("demo", space(name))
    bus, spaces = await server.bus("llm"), Spaces()
    operator = await server.bus("operator")
    first, _ = await directory.history(await operator.js.key_value("spaces"), "demo")
    await spaces.refresh(bus)

    async def tell(event: pb.Event) -> AsyncIterator[pb.Event]:
        yield pb.Event(space=spaces.get(event.space).name)

    handle = of_its_time(tell, bus)
    for event, name in ((asked(first.number), "Avant"), (asked(0), "Après")):
        directory.recalled.set({})  # a stage has a task for each event
        assert [told.space for told in await collect(handle(event))] == [name]
    directory.recalled.set({})
    assert [t.space for t in await collect(handle(asked(first.number, "web")))] == ["Après"]
    with pytest.raises(Reject, match="no revision 99"):
        await collect(handle(asked(99)))
    await bus.close()
    await operator.close()
