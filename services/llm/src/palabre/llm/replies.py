"""Fixed sentences that are shown or spoken to people, by language and form of address."""

import re
from collections.abc import Callable
from functools import cache
from typing import Literal

from palabre.chassis.languages import LANGUAGES, nearest, texts

_ADDRESSES: tuple[Literal["vous", "tu"], ...] = ("vous", "tu")
Say = Callable[..., str]  # key, and values to fill in

PROMPTED = ("fr", "en")  # what models are spoken to in
ASKING = ("ask_hello", "ask_details", "ask_image", "ask_for")  # questions back
_ADMITS = re.compile(
    r"\b(ne|n['’])\s?.{0,20}(trouv|sai[st]|connai|répon)|\b(not|n['’]t) (find|found|know|have)"
)


def of(language: str, address: Literal["vous", "tu"] = "vous") -> Say:
    """In this language (BCP 47); in English for those that have no texts, French when unknown."""
    own, english = texts("palabre.llm", nearest(language)), texts("palabre.llm", "en")

    def say(key: str, **values: str) -> str:
        """Raises KeyError."""
        text = own.get(key) or english[key]
        chosen: str = text if isinstance(text, str) else text[address]
        return chosen.strip().format(**values)

    return say


def unknown(say: Say, where_to_turn: str, language: str) -> str:
    """That nothing was found, and where to turn; a space's own words may say both, in French or
    English.
    """
    admitted = nearest(language) in PROMPTED
    if admitted and _ADMITS.search(where_to_turn.split(".")[0].lower()):
        return where_to_turn
    return "\n\n".join(filter(None, (say("unknown"), where_to_turn)))


def asks(answer: str) -> bool:
    """It is one of our questions back, in whatever language and form of address."""
    return any(opening in answer for opening in _openings())


@cache
def _openings() -> frozenset[str]:
    keys = (*ASKING, "cannot_see_alone")
    said = (of(language, a)(k) for language in LANGUAGES for a in _ADDRESSES for k in keys)
    return frozenset(text.splitlines()[0] for text in said)


def supported(language: str) -> str:
    """The language in which models are spoken to."""
    return nearest(language, PROMPTED)
