"""What a search is not sure of: a model may judge it, and nobody quotes it."""

from palabre.contracts.v1 import turns_pb2 as turns
from palabre.contracts.v1.turns_pb2 import Understanding
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted
from palabre.llm.errors import Broken

from .a_turn import retrieved
from .test_answer import answering, results


async def test_doubtful_passages_are_for_a_model_to_judge_and_never_quoted() -> None:
    completed = (await results(retrieved(doubtful=True), answering()))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_NO_KNOWLEDGE
    assert "Je ne trouve pas" in completed.text
    assert not completed.sources


async def test_a_model_that_finds_an_answer_in_doubtful_passages_cites_it() -> None:
    model = Scripted([["Sous un mois [1]."]])
    completed = (await results(retrieved(doubtful=True), answering(model)))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_GROUNDED
    assert [source.passage.id for source in completed.sources] == ["p1"]
    assert "La recherche n'est pas sûre qu'ils répondent" in model.asked[0].messages[-1].content


async def test_also_where_the_answer_s_very_last_words_are_the_mark() -> None:
    model = Scripted([["Sous un mois. [1]"]])
    completed = (await results(retrieved(doubtful=True), answering(model)))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_GROUNDED


async def test_a_model_that_finds_none_in_doubtful_passages_does_not_know() -> None:
    model = Scripted([["Je ne le sais pas."]])
    completed = (await results(retrieved(doubtful=True), answering(model)))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_NO_KNOWLEDGE


async def test_passages_above_the_floor_are_not_called_into_doubt() -> None:
    model = Scripted()
    await results(retrieved(), answering(model))
    assert "n'est pas sûre" not in model.asked[0].messages[-1].content


async def test_an_insult_with_doubtful_passages_alone_meets_the_calm_boundary() -> None:
    insult = Understanding(language="fr", guard=["insult"])
    event = retrieved(doubtful=True, understanding=insult)
    completed = (await results(event, answering(Scripted())))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_REFUSED


async def test_when_the_model_fails_doubtful_passages_are_not_quoted_in_its_place() -> None:
    ladder = answering(Scripted([[Broken("status 500")]]), Extractive())
    completed = (await results(retrieved(doubtful=True), ladder))[-1].answer_completed
    assert completed.mode == turns.ANSWER_MODE_NO_KNOWLEDGE
    assert "Je ne trouve pas" in completed.text
