"""Who needs help or goes too far, by words: tables of what people really write, in `said/`."""

from pathlib import Path

import pytest

from palabre.llm import categories, guard

SAID = Path(__file__).parent / "said"
FOUND = ("self-harm", "violence", "child-danger", "threat", "insult", "hate")


def lines(table: str) -> list[str]:
    return (SAID / f"{table}.txt").read_text(encoding="utf-8").splitlines()


POSITIVES = [(text, category) for category in FOUND for text in lines(category)]
NEGATIVES = lines("no-harm")


@pytest.mark.parametrize(("text", "category"), POSITIVES)
def test_words_that_need_an_answer_of_their_own_are_found(text: str, category: str) -> None:
    assert category in guard.judge(text)


@pytest.mark.parametrize("text", NEGATIVES)
def test_words_that_mean_no_harm_are_let_through(text: str) -> None:
    assert guard.judge(text) == []


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(POSITIVES) >= 250
    assert len(NEGATIVES) >= 300


def test_help_lines_come_before_everything_else() -> None:
    found = guard.judge("Connard ! Mon mari me frappe et je veux mourir.")
    assert found == ["self-harm", "violence", "insult"]
    assert categories.refusal(found, answerable=True) == "self-harm"


def test_a_very_long_message_is_judged_by_its_beginning() -> None:
    assert guard.judge("x " * 100_000 + "je veux mourir") == []
