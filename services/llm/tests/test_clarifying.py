"""A question that says too little is asked back, once; others never are."""

from typing import Any

import pytest

from palabre.chassis.testing import MemoryHistories
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2 as turns
from palabre.contracts.v1.turns_pb2 import Attachment, Exchange, Understanding
from palabre.llm import replies
from palabre.llm.clarifying import Lack, lack
from palabre.llm.engines.extractive import Extractive
from palabre.llm.engines.scripted import Scripted

from .a_turn import make_space, received, retrieved
from .test_answer import answering, results
from .test_comprehend import VERDICT, comprehension, understood

PICTURE = Attachment(name="image.png", media_type="image/jpeg", blob="logement/abc")
PAST = Exchange(turn="t0", question="Quel préavis ?", answer="Trois mois [1].")


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("ça marche pas", "details"),
        ("Bonjour, mon PC ne marche plus, aidez-moi svp", "details"),
        ("how do i fix my computer??", "details"),
        ("pourquoi mon jeu plante", "details"),
        ("?!", "details"),
        ("Bonjour !", "hello"),
        ("", "image"),
        ("wifi", "thin"),
        ("écran bleu erreur", "thin"),
        ("erreur 0x80070057 sous Windows", ""),
        ("Comment réparer une fuite ?", ""),
        ("où est le gardien", ""),
        ("merci beaucoup", ""),
        ("Qui êtes-vous ?", ""),
        ("j'en peux plus", ""),
        ("I can't go on", ""),
    ],
)
def test_what_counts_is_how_many_words_say_what_it_is_about(text: str, lacks: Lack) -> None:
    assert lack(text, shows=True) == lacks


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("et pour un T3 ?", ""),
        ("pourquoi ?", ""),
        ("", ""),
        ("bonjour", ""),
        ("wifi", ""),
        ("ça marche toujours pas", "details"),
        ("aidez-moi", "details"),
    ],
)
def test_a_conversation_may_have_said_the_rest(text: str, lacks: Lack) -> None:
    assert lack(text, shows=True, follows=True) == lacks


async def asked(text: str, by: Any = None, **turn: Any) -> pb.AnswerCompleted:
    history = turn.pop("history", ())
    given: dict[str, Any] = {"may_ask": True, "passages": ()} | turn
    event = retrieved(text, **given)
    event.passages_retrieved.history.extend(history)
    return (await results(event, by or answering()))[-1].answer_completed


async def test_it_asks_which_thing_what_was_tried_and_the_exact_message() -> None:
    completed = await asked("ça marche pas", address="tu")
    assert completed.mode == turns.ANSWER_MODE_ASKS
    assert "quel appareil" in completed.text
    assert "qu'as-tu déjà essayé" in completed.text
    assert "message exact" in completed.text
    assert completed.usage.cost_known
    assert not completed.usage.engine


async def test_no_model_is_paid_to_ask_back() -> None:
    model = Scripted()
    await asked("help", answering(model))
    assert model.asked == []


async def test_where_the_channel_does_not_want_it_nobody_is_asked_back() -> None:
    assert (await asked("ça marche pas", may_ask=False)).mode == turns.ANSWER_MODE_NO_KNOWLEDGE
    story = answering(space=make_space(persona={"mode": "story"}))
    assert (await asked("help", story)).mode == turns.ANSWER_MODE_STORY


@pytest.mark.parametrize("key", [*replies.ASKING, "cannot_see_alone"])
@pytest.mark.parametrize("language", ["fr", "en", "ar", "zh"])
async def test_nobody_is_asked_twice_in_a_row(key: str, language: str) -> None:
    """Also where a channel carries the conversation itself, with what stood around it."""
    before = f"**{replies.of(language)(key)}**\n- le modèle\n\n_Palabre_"
    history = [Exchange(question="help", answer=before)]
    completed = await asked("ça marche toujours pas", history=history)
    assert completed.mode == turns.ANSWER_MODE_NO_KNOWLEDGE
    assert (await asked("bug", history=[PAST])).mode == turns.ANSWER_MODE_ASKS


async def test_few_words_are_searched_first_and_asked_back_when_nothing_is_found() -> None:
    found = retrieved().passages_retrieved.passages
    assert (await asked("préavis", passages=tuple(found))).mode == turns.ANSWER_MODE_GROUNDED
    assert (await asked("préavis")).mode == turns.ANSWER_MODE_ASKS
    doubtful = await asked("préavis", passages=tuple(found), doubtful=True)
    assert doubtful.mode == turns.ANSWER_MODE_ASKS


async def test_few_words_in_a_language_that_nobody_weighs_are_not_asked_back() -> None:
    chinese = Understanding(language="zh", question="押金")
    assert (await asked("押金", understanding=chinese)).mode == turns.ANSWER_MODE_NO_KNOWLEDGE


async def test_a_bare_image_is_asked_what_about_it() -> None:
    described = Understanding(language="fr", images=["Une chaudière."])
    completed = await asked("", understanding=described, attachments=[PICTURE])
    assert completed.mode == turns.ANSWER_MODE_ASKS
    assert "Que voulez-vous savoir" in completed.text


async def test_so_is_one_that_nobody_sees_in_the_words_for_that() -> None:
    completed = await asked("", attachments=[PICTURE])
    assert completed.mode == turns.ANSWER_MODE_ASKS
    assert "Dites-moi ce qu'elle montre" in completed.text


async def test_help_lines_go_before_a_question_back_and_so_does_a_calm_word() -> None:
    hurt = Understanding(language="fr", guard=["violence"])
    completed = await asked("aidez moi", understanding=hurt)
    assert completed.mode == turns.ANSWER_MODE_REFUSED
    assert "3919" in completed.text


async def test_a_guard_model_hears_few_words_too() -> None:
    judge = Scripted(verdict={"guard": ["self-harm"]})
    space = make_space(guard={"model": "e0"})
    completed = await asked("help", answering(judge, Extractive(), space=space))
    assert "3114" in completed.text


async def test_a_model_that_comprehends_says_what_is_missing_and_it_is_asked_for() -> None:
    missing = ["le modèle de la box", "le message affiché", "![x](http://a.example/b)"]
    said = Understanding(language="fr", engine="e", missing=missing)
    completed = await asked("ma box déconne", understanding=said)
    assert completed.mode == turns.ANSWER_MODE_ASKS
    assert "- le modèle de la box\n- le message affiché" in completed.text
    assert "http" not in completed.text


async def test_what_a_search_finds_goes_before_what_a_model_misses() -> None:
    said = Understanding(language="fr", question="Quand ?", engine="e", missing=["la ville"])
    found = tuple(retrieved().passages_retrieved.passages)
    completed = await asked("Quand est-il rendu ?", understanding=said, passages=found)
    assert completed.mode == turns.ANSWER_MODE_GROUNDED


async def test_a_model_that_misses_nothing_is_believed_about_few_words() -> None:
    said = Understanding(language="fr", question="Quel préavis ?", engine="e")
    assert (await asked("préavis", understanding=said)).mode == turns.ANSWER_MODE_NO_KNOWLEDGE
    follow_up = await asked("ça marche pas", understanding=said, history=[PAST])
    assert follow_up.mode == turns.ANSWER_MODE_NO_KNOWLEDGE


@pytest.mark.parametrize(("text", "calls"), [("ça marche pas", 1), ("Quel est le préavis ?", 0)])
async def test_a_first_message_that_says_little_is_worth_a_call(text: str, calls: int) -> None:
    model = Scripted(verdict=VERDICT | {"missing": [" le\nmodèle ", "le lieu", "", "a", "b"]})
    result = await understood(received(text, may_ask=True), comprehension(model))
    assert len(model.judged) == calls
    assert list(result.understanding.missing) == ["le modèle", "le lieu", "a"][: 3 * calls]
    assert all('"missing"' in call.messages[0].content for call in model.judged)


async def test_a_model_is_asked_what_is_missing_only_where_it_may_be_asked_for() -> None:
    model = Scripted(verdict=VERDICT)
    await understood(received("Et là ?"), comprehension(model), past=(PAST,))
    assert '"missing"' not in model.judged[0].messages[0].content


async def test_what_is_off_topic_and_found_nowhere_is_redirected() -> None:
    said = Understanding(language="fr", question="?", engine="e", judged=True, guard=["off-topic"])
    model = Scripted()
    completed = await asked("Qui a gagné la coupe ?", answering(model), understanding=said)
    assert completed.mode == turns.ANSWER_MODE_NO_KNOWLEDGE
    assert "sort des sujets" in completed.text
    assert "01 99 00 12 34" in completed.text
    assert model.asked == []
    found = tuple(retrieved().passages_retrieved.passages)
    quoted = await asked("Quand est-il rendu ?", understanding=said, passages=found)
    assert quoted.mode == turns.ANSWER_MODE_GROUNDED
    said.question = "merci"
    greeted = await asked("merci", understanding=said)
    assert greeted.text.startswith("Avec plaisir")


@pytest.mark.parametrize("text", ["Tu es un robot ?", "je suis à bout", "how are you?"])
async def test_nobody_is_sent_away_who_asks_who_answers_or_says_how_they_feel(text: str) -> None:
    said = Understanding(language="fr", question=text, engine="e", guard=["off-topic"])
    model = Scripted([["Oui, un programme."]])
    completed = await asked(text, answering(model), understanding=said)
    assert completed.text == "Oui, un programme."


async def test_a_question_back_is_kept_in_the_history() -> None:
    histories = MemoryHistories()
    event = retrieved("ça marche pas", may_ask=True, passages=())
    await results(event, answering(histories=histories))
    [kept] = await histories.read(event)
    assert replies.asks(kept.answer)
