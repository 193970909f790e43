"""How people ask, and how documents write: a list of general words for each language.

`words/<language>.txt` says how its lines are meant; what it found is in bench/search/README.md.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

_WORD = re.compile(r"\w+")
# Not the c of c'est.
_ALONE = re.compile(r"\w+\b(?!['’ʼ])")
_MARKS = re.compile("[\u0300-\u036f]")
# Longest left side of a line.
_MAX_WORDS = 4


class Written(NamedTuple):
    """What documents write for the words `first` to `last`, the latter not included."""

    first: int
    last: int
    language: str
    phrases: tuple[str, ...]


class _Wording(NamedTuple):
    spelled: dict[str, str]
    written: dict[tuple[str, ...], tuple[str, ...]]
    asking: frozenset[str]


def words_in(text: str) -> list[str]:
    """In lower case, without accents; elisions are parted."""
    return _WORD.findall(folded(text.lower()))


def spelled_out(question: str, languages: Iterable[str]) -> str:
    """Without the spellings of short messages. Capitals are an abbreviation: they stay."""
    spelled = {
        short: word for code in languages for short, word in _wording(_short(code)).spelled.items()
    }

    def word(found: re.Match[str]) -> str:
        abbreviation = found[0].isupper() and len(found[0]) > 1
        return found[0] if abbreviation else spelled.get(folded(found[0].lower()), found[0])

    return _ALONE.sub(word, question)


def written(words: Sequence[str], languages: Iterable[str]) -> Iterator[Written]:
    """What documents write for these words, as `words_in` gives them, and for runs of them."""
    for code in map(_short, languages):
        known = _wording(code).written
        for first in range(len(words)):
            for last in range(first + 1, min(first + _MAX_WORDS, len(words)) + 1):
                if phrases := known.get(tuple(words[first:last])):
                    yield Written(first, last, code, phrases)


def asks_nothing(word: str, languages: Iterable[str]) -> bool:
    """A word of asking or of courtesy: rare in documents that state, and no part of the matter."""
    return any(word in _wording(_short(code)).asking for code in languages)


def folded(text: str) -> str:
    """Without accents and ligatures."""
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("æ", "ae")))


@cache
def _wording(language: str) -> _Wording:
    """Empty for a language without a list."""
    file = resources.files("palabre.retriever") / "words" / f"{language}.txt"
    spelled: dict[str, str] = {}
    known: dict[tuple[str, ...], dict[str, None]] = {}
    asking: set[str] = set()
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        if line.startswith("~"):
            asking.update(words_in(line))
        elif not line.startswith("#") and ">" in line:
            left, sign, right = line.partition("=>" if "=>" in line else ">")
            for asked in left.split(","):
                if sign == "=>":
                    spelled[folded(asked.strip().lower())] = right.strip()
                else:
                    phrases = known.setdefault(tuple(words_in(asked)), {})
                    phrases.update(dict.fromkeys(phrase.strip() for phrase in right.split(",")))
    return _Wording(spelled, {k: tuple(v) for k, v in known.items()}, frozenset(asking))


def _short(code: str) -> str:
    """Of fr-CA the language alone. Only letters: it becomes a file's name."""
    found = re.fullmatch(r"([a-z]{2,3})(?:[-_]\w*)*", code.lower())
    return found[1] if found else ""
