"""What people say when their problem is over, and what they say otherwise."""

import tomllib
from pathlib import Path

import pytest

from palabre.discord.solving import says_solved

SENTENCES = tomllib.loads((Path(__file__).parent / "solved_sentences.toml").read_text("utf-8"))


def test_nearly_all_that_people_say_is_understood() -> None:
    solved = [says_solved(text) for text in SENTENCES["solved"]]
    otherwise = [says_solved(text) for text in SENTENCES["otherwise"]]
    right = solved.count(True) + otherwise.count(False)
    assert len(solved) >= 80
    assert right / len(solved + otherwise) >= 0.95
    assert otherwise.count(True) / len(otherwise) <= 0.02


@pytest.mark.parametrize(
    "text",
    [
        "merci, c'est résolu",
        "ça marche maintenant !",
        "problem solved",
        "Au début ça ne marchait pas, mais maintenant ça fonctionne.",
        "C’est résolu, merci ! Comment marquer le post ?",
    ],
)
def test_whoever_says_so_is_understood(text: str) -> None:
    assert says_solved(text)


@pytest.mark.parametrize(
    "text",
    [
        "ce n'est toujours pas résolu",
        "comment savoir si c'est résolu ?",
        "> merci, c'est résolu\nchez moi non plus",
        "Il a écrit « c'est résolu ».",
        "```\nproblem solved\n```",
        "C'est résolu. Et pour la cave, comment faire ?",
        "",
        "?" * 4_000,
    ],
)
def test_who_denies_asks_or_quotes_says_nothing_of_the_kind(text: str) -> None:
    assert not says_solved(text)
