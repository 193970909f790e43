"""The answer's handler, without NATS."""

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from palabre.chassis.errors import Busy, Reject
from palabre.chassis.events import body_name
from palabre.chassis.spaces import Space
from palabre.chassis.stage import deliveries
from palabre.chassis.testing import MemoryHistories, MemoryLeases, collect, no_circles_of
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2 as turns
from palabre.contracts.v1.turns_pb2 import Exchange, Understanding
from palabre.llm import handlers
from palabre.llm.answer import Answering
from palabre.llm.engines import Engine
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted
from palabre.llm.errors import Broken, Unreachable
from palabre.llm.generation import Generation
from palabre.llm.ladder import Ladder

from .a_turn import known, make_space, retrieved, spending, vision


def answering(
    *engines: Engine,
    space: Space | None = None,
    shown: bool = False,
    leases: MemoryLeases | None = None,
    histories: MemoryHistories | None = None,
) -> Answering:
    """The engines in the order in which they are tried; the extractive one when there is none."""
    named = {f"e{place}": engine for place, engine in enumerate(engines)}
    names = tuple(named)
    if not engines:
        named["extractive"] = Extractive()

    async def was_shown(event: pb.Event) -> bool:
        return shown

    ladder = Ladder(named, names)
    return Answering(
        known(space or make_space()),
        leases or MemoryLeases(),
        histories or MemoryHistories(),
        ladder,
        vision(ladder),
        shown=was_shown,
    )


async def results(event: pb.Event, answering: Answering) -> list[pb.Event]:
    return await collect(handlers.answerer(answering, spending())(event))


def names(events: list[pb.Event]) -> list[str]:
    return [body_name(event) for event in events]


def deltas(events: list[pb.Event]) -> str:
    return "".join(e.answer_delta.text for e in events if body_name(e) == "answer_delta")


@pytest.fixture(autouse=True)
def first_delivery() -> Iterator[None]:
    token = deliveries.set(1)
    yield
    deliveries.reset(token)


async def test_an_answer_is_streamed_and_then_completed() -> None:
    model = Scripted([["Un mois", " au plus [1]."]])
    events = await results(retrieved(), answering(model))
    assert names(events)[-1] == "answer_completed"
    completed = events[-1].answer_completed
    assert completed.text == deltas(events) == "Un mois au plus [1]."
    assert completed.mode == turns.ANSWER_MODE_GROUNDED
    assert completed.persona == "camille"
    assert completed.language == "fr"
    assert completed.usage.engine == "scripted"
    assert completed.first_delta_ms > 0


async def test_only_cited_passages_become_sources_with_the_words_they_gave() -> None:
    model = Scripted([["Le préavis est de trois mois [2]."]])
    completed = (await results(retrieved(), answering(model)))[-1].answer_completed
    assert [source.number for source in completed.sources] == [2]
    assert completed.sources[0].passage.id == "p2"
    assert completed.sources[0].quote == "Le préavis est de trois mois."


async def test_invented_citations_are_removed_from_the_stream_and_counted() -> None:
    model = Scripted([["Un mois [1], deux au plus [", "9", "]."]])
    events = await results(retrieved(), answering(model))
    completed = events[-1].answer_completed
    assert deltas(events) == completed.text == "Un mois [1], deux au plus."
    assert completed.invented_citations == 1


async def test_offsets_count_code_points_and_every_delta_carries_the_attempt() -> None:
    model = Scripted([["Déjà ", 0.06, "là 🙂 ", 0.06, "et ici."]])
    events = await results(retrieved(), answering(model))
    shown = ""
    for event in events[:-1]:
        assert event.answer_delta.offset == len(shown)
        assert event.attempt == 1
        shown += event.answer_delta.text
    assert shown == "Déjà là 🙂 et ici."


async def test_without_a_model_the_passages_are_quoted() -> None:
    completed = (await results(retrieved(), answering()))[-1].answer_completed
    assert "dans un délai d'un mois [1]." in completed.text
    assert completed.sources[0].passage.id == "p1"
    assert completed.usage.cost_known
    assert completed.usage.cost_micros == 0


async def test_without_passages_it_says_that_it_does_not_know_and_where_to_turn() -> None:
    completed = (await results(retrieved(passages=()), answering()))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_NO_KNOWLEDGE
    assert "Je ne trouve pas" in completed.text
    assert "01 99 00 12 34" in completed.text
    assert not completed.sources


async def test_without_passages_a_model_is_told_to_invent_nothing() -> None:
    model = Scripted()
    completed = (await results(retrieved(passages=()), answering(model)))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_NO_KNOWLEDGE
    system = model.asked[0].messages[0].content
    assert "N'inventez rien" in system
    assert "01 99 00 12 34" in system


async def test_who_needs_help_gets_the_help_line_and_no_model_is_asked() -> None:
    model = Scripted()
    event = retrieved(understanding=Understanding(language="fr", guard=["self-harm"]))
    completed = (await results(event, answering(model)))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_REFUSED
    assert "3114" in completed.text.split(".")[0]
    assert list(completed.guard) == ["self-harm"]
    assert not model.asked


async def test_a_question_beside_violence_is_answered_after_the_help_lines() -> None:
    model = Scripted([["Le préavis est d'un mois [2]."]])
    event = retrieved(understanding=Understanding(language="fr", guard=["violence"]))
    completed = (await results(event, answering(model)))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_GROUNDED
    assert completed.text.index("3919") < completed.text.index("Le préavis")


async def test_an_insult_alone_meets_a_calm_boundary() -> None:
    event = retrieved(passages=(), understanding=Understanding(language="fr", guard=["insult"]))
    completed = (await results(event, answering(Scripted())))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_REFUSED
    assert "Restons courtois" in completed.text


async def test_segments_are_cut_for_speech_and_the_last_one_says_so() -> None:
    space = make_space(persona={"voice": {"name": "fr+f3", "words_per_minute": 180}})
    text = "Le bailleur rend le dépôt en un mois [1]. Ce délai passe à deux mois en cas de dégâts."
    event = retrieved(speech=True, speech_encoding=turns.AUDIO_ENCODING_OPUS)
    events = await results(event, answering(Scripted([[text]]), space=space))
    segments = [e for e in events if body_name(e) == "segment_ready"]
    assert [e.segment_ready.last for e in segments] == [False] * (len(segments) - 1) + [True]
    assert [e.index for e in segments] == list(range(len(segments)))
    first = segments[0].segment_ready
    assert first.text == "Le bailleur rend le dépôt en un mois."
    assert first.voice.name == "fr+f3"
    assert first.encoding == turns.AUDIO_ENCODING_OPUS
    assert first.language == "fr"


async def test_without_speech_there_are_no_segments() -> None:
    assert "segment_ready" not in names(await results(retrieved(), answering(Scripted())))


async def test_a_rung_that_fails_before_its_first_word_is_not_noticed() -> None:
    events = await results(
        retrieved(), answering(Scripted([[Broken("status 500")]]), Scripted([["Oui."]]))
    )
    assert events[-1].answer_completed.text == "Oui."
    assert "answer_restarted" not in names(events)


async def test_an_answer_that_breaks_off_is_begun_again_where_it_can_be_replaced() -> None:
    events = await results(
        retrieved(),
        answering(Scripted([["Un début", 0.01, Broken("cut")]]), Scripted([["La suite."]])),
    )
    assert names(events) == [
        "answer_delta", "answer_restarted", "answer_delta", "answer_completed"
    ]  # fmt: skip
    restarted, again = events[1], events[2]
    assert restarted.attempt > events[0].attempt
    assert again.attempt == restarted.attempt
    assert again.answer_delta.offset == 0
    assert events[-1].answer_completed.text == "La suite."


async def test_an_answer_that_breaks_off_is_excused_where_it_cannot_be_replaced() -> None:
    histories = MemoryHistories()
    event = retrieved(replaceable=False, speech=True)
    events = await results(
        event,
        answering(Scripted([["Un début", 0.01, Broken("cut")]]), Scripted(), histories=histories),
    )
    failed = events[-1].turn_failed
    assert failed.reason == pb.FAILURE_REASON_INTERRUPTED
    assert "interrompue" in failed.message
    assert failed.shown == "Un début"
    assert events[-2].segment_ready.text == failed.message
    assert events[-2].segment_ready.last
    assert (await histories.read(event))[0].partial


async def test_when_no_engine_answers_the_turn_fails_with_a_sentence() -> None:
    broken = Scripted([[Unreachable("x")]])
    failed = (await results(retrieved(), answering(broken)))[-1].turn_failed
    assert failed.reason == pb.FAILURE_REASON_UNAVAILABLE
    assert failed.retryable
    assert "Réessayez" in failed.message


async def test_a_redelivered_turn_that_had_shown_something_begins_with_a_restart() -> None:
    deliveries.set(2)
    events = await results(retrieved(), answering(Scripted(), shown=True))
    assert names(events)[0] == "answer_restarted"
    assert names(events)[-1] == "answer_completed"


async def test_a_redelivered_turn_that_cannot_be_replaced_is_excused() -> None:
    deliveries.set(2)
    model = Scripted()
    events = await results(retrieved(replaceable=False), answering(model, shown=True))
    assert names(events) == ["turn_failed"]
    assert not model.asked


async def test_a_turn_that_was_handed_back_before_it_showed_anything_is_answered() -> None:
    deliveries.set(2)
    events = await results(retrieved(replaceable=False), answering(Scripted(), shown=False))
    assert names(events)[-1] == "answer_completed"


async def test_a_busy_conversation_is_handed_back() -> None:
    leases = MemoryLeases()
    async with leases.hold("c1"):
        with pytest.raises(Busy):
            await results(retrieved(), answering(Scripted(), leases=leases))


async def test_the_history_is_written_before_the_answer_is_complete() -> None:
    histories, event = MemoryHistories(), retrieved("Et le préavis ?")
    async with aclosing(answering(Scripted(), histories=histories).answer(event)) as events:
        async for result in events:
            if body_name(result) == "answer_completed":
                [exchange] = await histories.read(event)
    assert exchange == Exchange(turn=event.turn, question="Et le préavis ?", answer="Bonjour.")


async def test_a_client_that_carries_its_history_leaves_none() -> None:
    histories, event = MemoryHistories(), retrieved(carries_history=True)
    event.passages_retrieved.utterance.carried_history.add(question="a", answer="b")
    events = await results(event, answering(Scripted(), histories=histories))
    assert await histories.read(event) == []
    assert not events[-1].answer_completed.utterance.carried_history


async def test_a_cancelled_turn_keeps_what_was_shown_and_stops_the_model() -> None:
    histories, event = MemoryHistories(), retrieved()
    model = Scripted([["Un début", 30.0]])
    shown = asyncio.Event()

    async def follow_it() -> None:
        async for _ in answering(model, histories=histories).answer(event):
            shown.set()

    task = asyncio.create_task(follow_it())
    await shown.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    [exchange] = await histories.read(event)
    assert exchange.answer == "Un début"
    assert exchange.partial
    assert model.closed == 1


async def test_a_cancelled_turn_leaves_nothing_in_a_circle_of_references() -> None:
    with no_circles_of(Generation):
        shown = answering(Scripted([["Un début", 30.0]])).answer(retrieved())
        await anext(shown)
        await shown.aclose()


async def test_a_cancelled_turn_keeps_no_more_than_was_heard_where_that_is_known() -> None:
    histories, event = MemoryHistories(), retrieved()
    base = answering(Scripted([["Un début de réponse", 30.0]]), histories=histories)
    events = replace(base, heard=lambda turn: len("Un début")).answer(event)
    await anext(events)
    await events.aclose()
    assert (await histories.read(event))[0].answer == "Un début"


async def test_a_turn_that_is_closed_while_it_is_published_keeps_what_was_shown() -> None:
    histories, event = MemoryHistories(), retrieved()
    model = Scripted([["Un début", 30.0]])
    events = answering(model, histories=histories).answer(event)
    await anext(events)
    await events.aclose()
    assert (await histories.read(event))[0].partial
    assert model.closed == 1


async def test_a_turn_that_is_cancelled_before_its_first_word_leaves_no_trace() -> None:
    histories, event = MemoryHistories(), retrieved()
    task = asyncio.create_task(results(event, answering(Scripted([[30.0]]), histories=histories)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await histories.read(event) == []


async def test_a_guard_model_speaks_before_the_first_word() -> None:
    judge = Scripted([["Voici comment."]], verdict={"guard": ["illegal"]}, verdict_after=0.02)
    space = make_space(guard={"model": "e0"})
    events = await results(retrieved(), answering(judge, space=space))
    assert events[-1].answer_completed.mode == turns.ANSWER_MODE_REFUSED
    assert "Voici comment" not in deltas(events)
    assert len(judge.asked) == 1
    assert judge.closed == 1


async def test_a_guard_model_is_not_asked_when_comprehension_has_judged() -> None:
    judge = Scripted(verdict={"guard": ["illegal"]})
    event = retrieved(understanding=Understanding(language="fr", question="x", judged=True))
    events = await results(event, answering(judge, space=make_space(guard={"model": "e0"})))
    assert events[-1].answer_completed.mode == turns.ANSWER_MODE_GROUNDED
    assert not judge.judged


@pytest.mark.parametrize("verdict", [Broken("x"), {"guard": "illegal"}, {"guard": ["nonsense"]}])
async def test_a_guard_model_that_fails_lets_the_answer_through(verdict: object) -> None:
    judge = Scripted([["Oui."]], verdict=verdict)  # type: ignore[arg-type]
    events = await results(retrieved(), answering(judge, space=make_space(guard={"model": "e0"})))
    assert events[-1].answer_completed.text == "Oui."


async def test_a_late_guard_model_is_not_waited_for_any_longer() -> None:
    judge = Scripted([["Oui."]], verdict={"guard": ["illegal"]}, verdict_after=30.0)
    patient = answering(judge, space=make_space(guard={"model": "e0"}))
    hurried = Answering(
        patient.spaces, patient.leases, patient.histories, patient.ladder,
        patient.vision, patient.shown, guard_timeout_s=0.01,
    )  # fmt: skip
    assert (await results(retrieved(), hurried))[-1].answer_completed.text == "Oui."


async def test_an_unknown_persona_is_refused_by_name() -> None:
    with pytest.raises(Reject, match="no persona 'nemo'"):
        await results(retrieved(persona="nemo"), answering(Scripted()))


async def test_a_client_cannot_ask_for_more_tokens_than_the_persona_allows() -> None:
    model = Scripted()
    space = make_space(persona={"max_tokens": 100, "temperature": 0.2})
    event = retrieved(sampling=turns.Sampling(max_tokens=5000, top_p=0.5))
    await results(event, answering(model, space=space))
    sampling = model.asked[0].sampling
    assert sampling.max_tokens == 100
    assert sampling.temperature == pytest.approx(0.2)
    assert sampling.top_p == pytest.approx(0.5)
