"""The ways that a story leaves open: numbered lines at its end, one of which a player takes."""

import re

from palabre.llm.words import words

MOST_WORDS = 4  # of a message that only takes one
_WAY = re.compile(r"^[ \t>*_]*([1-9])[*_]*[.)][*_ \t]+(.+)$", re.MULTILINE)
_ORDINALS = {
    "premier": "1", "premiere": "1", "first": "1", "deuxieme": "2", "second": "2",
    "seconde": "2", "troisieme": "3", "third": "3", "quatrieme": "4", "fourth": "4",
}  # fmt: skip


def taken(message: str, story: str) -> str:
    """The line that the message means ("le deuxième", "choix 2"); empty when it says more."""
    said = words(message)
    if not said or len(said) > MOST_WORDS:
        return ""
    numbers = {_ORDINALS.get(word, word) for word in said}
    ways = dict(_WAY.findall(story))  # the last of each number: earlier lists are part of the story
    return next((line.strip(" *_") for number, line in ways.items() if number in numbers), "")
