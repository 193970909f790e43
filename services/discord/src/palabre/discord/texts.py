"""Every sentence of this service that people see, in French and English."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from palabre.chassis import languages
from palabre.discord.figures import number

LANGUAGES = ("fr", "en")


@dataclass(frozen=True, slots=True)
class Speech:
    """How one person is spoken to: the language (BCP 47), and "vous" or "tu"."""

    language: str
    address: str = "vous"

    def say(self, key: str, **values: object) -> str:
        return say(key, self.language, self.address or "vous", **values)


def say(key: str, language: str, address: str = "vous", **values: object) -> str:
    """The text of "section.name" in this language (BCP 47), else in English.

    `address` is "vous" or "tu", for texts that have both. Raises KeyError.
    """
    found = texts(language)[key]
    if isinstance(found, dict):
        found = found.get(address, found["vous"])
    return str(found).format(**values)


def counted(key: str, count: int, language: str) -> str:
    """So many, in words: the text "<key>-one" or "<key>-many"; in French nothing is one, too."""
    is_french = language.split("-")[0].lower() == "fr"
    is_one = count == 1 or (is_french and count == 0)
    return say(f"{key}-{'one' if is_one else 'many'}", language, count=number(count, language))


def texts(language: str) -> dict[str, Any]:
    """By "section.name": a text, or two by form of address."""
    return _read(languages.nearest(language or "en", LANGUAGES))


@cache
def _read(language: str) -> dict[str, Any]:
    sections = languages.texts("palabre.discord", language)
    return {f"{name}.{key}": text for name, s in sections.items() for key, text in s.items()}
