"""How much of a question a passage covers: the share of its words' weight, 0 to 1.

A word counts whole where the passage's title or headings have it, less where only its text does:
what a page is about says more than what it mentions. Who tells a story before they ask uses words
that no page has: a small share of a long question is much. Unlike fused ranks it means the same in
every corpus, so a floor can stand on it; measured in bench/search/README.md.
"""

import math
import re
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from palabre.retriever import vectors
from palabre.retriever.index import Index
from palabre.retriever.passages import Indexed
from palabre.retriever.wording import asks_nothing, folded, spelled_out, words_in, written

# What a word weighs besides its rarity: in a corpus about bread, "bread" is still a word.
EVERY_WORD = 1.0
# What a word counts that the text has, and neither title nor headings.
MENTIONED = 0.6
# What a word counts that is there in other words, or in other letters.
OTHERWISE = 0.8
# The share of a question of so many words is taken as it is; of a longer one it counts more.
ORDINARY = 4
# Share of a word's letters, four by four, that says nothing yet; shorter words are not spelled.
_BY_CHANCE = 0.4
_SPELLED_FROM = 5
_LETTERS = 4
_BETWEEN = re.compile(r"\W+")
_TTL_S = 60.0
_MAX_TERMS = 100_000
# About 12 kB each; reading a passage costs more than all the rest of a search.
_MAX_READ = 4_000


class Word(NamedTuple):
    """Of a question: its stems in all languages, what documents write for it, and its letters."""

    stems: frozenset[int]
    written: tuple[frozenset[int], ...]
    letters: tuple[str, ...]

    def found_in(self, place: "Place") -> float:
        """0 to 1."""
        if self.stems & place.stems:
            return 1.0
        if any(phrase <= place.stems for phrase in self.written):
            return OTHERWISE
        if not self.letters:
            return 0.0
        share = sum(part in place.letters for part in self.letters) / len(self.letters)
        return OTHERWISE * max(0.0, (share - _BY_CHANCE) / (1 - _BY_CHANCE))


class Place(NamedTuple):
    """Where words are looked for; `letters` are its words, a blank around each."""

    stems: frozenset[int]
    letters: str


class Coverage:
    """Remembers how rare terms are for a minute, and what the passages say that come up.

    Safe to share between tasks.
    """

    def __init__(self, index: Index, clock: Callable[[], float] = time.monotonic) -> None:
        self._index = index
        self._clock = clock
        self._known: dict[tuple[str, frozenset[str], int], float] = {}
        self._read: dict[tuple[str, str], tuple[Place, Place]] = {}
        self._expires = 0.0

    async def judge(
        self,
        space: str,
        question: str,
        languages: Sequence[str],
        tiers: Collection[str],
        candidates: Sequence[Indexed],
    ) -> None:
        """Sets each passage's relevance, as far as these tiers may know. Raises Unavailable."""
        words = words_of(question, languages)
        stems = sorted({stem for word in words for stem in word.stems})
        rarity = await self._rarity(space, frozenset(tiers), stems)
        # A word that two languages would stem is as rare as its more common stem.
        weights = [EVERY_WORD + min(rarity[stem] for stem in word.stems) for word in words]
        all_words = sum(weights) or 1.0
        power = min(1.0, math.sqrt(ORDINARY / max(1, len(words))))
        for candidate in candidates:
            whole, above = self._places(space, candidate)
            covered = sum(
                weight * (MENTIONED * word.found_in(whole) + (1 - MENTIONED) * word.found_in(above))
                for weight, word in zip(weights, words, strict=True)
            )
            candidate.passage.relevance = (covered / all_words) ** power

    def _places(self, space: str, candidate: Indexed) -> tuple[Place, Place]:
        """A passage's id stands for all that it says."""
        key = (space, candidate.passage.id)
        if key not in self._read:
            if len(self._read) >= _MAX_READ:
                self._read.clear()
            self._read[key] = _places(candidate)
        return self._read[key]

    async def _rarity(
        self, space: str, tiers: frozenset[str], stems: Sequence[int]
    ) -> dict[int, float]:
        if self._clock() >= self._expires or len(self._known) > _MAX_TERMS:
            self._known.clear()
            self._expires = self._clock() + _TTL_S
        keys = {stem: (space, tiers, stem) for stem in stems}
        unknown = [stem for stem in stems if keys[stem] not in self._known]
        found = await self._index.rarity(space, unknown, tiers)
        known = {stem: self._known[key] for stem, key in keys.items() if key in self._known}
        known |= zip(unknown, found, strict=True)
        self._known |= {keys[stem]: value for stem, value in known.items()}
        return known


def words_of(question: str, languages: Collection[str]) -> list[Word]:
    """Distinct ones, without those that ask nothing."""
    words = words_in(spelled_out(question, languages))
    phrases: list[list[frozenset[int]]] = [[] for _ in words]
    for first, last, language, found in written(words, languages):
        for alternatives in phrases[first:last]:
            alternatives += (vectors.phrase(phrase, language).stems for phrase in found)
    distinct: dict[frozenset[int], Word] = {}
    for word, alternatives in zip(words, phrases, strict=True):
        stems = [vectors.phrase(word, language).stems for language in languages]
        if all(stems) and not asks_nothing(word, languages):
            either = frozenset().union(*stems)
            distinct.setdefault(either, Word(either, tuple(filter(None, alternatives)), _cut(word)))
    return list(distinct.values())


def _places(indexed: Indexed) -> tuple[Place, Place]:
    """All that a passage says, and what stands above it: all again where that tells nothing."""
    p = indexed.passage
    said = "\n".join((p.title, *p.heading_path, *indexed.keywords))
    above = Place(_stems(indexed, vectors.TITLE, said), _letters(said))
    stems = above.stems | _stems(indexed, vectors.TEXT, p.text)
    whole = Place(stems, above.letters + _letters(p.text))
    # A document without a title has its file's name, such as a scanner gave it.
    named = p.title in ("", PurePosixPath(p.document).stem)
    return whole, whole if named and not p.heading_path and not indexed.keywords else above


def _stems(indexed: Indexed, name: str, text: str) -> frozenset[int]:
    """As the index has them, where the passage comes from one."""
    kept = indexed.terms.get(name)
    return frozenset(vectors.stems_of(text, (indexed.passage.language,)) if kept is None else kept)


def _letters(text: str) -> str:
    return f" {_BETWEEN.sub(' ', folded(text.lower()))} "


def _cut(word: str) -> tuple[str, ...]:
    """Four letters at a time, from the blank before the word to the one after it."""
    if len(word) < _SPELLED_FROM:
        return ()
    ends = f" {word} "
    return tuple(ends[start : start + _LETTERS] for start in range(len(ends) - _LETTERS + 1))
