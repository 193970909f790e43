"""The promises of the bus, on a real nats-server."""

import asyncio
import datetime as dt
import json
import signal
from pathlib import Path

import pytest
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from palabre.chassis import events, gaps, streams, subjects, topology
from palabre.chassis.bus import Bus, Conflict
from palabre.chassis.errors import Erased, Reject, Unavailable
from palabre.chassis.ids import uuid7
from palabre.chassis.testing import NatsServer, no_circles_of, until
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance


def question(text: str = "Bonjour ?", conversation: str = "") -> pb.Event:
    body = pb.UtteranceReceived(utterance=Utterance(text=text))
    return events.begin("demo", "web", conversation or uuid7(), body)


async def test_a_fact_is_stored_once(gateway: Bus) -> None:
    event = question()
    first, second = await gateway.publish(event), await gateway.publish(event)
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.sequence == second.sequence


async def test_reading_leaves_nothing_in_a_circle_of_references(gateway: Bus) -> None:
    event = question()
    await gateway.publish(event)
    with no_circles_of(Subscription):
        assert await gateway.latest(event.space, event.channel, event.conversation)
        await asyncio.sleep(0)


async def test_of_two_endings_the_first_stored_wins(gateway: Bus) -> None:
    asked = question()
    await gateway.publish(asked)
    cancelled = events.follow(asked, pb.TurnCancelled(reason="stop"))
    failed = events.follow(asked, pb.TurnFailed(stage="answer"))
    assert not (await gateway.publish(cancelled)).duplicate
    assert (await gateway.publish(failed)).duplicate
    assert await gateway.ended(asked)


async def test_a_fact_waits_for_a_server_that_comes_back(server: NatsServer, gateway: Bus) -> None:
    await gateway.publish(question())
    await server.kill()
    publishing = asyncio.create_task(gateway.publish(question()))
    await asyncio.sleep(0.3)
    await server.start()
    assert not (await publishing).duplicate


async def test_an_expected_sequence_lets_one_of_two_replicas_in(gateway: Bus) -> None:
    first = question()
    await gateway.publish(first, expected=0)
    with pytest.raises(Conflict):
        await gateway.publish(question(conversation=first.conversation), expected=0)


async def test_an_entry_of_a_bucket_is_written_where_nobody_was_faster(gateway: Bus) -> None:
    entry = "$KV.voices.demo.camille"
    first = (await gateway.put(entry, b"1", expected=0)).seq
    with pytest.raises(Conflict):
        await gateway.put(entry, b"2", expected=0)
    assert (await gateway.put(entry, b"3", expected=first)).seq > first
    [kept] = await gateway.raw("KV_voices", {"multi_last": [entry]})
    assert kept.data == b"3"


async def test_an_entry_that_cannot_be_written_names_its_bucket(
    server: NatsServer, gateway: Bus
) -> None:
    await server.kill()
    with pytest.raises(Unavailable, match=r"^voices: NATS does not answer$"):
        await gateway.put("$KV.voices.demo.camille", b"1")


async def test_an_event_that_is_too_large_is_refused(gateway: Bus) -> None:
    with pytest.raises(Reject, match="more than"):
        await gateway.publish(question("é" * 200_000))


async def test_a_subject_token_with_a_wildcard_is_refused(gateway: Bus) -> None:
    with pytest.raises(Reject, match="no subject token"):
        await gateway.publish(question(conversation="a.*"))


async def test_nothing_is_published_of_an_erased_conversation(gateway: Bus) -> None:
    event = question()
    await gateway.js.publish(f"$KV.erased.{event.conversation}", b"")
    await gateway.refresh_erased()
    with pytest.raises(Erased):
        await gateway.publish(event)


async def test_a_follower_gets_the_gap_first_and_no_doubles(gateway: Bus, llm: Bus) -> None:
    asked = question()
    await gateway.publish(asked)
    deltas = [
        events.follow(asked, pb.AnswerDelta(text=c, offset=i), attempt=7)
        for i, c in enumerate("abcd")
    ]
    for delta in deltas[:2]:
        await llm.publish_live(delta)
    await llm.client.flush()
    thread = (asked.space, asked.channel, asked.conversation)
    async with gateway.follow(*thread, since_turn=asked.turn) as followed:
        for delta in deltas[1:]:
            await llm.publish_live(delta)
        got = [events.body_name(await anext(followed))]
        text = ""
        while text != "abcd":
            text += (await anext(followed)).answer_delta.text
    assert got == ["utterance_received"]


async def _looked_for(server: NatsServer, gateway: Bus, asked: pb.Event) -> list[dict[str, str]]:
    """What is asked of LIVE for whoever begins to follow this turn."""
    spy = await server.bus(streams.OPERATOR)
    found: list[dict[str, str]] = []

    async def note(msg: Msg) -> None:
        found.append(json.loads(msg.data))

    await spy.client.subscribe("$JS.API.DIRECT.GET.LIVE", cb=note)
    await spy.client.flush()
    thread = (asked.space, asked.channel, asked.conversation)
    async with gateway.follow(*thread, since_turn=asked.turn) as followed:
        await anext(followed)
        await gateway.publish_live(events.follow(asked, pb.Playback(played_ms=1)))
        while events.body_name(await anext(followed)) != "playback":
            pass
    await spy.client.flush()
    await spy.close()
    return found


async def test_who_follows_a_turn_has_live_pieces_looked_through_from_its_beginning_on(
    server: NatsServer, gateway: Bus, llm: Bus
) -> None:
    asked = question()
    await gateway.publish(asked)
    [query] = await _looked_for(server, gateway, asked)
    begun = dt.datetime.fromisoformat(query["start_time"])
    assert abs(begun.timestamp() + gaps.SKEW_S - asked.occurred_at.ToSeconds()) < 2


async def test_of_a_turn_that_ended_long_ago_no_live_piece_is_looked_for(
    server: NatsServer, gateway: Bus
) -> None:
    asked = question()
    await gateway.publish(asked)
    ending = events.follow(asked, pb.TurnCancelled(reason="stop"))
    ending.occurred_at.seconds -= int(streams.LIVE_S) + 1
    await gateway.publish(ending)
    assert await _looked_for(server, gateway, asked) == []


async def test_who_follows_a_turn_whose_id_does_not_sort_sees_none_before_it(gateway: Bus) -> None:
    first = question()
    second = question(conversation=first.conversation)
    second.turn, second.id = "00000000", "00000000/utterance_received/0"
    for asked in (first, second):
        await gateway.publish(asked)
    thread = (first.space, first.channel, first.conversation)
    async with gateway.follow(*thread, since_turn=second.turn) as followed:
        assert (await anext(followed)).turn == second.turn


async def test_of_two_endings_a_follower_sees_the_one_that_was_stored(
    gateway: Bus, llm: Bus
) -> None:
    asked = question()
    await gateway.publish(asked)
    async with gateway.follow("demo", "web", asked.conversation) as followed:
        await llm.publish(events.follow(asked, pb.AnswerCompleted(text="Voici.")))
        await gateway.publish(events.follow(asked, pb.TurnCancelled(reason="stop")))
        await llm.publish_live(events.follow(asked, pb.AnswerDelta(text="x"), attempt=9))
        seen = [events.body_name(await anext(followed)) for _ in range(2)]
    assert seen == ["answer_completed", "answer_delta"]


async def test_a_follower_does_not_see_other_conversations(gateway: Bus) -> None:
    mine, other = question(), question()
    async with gateway.follow("demo", "web", mine.conversation) as followed:
        await gateway.publish(other)
        await gateway.publish(mine)
        assert (await anext(followed)).turn == mine.turn


async def test_a_service_may_not_publish_what_is_not_its_own(gateway: Bus, llm: Bus) -> None:
    asked = question()
    await gateway.publish(asked)
    stolen = events.follow(asked, pb.PassagesRetrieved())
    subject = subjects.of(stolen)
    refused: list[str] = []

    async def note(error: Exception) -> None:
        refused.append(str(error))

    gateway.client._error_cb = note
    await gateway.client.publish(subject, stolen.SerializeToString())
    await until(lambda: any("permissions violation" in text.lower() for text in refused))
    assert [
        events.body_name(e) for e in await gateway.facts("demo", "web", asked.conversation)
    ] == ["utterance_received"]


async def test_a_server_that_is_too_old_is_refused() -> None:
    with pytest.raises(topology.ServerTooOld, match=r"2\.10\.7 is too old"):
        topology.check_version("2.10.7")
    topology.check_version("2.12.0")
    topology.check_version("2.15.1-beta.1")


async def test_a_missing_durable_is_refused_by_name(server: NatsServer) -> None:
    operator = await server.bus("operator")
    await operator.js.delete_consumer("TURNS", "answer")
    with pytest.raises(topology.WrongTopology, match="durable answer is missing"):
        await topology.verify(operator.js, ["answer"])
    await operator.close()


async def test_a_durable_that_differs_is_refused_with_the_difference(server: NatsServer) -> None:
    operator = await server.bus("operator")
    config = (await operator.js.consumer_info("TURNS", "answer")).config
    config.max_ack_pending = 3
    await operator.js.add_consumer("TURNS", config)
    with pytest.raises(topology.WrongTopology, match="max_ack_pending is 3, should be 20000"):
        await topology.verify(operator.js, ["answer"])
    assert await topology.apply(operator.js) == ["updated durable answer"]
    await topology.verify(operator.js, ["answer"])
    await operator.close()


async def test_a_durable_made_again_does_not_answer_old_questions(
    server: NatsServer, gateway: Bus
) -> None:
    await gateway.publish(question())
    operator = await server.bus("operator")
    for name in ("comprehend", "archive"):
        await operator.js.delete_consumer("TURNS", name)
    await topology.apply(operator.js)
    pending = {
        name: (await operator.js.consumer_info("TURNS", name)).num_pending
        for name in ("comprehend", "archive")
    }
    assert pending == {"comprehend": 0, "archive": 1}
    await operator.close()


async def test_who_begins_to_follow_while_the_server_hangs_is_told_so(
    server: NatsServer, gateway: Bus
) -> None:
    assert server.process
    server.process.send_signal(signal.SIGSTOP)
    await until(lambda: _state(server) == "T")  # until then a busy machine lets it go on
    try:
        with pytest.raises(Unavailable):
            async with gateway.follow("demo", "web", "c"):
                pytest.fail("nobody can be sure to see what comes")
    finally:
        server.process.send_signal(signal.SIGCONT)
    await gateway.publish(question())
    assert gateway.client.stats["reconnects"] == 0, "its late answer ended the connection"


def _state(server: NatsServer) -> str:
    assert server.process
    stat = Path(f"/proc/{server.process.pid}/stat").read_text(encoding="utf-8")
    return stat.rpartition(")")[2].split()[0]


async def test_live_is_made_again_after_the_server_was_killed(
    server: NatsServer, gateway: Bus
) -> None:
    await server.kill()
    await server.start()
    assert await topology.remake_live(gateway.js)
    assert not await topology.remake_live(gateway.js)
