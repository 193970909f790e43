"""Fixed sentences that are shown or spoken to people, by language and form of address."""

import re
import tomllib
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from typing import Any, Literal

Say = Callable[..., str]  # key, and values to fill in

# What tenants in France speak most, and write to an office: docs/languages.md.
LANGUAGES = ("fr", "en", "ar", "de", "es", "it", "pl", "pt", "ro", "tr", "uk", "zh")
PROMPTED = ("fr", "en")  # what models are spoken to in
_ADMITS = re.compile(
    r"\b(ne|n['’])\s?.{0,20}(trouv|sai[st]|connai|répon)|\b(not|n['’]t) (find|found|know|have)"
)


def of(language: str, address: Literal["vous", "tu"] = "vous") -> Say:
    """In this language (BCP 47); in English for those that have no texts, French when unknown."""
    texts = _texts(nearest(language, LANGUAGES))

    def say(key: str, **values: str) -> str:
        """Raises KeyError."""
        text = texts.get(key) or _texts("en")[key]
        chosen: str = text if isinstance(text, str) else text[address]
        return chosen.strip().format(**values)

    return say


def unknown(say: Say, where_to_turn: str, language: str) -> str:
    """That nothing was found, and where to turn; a space's own words may say both, in French or
    English.
    """
    admitted = nearest(language, LANGUAGES) in PROMPTED
    if admitted and _ADMITS.search(where_to_turn.split(".")[0].lower()):
        return where_to_turn
    return "\n\n".join(filter(None, (say("unknown"), where_to_turn)))


def supported(language: str) -> str:
    """The language in which models are spoken to."""
    return nearest(language, PROMPTED)


def nearest(language: str, known: Sequence[str]) -> str:
    parent = language.split("-")[0].lower() or "fr"
    return parent if parent in known else "en"


@cache
def _texts(language: str) -> dict[str, Any]:
    file = resources.files("palabre.llm") / "texts" / f"{language}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
