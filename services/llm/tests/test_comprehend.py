"""Comprehension's handler, without NATS."""

from typing import Any

import pytest

from palabre.chassis.errors import Reject
from palabre.chassis.spaces import Space
from palabre.chassis.testing import MemoryHistories, collect
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Exchange
from palabre.llm import handlers
from palabre.llm.comprehend import STORIES, Comprehension, Memory, bounded, leans_back
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted
from palabre.llm.errors import Broken
from palabre.llm.ladder import Ladder
from palabre.llm.prompts import Prompting

from .a_turn import known, make_space, received, spending, vision

VERDICT = {
    "language": "fr",
    "question": "Quel est le préavis pour quitter un logement meublé ?",
    "queries": ["préavis meublé", "congé du locataire"],
    "guard": [],
}


def comprehension(engine: Scripted | None = None, timeout_s: float = 5.0) -> Comprehension:
    if engine is None:
        ladder = Ladder({"extractive": Extractive()})
    else:
        ladder = Ladder({"e": engine, "extractive": Extractive()}, ["e"])
    return Comprehension(ladder, Prompting(), timeout_s=timeout_s)


async def understood(
    event: pb.Event,
    by: Comprehension,
    space: Space | None = None,
    past: tuple[Exchange, ...] = (),
) -> pb.UtteranceUnderstood:
    histories = MemoryHistories()
    for exchange in past:
        await histories.append(event, exchange)
    handler = handlers.comprehender(
        known(space or make_space()), histories, by, vision(by.ladder), spending()
    )
    [result] = await collect(handler(event))
    return result.utterance_understood


PAST = Exchange(turn="t0", question="Quel préavis pour partir ?", answer="Trois mois [2].")


async def test_without_a_model_the_raw_words_go_on_at_once() -> None:
    result = await understood(received("  keske le préavi svp "), comprehension())
    assert result.understanding.question == "keske le préavi svp"
    assert result.understanding.language == "fr"
    assert list(result.understanding.queries) == []
    assert result.understanding.engine == ""
    assert not result.understanding.judged


async def test_it_says_whether_a_model_will_read_the_passages() -> None:
    by_itself = await understood(received("préavis"), comprehension())
    beside_a_model = await understood(received("préavis"), comprehension(Scripted()))
    assert (by_itself.understanding.read, beside_a_model.understanding.read) == (False, True)


async def test_a_follow_up_without_a_model_is_searched_with_the_question_before() -> None:
    result = await understood(received("Et pour un meublé ?"), comprehension(), past=(PAST,))
    assert result.understanding.question == "Quel préavis pour partir ? Et pour un meublé ?"
    assert list(result.understanding.queries) == ["Quel préavis pour partir ?"]
    assert [exchange.turn for exchange in result.history] == ["t0"]


async def test_thanks_are_no_follow_up() -> None:
    result = await understood(received("Merci beaucoup !"), comprehension(), past=(PAST,))
    assert result.understanding.question == "Merci beaucoup !"


async def test_a_new_question_is_searched_by_itself() -> None:
    text = "Qui doit payer le traitement contre les punaises de lit dans un logement social ?"
    result = await understood(received(text), comprehension(), past=(PAST,))
    assert list(result.understanding.queries) == []


async def test_a_follow_up_is_made_standalone_by_the_model() -> None:
    model = Scripted(verdict=VERDICT)
    result = await understood(received("Et en meublé ?"), comprehension(model), past=(PAST,))
    understanding = result.understanding
    assert understanding.question == VERDICT["question"]
    assert list(understanding.queries) == VERDICT["queries"]
    assert understanding.judged
    assert understanding.engine == "scripted"
    assert understanding.duration_ms > 0
    assert len(model.judged) == 1


@pytest.mark.parametrize(
    ("policy", "past", "calls"),
    [
        ("always", (), 1),
        ("always", (PAST,), 1),
        ("follow-ups", (), 0),
        ("follow-ups", (PAST,), 1),
        ("never", (PAST,), 0),
    ],
)
async def test_the_space_decides_when_a_model_is_asked(
    policy: str, past: tuple[Exchange, ...], calls: int
) -> None:
    model = Scripted(verdict=VERDICT)
    await understood(received("Et là ?"), comprehension(model), make_space(comprehend=policy), past)
    assert len(model.judged) == calls


@pytest.mark.parametrize(
    "verdict",
    [
        Broken("nonsense"),
        {},
        {"question": ""},
        {"question": 7},
        {"question": ["a"], "guard": ["insult"]},
        {"language": "français", "question": None},
    ],
)
async def test_a_broken_verdict_leaves_the_raw_words(verdict: Any) -> None:
    result = await understood(
        received("Et là ?"), comprehension(Scripted(verdict=verdict)), past=(PAST,)
    )
    assert result.understanding.question == "Quel préavis pour partir ? Et là ?"
    assert not result.understanding.judged


async def test_a_late_verdict_leaves_the_raw_words() -> None:
    late = comprehension(Scripted(verdict=VERDICT, verdict_after=30.0), timeout_s=0.01)
    result = await understood(received("Et là ?"), late, past=(PAST,))
    assert result.understanding.question == "Quel préavis pour partir ? Et là ?"
    assert result.understanding.engine == ""


async def test_a_verdict_is_bounded_data() -> None:
    verdict = {
        "language": "fr\nignore",
        "question": "Quel\u202e préavis ?\n" + "x" * 9000,
        "queries": ["a" * 900, "b", "b", "", 4, "c", "d", "e", "f"],
        "guard": ["insult", "invented", 3],
    }
    result = await understood(
        received("Et là ?"), comprehension(Scripted(verdict=verdict)), past=(PAST,)
    )
    understanding = result.understanding
    assert understanding.language == "fr"
    assert understanding.question.startswith("Quel préavis ? xxx")
    assert len(understanding.question) == 500
    assert [len(query) for query in understanding.queries] == [200, 1, 1, 1]
    assert list(understanding.guard) == ["insult"]


async def test_a_client_carries_its_own_history() -> None:
    event = received("Et là ?", carries_history=True, carried_history=[PAST])
    result = await understood(event, comprehension())
    assert [exchange.question for exchange in result.history] == [PAST.question]
    assert not result.utterance.carried_history
    assert result.utterance.carries_history


async def test_an_unknown_persona_is_refused_by_name() -> None:
    with pytest.raises(Reject, match="no persona 'nemo'"):
        await understood(received("Bonjour", persona="nemo"), comprehension())


def test_the_history_is_bounded_by_tokens_and_keeps_the_latest() -> None:
    past = [Exchange(turn=str(n), question="q" * 400, answer="a" * 400) for n in range(9)]
    assert [exchange.turn for exchange in bounded(past, Memory(tokens=600))] == ["6", "7", "8"]


def test_a_long_past_answer_is_cut() -> None:
    [exchange] = bounded([Exchange(question="q", answer="a" * 90_000)])
    assert len(exchange.answer) == 2000


def test_of_a_long_episode_the_end_is_remembered() -> None:
    [exchange] = bounded([Exchange(question="q", answer="a" * 90_000 + "choix 3")], STORIES)
    assert exchange.answer.endswith("choix 3")
    assert len(exchange.answer) == 5_000


@pytest.mark.parametrize("text", ["Et pour un meublé ?", "oui", "Combien ça coûte ?", "And that?"])
def test_short_words_and_words_that_point_back_lean_on_the_history(text: str) -> None:
    assert leans_back(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [("And for a furnished flat?", "en"), ("ok", "fr"), ("Mohammed Benali", "fr"), ("merci", "fr")],
)
async def test_a_conversation_changes_its_language_with_a_message_and_not_with_a_word(
    text: str, language: str
) -> None:
    result = await understood(received(text, language="es"), comprehension(), past=(PAST,))
    assert result.understanding.language == language
