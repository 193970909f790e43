"""What an answer cites has to say what the answer says."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, strategies as st

from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Passage, Understanding
from palabre.llm.citations import Citations
from palabre.llm.engines import Material
from palabre.llm.engines.extractive import compose
from palabre.llm.engines.scripted import Scripted
from palabre.llm.figures import figures, missing
from palabre.llm.grounding import Grounds, Source
from palabre.llm.screening import Screen
from services.llm.tests.a_turn import DEPOSIT, NOTICE, retrieved
from services.llm.tests.test_answer import answering, deltas, results

CLAIMS = Path(__file__).with_name("claims")
SPACES = Path(__file__).parents[3] / "spaces"
QUESTION = "Quand le bailleur rend-il le dépôt de garantie ?"


class Claim(NamedTuple):
    passage: Passage
    text: str
    supported: bool


def claims(name: str) -> Iterator[Claim]:
    language = "en" if name == "en" else "fr"
    found: list[dict[str, Any]] = tomllib.loads((CLAIMS / f"{name}.toml").read_text())["passage"]
    for each in found:
        passage = Passage(title=each["title"], text=each["text"], language=language)
        yield from (Claim(passage, text, True) for text in each["kept"])
        yield from (Claim(passage, text, False) for text in each["removed"])


@pytest.mark.parametrize(
    ("name", "kept", "removed"), [("fr", 0.96, 0.9), ("en", 0.96, 0.8), ("fresh", 0.96, 0.9)]
)
def test_claims_that_a_passage_makes_stay_and_others_go(
    name: str, kept: float, removed: float
) -> None:
    judged = [(claim, Source(claim.passage).supports(claim.text)) for claim in claims(name)]
    true = [found for claim, found in judged if claim.supported]
    false = [found for claim, found in judged if not claim.supported]
    assert sum(true) / len(true) >= kept
    assert 1 - sum(false) / len(false) >= removed


def grounds(language: str = "fr", *passages: Passage) -> Grounds:
    return Grounds(passages or (DEPOSIT, NOTICE), QUESTION, language)


def test_a_sentence_stands_though_the_passage_says_another_of_another_case() -> None:
    text = (
        "Chiens d'attaque : interdits. Ils ne peuvent pas stationner dans les parties communes.\n\n"
        "- Dans les deux cas : laisse et muselière pour stationner dans les parties communes."
    )
    found = Source(Passage(title="Chiens", text=text))
    assert found.supports("Ils ne peuvent pas stationner dans les parties communes.")
    assert not found.supports("Ils peuvent stationner dans les parties communes.")


def test_a_claim_moves_to_the_passage_that_makes_it() -> None:
    assert grounds().supporting("Le préavis est de trois mois", 2) == 2
    assert grounds().supporting("Le préavis est de trois mois", 1) == 2
    assert grounds().supporting("Le préavis est de huit mois", 1) == 0


def test_a_number_alone_does_not_move() -> None:
    assert grounds().supporting("Trois", 2) == 2
    assert grounds().supporting("Trois", 1) == 0


def test_a_claim_in_another_language_than_its_passage_stands() -> None:
    french = Passage(title=NOTICE.title, text=NOTICE.text, language="fr")
    assert grounds("en", french).supporting("Notice is three months", 1) == 1
    assert grounds("en-GB", french).supporting("Notice is nine months", 1) == 1
    assert grounds("fr-BE", french).supporting("Le préavis est de neuf mois", 1) == 0


def test_a_name_that_the_question_brought_need_not_stand_in_the_passage() -> None:
    asked = Grounds((NOTICE,), "Quel est le préavis à Lyon ?", "fr")
    assert asked.supporting("Le préavis à Lyon est de trois mois", 1) == 1
    assert asked.supporting("Le préavis à Marseille est de trois mois", 1) == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dans un mois, ou deux mois", {("1", "mois"), ("2", "mois")}),
        ("quatre-vingt-dix-neuf euros", {("99", "€")}),
        ("soixante et onze ans et vingt-et-un jours", {("71", "an"), ("21", "jour")}),
        ("5 000 € et 1 234,50 €", {("5000", "€"), ("1234.5", "€")}),
        ("de 13 h 30 à 18h", {("13", "heure"), ("30", ""), ("18", "heure")}),
        ("le 01 99 00 12 34 ou le 01.99.00.12.34", {("0199001234", "")}),
        ("+33 1 99 00 12 34", {("0199001234", "")}),
        ("within twenty-four hours, 60 °C, 10 %", {("24", "heure"), ("60", "degre"), ("10", "%")}),
        ("les deux parties en ont une", set()),
        ("1. Coupez l'eau", set()),
    ],
)
def test_numbers_are_the_same_however_they_are_written(
    text: str, found: set[tuple[str, str]]
) -> None:
    assert figures(text) == found


def test_the_same_number_of_something_else_is_another() -> None:
    there = figures("dix jours, 20 euros et 7")
    assert not missing(figures("10 jours"), there)
    assert not missing(figures("7 jours"), there)
    assert missing(figures("10 mois"), there)
    assert missing(figures("dix ans et 20 euros"), there)


async def test_an_unsupported_citation_goes_from_the_stream_and_a_misplaced_one_moves() -> None:
    written = [["Le préavis est de trois mois [1]. ", "Le dépôt est rendu en six", " mois [1]."]]
    events = await results(retrieved(), answering(Scripted(written)))
    completed = events[-1].answer_completed
    shown = "Le préavis est de trois mois [2]. Le dépôt est rendu en six mois."
    assert deltas(events) == completed.text == shown
    assert [source.number for source in completed.sources] == [2]
    assert (completed.unsupported_citations, completed.invented_citations) == (1, 0)


async def test_a_full_stop_before_the_mark_and_items_of_a_list_are_judged_too() -> None:
    said = (
        "Le préavis :\n- trois mois [2]\n- un mois en zone tendue. [2]\n- neuf mois à Paris [2]\n"
    )
    completed = await _completed([said])
    assert completed.text == said.replace("Paris [2]", "Paris")
    assert completed.unsupported_citations == 1


async def test_a_few_words_after_another_mark_go_on_with_the_sentence() -> None:
    said = "Le dépôt de garantie est rendu en un mois [1], ou en deux [1], ou en neuf [1]."
    assert (await _completed([said])).text == said.replace("neuf [1]", "neuf")


async def test_a_mark_that_goes_leaves_its_blank_to_the_next() -> None:
    at_once = await _completed(["Le préavis est de trois mois [9][2]."])
    in_pieces = await _completed(["Le préavis est de trois mois [9", "]", "[2", "]."])
    assert at_once.text == in_pieces.text == "Le préavis est de trois mois [2]."


async def _completed(pieces: list[str]) -> pb.AnswerCompleted:
    understood = Understanding(language="fr", question=QUESTION)
    event = retrieved(understanding=understood)
    return (await results(event, answering(Scripted([pieces]))))[-1].answer_completed


@given(st.text(alphabet="ab. [],12\n", max_size=60), st.integers(1, 5))
def test_the_same_is_supported_however_the_text_arrives(text: str, size: int) -> None:
    def supporting(claim: str, cited: int) -> int:
        return cited if "a" in claim else 0

    at_once, piecewise = Citations(2, supporting), Citations(2, supporting)
    whole = at_once.feed(text) + at_once.close()
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert "".join([*map(piecewise.feed, pieces), piecewise.close()]) == whole
    assert piecewise.unsupported == at_once.unsupported
    assert {int(number) for number in re.findall(r"\[(\d{1,3})\]", whole)} <= at_once.cited


@pytest.mark.parametrize(
    "said", ["a [[9]7]", "a [[9][8]7]", "a [7[9]]", "a [7,[9] 8]", "a 【[9]7】"]
)
def test_what_stood_around_an_invented_number_does_not_become_a_mark(said: str) -> None:
    for pieces in ([said], [*said]):
        found = Citations(2)
        shown = "".join([*map(found.feed, pieces), found.close()])
        again = Citations(9)
        again.feed(shown)
        again.close()
        assert not again.cited


def test_what_is_quoted_word_for_word_keeps_its_marks() -> None:
    """Every page of the demo spaces, asked by its title and each of its headings."""
    marks = lost = 0
    for file in sorted(SPACES.glob("*/knowledge/**/*.md")):
        text = file.read_text(encoding="utf-8").split("---", 2)[-1]
        asked = re.findall(r"^#+ (.+)", text, re.M)
        parts = [part for part in re.split(r"(?m)^(?=## )", text) if part.strip()]
        passages = [Passage(document=file.name, title=asked[0], text=part) for part in parts[:8]]
        for question in asked:
            quoted = "".join(compose(Material(question, tuple(passages), "fr")))
            found = Citations(len(passages), Grounds(passages, question, "fr").supporting)
            screen = Screen(passages)
            shown = found.feed(screen.feed(quoted) + screen.close()) + found.close()
            marks += len(re.findall(r"\[\d+\]", shown))
            lost += found.unsupported
    assert marks > 1_000
    assert lost == 0
