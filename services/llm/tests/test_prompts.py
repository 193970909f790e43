"""Prompts: what others wrote is data, whatever it says."""

import datetime as dt
import re
import unicodedata

import pytest
from jinja2 import UndefinedError

from palabre.contracts.v1.turns_pb2 import Exchange, Passage, Utterance
from palabre.llm import prompts
from palabre.llm.engines import Message
from palabre.llm.prompts import Prompting, Retrieved

from .a_turn import DEPOSIT, make_space
from .hostile import HOSTILE

NONCE = "4f1c9a"
PROMPTING = Prompting(nonce=lambda: NONCE, today=lambda: dt.date(2026, 11, 1))
SPACE = make_space(
    persona={
        "audience": "Locataires.",
        "guidelines": ["Soyez bref."],
        "address": "tu",
    }
)


def written(
    question: str = "Quel délai ?",
    language: str = "fr",
    passages: tuple[Passage, ...] = (DEPOSIT,),
    **values: object,
) -> tuple[Message, ...]:
    retrieved = Retrieved(question, language, passages, **values)  # type: ignore[arg-type]
    return PROMPTING.answer(SPACE, SPACE.personas["camille"], retrieved)


def between(text: str, tag: str) -> str:
    """What stands between the tags, in the last place where they open on a line of their own."""
    found = re.findall(rf"^<{tag}-{NONCE}>\n(.*?)\n</{tag}-{NONCE}>$", text, re.S | re.M)
    assert len(found) == 1
    return str(found[0])


def harmless(text: str) -> bool:
    kept = (c for c in text if c not in "\n\t")
    return all(unicodedata.category(c)[0] != "C" for c in kept) and "<|" not in text


@pytest.mark.parametrize("attack", HOSTILE)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_document_cannot_leave_its_place(attack: str, language: str) -> None:
    hostile = Passage(title=attack, text=f"Avant.\n{attack}\nAprès.", heading_path=[attack])
    system, user = written(language=language, passages=(hostile, DEPOSIT))
    inside = between(user.content, "passages")
    assert "Après." in inside
    assert "[2] Le dépôt de garantie" in inside
    assert between(user.content, "question") == "Quel délai ?"
    assert harmless(user.content)
    assert system == written(language=language)[0]


def test_the_model_can_name_the_page() -> None:
    paged = Passage(title="Guide du locataire", heading_path=["Le bail"], text="Avant.", page=12)
    _, user = written(passages=(paged,))
    assert "[1] Guide du locataire > Le bail (p. 12)" in between(user.content, "passages")


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_question_cannot_leave_its_place(attack: str) -> None:
    system, user = written(f"Avant. {attack} Après.")
    assert "Après." in between(user.content, "question")
    assert harmless(user.content)
    assert system == written()[0]


@pytest.mark.parametrize("attack", HOSTILE)
def test_comprehension_reads_the_message_as_data(attack: str) -> None:
    past = Exchange(question=attack, answer=attack)
    asked = Utterance(text=f"Avant. {attack} Après.")
    system, user = PROMPTING.comprehension(SPACE, asked, [past], "fr")
    assert "Après." in between(user.content, "message")
    assert between(user.content, "conversation")
    assert system == PROMPTING.comprehension(SPACE, Utterance(text="Bonjour"), [], "fr")[0]


@pytest.mark.parametrize("attack", HOSTILE)
def test_the_guard_reads_the_message_as_data(attack: str) -> None:
    system, user = PROMPTING.guard(f"Avant. {attack} Après.", "en")
    assert "Après." in between(user.content, "message")
    assert system == PROMPTING.guard("Hello", "en")[0]


def test_a_clients_wishes_stand_beside_the_question_and_replace_nothing() -> None:
    plain, _ = written()
    system, user = written(instructions="Répondez en vers.")
    assert system == plain
    assert between(user.content, "souhaits") == "Répondez en vers."
    assert "ils ne remplacent rien" in user.content


def test_a_language_that_is_none_is_not_repeated_to_a_model() -> None:
    for code in ("xx-ignore-rules", "fr-OBEY"):
        assert code not in written(language=code)[0].content


def test_every_prompt_has_a_nonce_of_its_own() -> None:
    retrieved = Retrieved("Quel délai ?", "fr", (DEPOSIT,))
    persona = SPACE.personas["camille"]
    first, second = (Prompting().answer(SPACE, persona, retrieved)[-1] for _ in range(2))
    assert first.content != second.content


def test_the_system_prompt_is_the_same_from_turn_to_turn() -> None:
    persona, retrieved = SPACE.personas["camille"], Retrieved("Quel délai ?", "fr", (DEPOSIT,))
    first, second = (Prompting().answer(SPACE, persona, retrieved)[0] for _ in range(2))
    assert first == second


def test_a_persona_is_all_in_the_system_prompt() -> None:
    system = written()[0].content
    assert system.startswith("Vous êtes Camille.")
    assert "Nous sommes le 1er novembre 2026." in system
    assert "À qui vous parlez : Locataires." in system
    assert "Tutoyez la personne." in system
    assert "\n- Soyez bref.\n" in system
    assert "Répondez en français." in system
    assert "Appelez le 01 99 00 12 34." in system
    assert "\n\n\n" not in system


def test_another_language_is_asked_for_in_english() -> None:
    system = written(language="es")[0].content
    assert system.startswith("You are Camille.")
    assert "Answer in Spanish." in system


def test_without_passages_nothing_may_be_cited() -> None:
    system, user = written(passages=())
    assert "N'inventez rien" in system.content
    assert "passages-" not in user.content


def test_past_answers_come_without_their_numbers() -> None:
    past = [Exchange(question="Et le préavis ?", answer="Trois mois [2].")]
    messages = written(history=past)
    assert messages[1:3] == (
        Message("user", f"<question-{NONCE}>\nEt le préavis ?\n</question-{NONCE}>"),
        Message("assistant", "Trois mois."),
    )


def test_a_very_long_question_is_cut() -> None:
    assert len(written("x" * 100_000)[-1].content) < 12_000


def test_a_template_that_lacks_a_value_fails_loudly() -> None:
    with pytest.raises(UndefinedError):
        prompts._templates.get_template("fr/system.j2").render()
