"""Fixed sentences that are shown or spoken to people, by language and form of address."""

import re
from collections.abc import Callable
from typing import Literal

from palabre.chassis.languages import nearest, texts

Say = Callable[..., str]  # key, and values to fill in

PROMPTED = ("fr", "en")  # what models are spoken to in
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


def supported(language: str) -> str:
    """The language in which models are spoken to."""
    return nearest(language, PROMPTED)
