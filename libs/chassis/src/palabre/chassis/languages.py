"""The languages that Palabre itself speaks, and the files with what it says in them."""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any

# What tenants in France speak most, and write to an office: docs/languages.md.
LANGUAGES = ("fr", "en", "ar", "de", "es", "it", "pl", "pt", "ro", "tr", "uk", "zh")


def nearest(language: str, known: Sequence[str] = LANGUAGES) -> str:
    """The one of these for a person of this language (BCP 47); French when it is unknown, and
    English for those that are none of these.
    """
    parent = language.split("-")[0].lower() or "fr"
    return parent if parent in known else "en"


@cache
def texts(package: str, language: str) -> dict[str, Any]:
    """`texts/<language>.toml` of a package. Raises FileNotFoundError."""
    file = resources.files(package) / "texts" / f"{language}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))
