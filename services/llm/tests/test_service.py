"""The service as it runs: its own process, a real nats-server with production's permissions."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from palabre.chassis import rpc
from palabre.chassis.budgets import Bearer, Budgets
from palabre.chassis.bus import Bus
from palabre.chassis.counters import NatsCounters
from palabre.chassis.events import body_name, follow
from palabre.chassis.streams import OPERATOR
from palabre.chassis.testing import NatsServer, free_port, service_process, until
from palabre.contracts.v1 import events_pb2 as pb, llm_pb2 as pb_llm, llm_pb2_grpc
from palabre.contracts.v1.turns_pb2 import Attachment, Author
from palabre.llm.shown import deltas_of
from tests.standins.model import Model

from .a_turn import DEPOSIT, make_space, received

ENDS = {"answer_completed", "turn_failed"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path) as server:
        await server.apply("logement", make_space(comprehend="never"))
        yield server


@pytest.fixture
async def bus(server: NatsServer) -> AsyncIterator[Bus]:
    bus = await server.bus(OPERATOR)
    yield bus
    await bus.close()


async def ask(bus: Bus) -> pb.Event:
    """An utterance, and the passages that the retriever would find."""
    said = received("Quand le dépôt est-il rendu ?", replaceable=True)
    await bus.publish(said)
    return said


async def retrieve(bus: Bus, understood: pb.Event) -> pb.Event:
    body = pb.PassagesRetrieved(
        utterance=understood.utterance_understood.utterance,
        understanding=understood.utterance_understood.understanding,
        passages=[DEPOSIT],
    )
    event = follow(understood, body)
    await bus.publish(event)
    return event


async def through_turn(bus: Bus) -> AsyncIterator[pb.Event]:
    """All events of one turn, until it has ended."""
    async with bus.follow("logement", "web", "c1") as events:
        await ask(bus)
        async for event in events:
            if body_name(event) == "utterance_understood":
                await retrieve(bus, event)
            yield event
            if body_name(event) in ENDS:
                return


async def test_a_turn_goes_through_both_stages(server: NatsServer, bus: Bus) -> None:
    async with service_process(server, "llm") as process, asyncio.timeout(20):
        events = [event async for event in through_turn(bus)]
        completed = events[-1].answer_completed
        assert "dans un délai d'un mois [1]" in completed.text
        shown = "".join(e.answer_delta.text for e in events if e.HasField("answer_delta"))
        assert shown == completed.text
        process.terminate()
        assert await process.wait() == 0


async def test_a_model_may_take_back_what_another_cited(server: NatsServer, bus: Bus) -> None:
    refusal = {"verdicts": [{"claim": 1, "supported": False}]}
    model = Model(writes=lambda request: refusal)
    async with model.serving() as url, asyncio.timeout(30):
        settings = {
            "PALABRE_LLM_BASE_URL": url,
            "PALABRE_LLM_MODEL": "mock-cite",
            "PALABRE_LLM_GROUNDING_MODEL": "mock-json",
        }
        async with service_process(server, "llm", settings):
            events = [event async for event in through_turn(bus)]
    shown = "".join(e.answer_delta.text for e in events if e.HasField("answer_delta"))
    completed = events[-1].answer_completed
    assert shown == "Un mois [1], deux au plus."
    assert completed.text == "Un mois, deux au plus."
    assert not completed.sources
    assert completed.grounding == pb.GroundingVerdict(judged=1, refused=1)
    assert [call.model for call in completed.calls] == ["mock-cite", "mock-json"]


async def test_an_earlier_attempts_deltas_are_found_in_live(server: NatsServer, bus: Bus) -> None:
    mine, other = received("a"), received("b")
    llm = await server.bus("llm")
    assert not await deltas_of(llm, mine)
    await llm.publish_live(follow(mine, pb.AnswerDelta(text="Un début"), attempt=1))
    await until(lambda: deltas_of(llm, mine))
    assert not await deltas_of(llm, other)
    await llm.close()


async def test_a_cancelled_turn_stops_the_model(server: NatsServer, bus: Bus) -> None:
    model = Model()
    async with model.serving() as url, asyncio.timeout(30):
        settings = {"PALABRE_LLM_BASE_URL": url, "PALABRE_LLM_MODEL": "mock-itl20-len2000"}
        async with service_process(server, "llm", settings):
            async for event in through_turn(bus):
                if event.HasField("answer_delta"):
                    await bus.publish(follow(event, pb.TurnCancelled(reason="stop")))
                    break
            await until(lambda: model.open_streams == 0)
            assert model.asked["mock-itl20-len2000"] == 1


async def test_a_summary_is_paid_by_who_asked_in_the_counters_and_in_the_ledger(
    server: NatsServer, bus: Bus
) -> None:
    """Through its own process, under production's permissions, with an image of the blobs."""
    budgets = {"turns_per_person_per_day": 5, "groups": {"team": {"turns_per_person_per_day": 9}}}
    await server.apply("logement", space := make_space(budgets=budgets))
    shown = Attachment(media_type="image/jpeg", blob="logement/a1")
    said = pb_llm.ThreadMessage(id="m1", author="Ali", text="Voici.", attachments=[shown])
    paul = Author(id="paul", groups=["team"])
    asked = pb_llm.SummariseRequest(
        space="logement", messages=[said], author=paul, channel="discord"
    )
    port, model = free_port(), Model()
    discord = await server.bus("discord")
    await (await discord.js.object_store("blobs")).put(shown.blob, b"\xff\xd8 a letter")
    async with model.serving() as url, asyncio.timeout(30):
        settings = {
            "PALABRE_LLM_BASE_URL": url, "PALABRE_LLM_MODEL": "mock-json",
            "PALABRE_LLM_VISION_MODEL": "mock-len5", "PALABRE_GRPC_PORT": str(port),
        }  # fmt: skip
        async with service_process(server, "llm", settings), rpc.channel(f"127.0.0.1:{port}") as at:
            stub = llm_pb2_grpc.LlmServiceStub(at)
            *_, last = [piece async for piece in stub.Summarise(asked, timeout=20)]
    assert (last.end.images, last.end.calls) == (1, 1)
    [fact] = [s.event for s in await bus.read("TURNS", {"next_by_subj": "palabre.v1.turns.>"})]
    assert (fact.channel, fact.spending_recorded.author) == ("discord", paul)
    assert {call.model for call in fact.spending_recorded.calls} == {"mock-len5", "mock-json"}
    bearer = Bearer.of("logement", space, "camille", "discord", paul)
    [standing] = await Budgets(NatsCounters(discord)).standings(bearer)
    assert (standing.used, standing.left) == (1, 8)
    await discord.close()


FAULTS = ("mock-cut20-itl5", "mock-reset20-itl5", "mock-stall20-itl5", "mock-fault20-itl5")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_provider_that_breaks_off_is_followed_by_the_next_one_with_no_word_twice(
    server: NatsServer, bus: Bus, fault: str
) -> None:
    model = Model()
    async with model.serving() as url, asyncio.timeout(90):
        settings = {
            "PALABRE_LLM_BASE_URL": url,
            "PALABRE_LLM_API_KEY": "none",
            "PALABRE_LLM_MODEL": f"{fault},mock-len10-itl5",
            "PALABRE_LLM_BETWEEN_TOKENS_TIMEOUT_S": "0.5",
        }
        async with service_process(server, "llm", settings):
            events = [event async for event in through_turn(bus)]
    shown, attempts = "", []
    for event in events:
        if event.HasField("answer_restarted"):
            assert shown.startswith("Le bailleur dispose")  # some of it had been shown
            shown = ""
        if event.HasField("answer_delta"):
            assert event.answer_delta.offset == len(shown)
            shown += event.answer_delta.text
            attempts.append(event.attempt)
    text = "Le bailleur dispose d'un mois pour rendre le dépôt."
    assert shown == events[-1].answer_completed.text == text
    assert attempts == sorted(attempts)
    assert len(set(attempts)) == 2
    assert model.asked == {fault: 1, "mock-len10-itl5": 1}
