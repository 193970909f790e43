"""Histories, descriptions and objects: the same promises from the real ones and the fakes."""

from collections.abc import Mapping

import pytest

from palabre.chassis import events, replays
from palabre.chassis.blobs import Labelled, MemoryObjects, NatsObjects
from palabre.chassis.bus import Bus
from palabre.chassis.descriptions import Descriptions, MemoryDescriptions, NatsDescriptions
from palabre.chassis.direct_get import Raw
from palabre.chassis.histories import KEPT, MAX_BYTES, Histories, MemoryHistories, NatsHistories
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import NatsServer
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Exchange


@pytest.fixture(params=["nats", "memory"])
def histories(request: pytest.FixtureRequest) -> Histories:
    if request.param == "memory":
        return MemoryHistories()
    return NatsHistories(request.getfixturevalue("llm"))


@pytest.fixture(params=["nats", "memory"])
async def objects(request: pytest.FixtureRequest, server: NatsServer) -> Labelled:
    if request.param == "memory":
        return MemoryObjects()
    bus = await server.bus("retriever")
    return NatsObjects(await bus.js.object_store("documents"))


@pytest.fixture(params=["nats", "memory"])
def descriptions(request: pytest.FixtureRequest) -> Descriptions:
    if request.param == "memory":
        return MemoryDescriptions()
    return NatsDescriptions(request.getfixturevalue("llm"))


def asked() -> pb.Event:
    return events.begin("demo", "web", uuid7(), pb.UtteranceReceived())


async def test_a_new_conversation_has_no_history(histories: Histories) -> None:
    assert await histories.read(asked()) == []


class Behind(Bus):
    """Direct gets are answered by a node that gets what is written one look later."""

    looks = 0

    async def raw(self, stream: str, query: Mapping[str, object]) -> list[Raw]:
        self.looks += 1
        return await super().raw(stream, query) if self.looks > 1 else []


async def test_a_node_that_is_behind_hides_no_exchange(server: NatsServer, llm: Bus) -> None:
    event = asked()
    await NatsHistories(llm).append(event, Exchange(turn="1", question="q1"))
    behind = Behind((await server.bus("llm")).client)
    assert [e.turn for e in await NatsHistories(behind).read(event)] == ["1"]
    assert behind.looks == 2
    await behind.close()


async def test_exchanges_are_read_oldest_first(histories: Histories) -> None:
    event = asked()
    for turn in ("1", "2", "3"):
        await histories.append(event, Exchange(turn=turn, question=f"q{turn}"))
    assert [e.turn for e in await histories.read(event)] == ["1", "2", "3"]


async def test_a_turn_appended_twice_is_kept_once_with_its_last_words(
    histories: Histories,
) -> None:
    event = asked()
    await histories.append(event, Exchange(turn="1", answer="half", partial=True))
    await histories.append(event, Exchange(turn="1", answer="whole"))
    assert [(e.answer, e.partial) for e in await histories.read(event)] == [("whole", False)]


async def test_a_history_is_bounded_in_number_and_bytes(histories: Histories) -> None:
    event = asked()
    for turn in range(KEPT + 5):
        await histories.append(event, Exchange(turn=str(turn), answer="x" * 20_000))
    kept = await histories.read(event)
    assert kept[-1].turn == str(KEPT + 4)
    assert sum(e.ByteSize() for e in kept) <= MAX_BYTES


async def test_an_object_is_read_as_it_was_written(objects: Labelled) -> None:
    data = bytes(range(256)) * 2_000
    await objects.put("dossier/été.md", data)
    assert await objects.get("dossier/été.md") == data


async def test_headers_go_with_an_object(objects: Labelled) -> None:
    await objects.put("a", b"1", {"width": "640"})
    await objects.put("b", b"1")
    assert await objects.headers("a") == {"width": "640"}
    assert await objects.headers("b") == {}
    with pytest.raises(KeyError):
        await objects.headers("nothing")


async def test_a_missing_object_is_a_key_error(objects: Labelled) -> None:
    with pytest.raises(KeyError):
        await objects.get("nothing")


async def test_an_object_is_deleted_and_deleting_nothing_is_fine(objects: Labelled) -> None:
    await objects.put("a", b"1")
    await objects.delete("a")
    await objects.delete("a")
    with pytest.raises(KeyError):
        await objects.get("a")


async def test_an_image_is_described_for_its_space_alone(descriptions: Descriptions) -> None:
    await descriptions.write("demo/abc", "Une facture d’eau.")
    assert await descriptions.read("demo/abc") == "Une facture d’eau."
    assert await descriptions.read("other/abc") == ""


async def test_no_history_remembers_a_replay(histories: Histories) -> None:
    event = asked()
    event.channel = replays.CHANNEL
    await histories.append(event, Exchange(turn="1", question="Quand ?"))
    assert await histories.read(event) == []
