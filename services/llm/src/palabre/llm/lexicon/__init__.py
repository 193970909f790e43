"""The words by which `guard` knows who needs help or goes too far, in French and English.

Patterns meet text as `guard.fold` leaves it: lower case, no accents, one blank between words,
` , ` between clauses, short spellings written out, no letter twice in a row. They are written in
plain spelling; double letters are folded when they are compiled. `…` stands for up to two words.
"""

from collections.abc import Iterator

from palabre.llm.lexicon.aggression import ABOUT_ANOTHER, HATE, INSULT, THREAT, VOCATIVE
from palabre.llm.lexicon.distress import CHILD_DANGER, SELF_HARM, VIOLENCE
from palabre.llm.lexicon.fiction import CHARACTERS, DARING, OWN_PEOPLE
from palabre.llm.lexicon.idioms import IDIOMS, REPORTED

__all__ = [
    "ABOUT_ANOTHER",
    "CHARACTERS",
    "DARING",
    "IDIOMS",
    "OWN_PEOPLE",
    "REPORTED",
    "VOCATIVE",
    "patterns",
]

_ALL = {
    "self-harm": SELF_HARM,
    "violence": VIOLENCE,
    "child-danger": CHILD_DANGER,
    "threat": THREAT,
    "hate": HATE,
    "insult": INSULT,
}


def patterns() -> Iterator[tuple[str, str]]:
    """Category and pattern."""
    for category, found in _ALL.items():
        for pattern in found:
            yield category, pattern
