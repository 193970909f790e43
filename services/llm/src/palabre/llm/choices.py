"""What a player asks for: a way that the story left open, or what the next one is about."""

import re

from palabre.llm.words import fold, stems, words

MOST_WORDS = 4  # of a message that only takes one
_WAY = re.compile(r"^[ \t>*_]*([1-9])[*_]*[.)][*_ \t]+(.+)$", re.MULTILINE)
_ORDINALS = {
    "premier": "1", "premiere": "1", "first": "1", "deuxieme": "2", "second": "2",
    "seconde": "2", "troisieme": "3", "third": "3", "quatrieme": "4", "fourth": "4",
}  # fmt: skip


# Words of asking for a story: every tale has them, and none is about them.
_LISTED = """
    raconte raconter racontes racontez invente inventer inventes inventez imagine imaginer
    imaginez ecris ecrire ecrivez improvise conte contes conter histoire histoires aventure
    aventures recit recits scene episode suite heros heroine heroines personnage personnages
    joueurs joueur partie jeu court courte petit petite long longue minute minutes mot mots ligne
    lignes passe commence tell story stories adventure adventures write make up short long about
    hero heroes happens minutes words us
"""
_ASKING = frozenset(_LISTED.split())
_WORD = re.compile(r"[^\W_]+")


def subject(message: str) -> str:
    """The message without the words that only ask; empty when it has no others."""
    left = " ".join(word for word in _WORD.findall(message) if fold(word) not in _ASKING)
    return left if stems(left) else ""


def taken(message: str, story: str) -> str:
    """The line that the message means ("le deuxième", "choix 2"); empty when it says more."""
    said = words(message)
    if not said or len(said) > MOST_WORDS:
        return ""
    numbers = {_ORDINALS.get(word, word) for word in said}
    ways = dict(_WAY.findall(story))  # the last of each number: earlier lists are part of the story
    return next((line.strip(" *_") for number, line in ways.items() if number in numbers), "")
