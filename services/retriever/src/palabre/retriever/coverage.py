"""How much of a question a passage covers: the share of its words' weight, by stems, 0 to 1.

Unlike fused ranks it means the same in every corpus, so a floor can stand on it.
"""

import re
import time
from collections.abc import Callable, Collection, Sequence

from palabre.retriever import vectors
from palabre.retriever.index import Index
from palabre.retriever.passages import Indexed

_WORD = re.compile(r"\w+")
# Words of asking and of courtesy: rare in documents that state, and no part of what is asked.
_ASKING = frozenset(
    _WORD.findall("""
    ai aimerais as avez avoir besoin bonjour ca cela chez combien comment dire dois doit doivent
    donc est etre faire fais fait fallait faudra faut hello lorsque merci moi ou peut peuvent peux
    plait plus possible pourquoi pourrais pouvez pouvons puis quand que quel quelle quelles quels
    qui quoi salut savoir sert si suis svp va vais veux voudrais vous
    can could do does how hi much need please should tell thanks want what when where which who
    why would
    """)
)
# What a word weighs besides its rarity: in a corpus about bread, "bread" is still a word.
EVERY_WORD = 1.0
_TTL_S = 60.0
_MAX_TERMS = 100_000
# About 8 kB each; stemming a passage costs more than all the rest of a search.
_MAX_STEMMED = 4_000


class Coverage:
    """Remembers how rare terms are for a minute, and the stems of the passages that come up.

    Safe to share between tasks.
    """

    def __init__(self, index: Index, clock: Callable[[], float] = time.monotonic) -> None:
        self._index = index
        self._clock = clock
        self._known: dict[tuple[str, int], float] = {}
        self._stemmed: dict[tuple[str, str], frozenset[int]] = {}
        self._expires = 0.0

    async def judge(
        self, space: str, question: str, languages: Sequence[str], candidates: Sequence[Indexed]
    ) -> None:
        """Sets each passage's relevance. Raises Unavailable."""
        words = words_of(question, languages)
        rarity = await self._rarity(space, sorted({stem for word in words for stem in word}))
        # A word that two languages would stem is as rare as its more common stem.
        weights = [EVERY_WORD + min(rarity[stem] for stem in word) for word in words]
        for candidate in candidates:
            stems = self._stems(space, candidate)
            covered = sum(w for w, word in zip(weights, words, strict=True) if word & stems)
            candidate.passage.relevance = covered / (sum(weights) or 1.0)

    def _stems(self, space: str, candidate: Indexed) -> frozenset[int]:
        """A passage's id stands for all that it says."""
        key = (space, candidate.passage.id)
        if key not in self._stemmed:
            if len(self._stemmed) >= _MAX_STEMMED:
                self._stemmed.clear()
            self._stemmed[key] = _stems(candidate)
        return self._stemmed[key]

    async def _rarity(self, space: str, stems: Sequence[int]) -> dict[int, float]:
        if self._clock() >= self._expires or len(self._known) > _MAX_TERMS:
            self._known.clear()
            self._expires = self._clock() + _TTL_S
        known = {stem: self._known[space, stem] for stem in stems if (space, stem) in self._known}
        unknown = [stem for stem in stems if stem not in known]
        found = dict(zip(unknown, await self._index.rarity(space, unknown), strict=True))
        self._known.update({(space, stem): value for stem, value in found.items()})
        return known | found


def words_of(question: str, languages: Collection[str]) -> list[frozenset[int]]:
    """The stems of each distinct word, in any of the languages; without words that ask nothing."""
    words = []
    for word in dict.fromkeys(_WORD.findall(vectors.folded(question.lower()))):
        stems = [vectors.stems_of(word, (language,)) for language in languages]
        if word not in _ASKING and all(stems):
            words.append(frozenset(stem for some in stems for stem in some))
    return list(dict.fromkeys(words))


def _stems(indexed: Indexed) -> frozenset[int]:
    p = indexed.passage
    text = "\n".join((p.title, *p.heading_path, *indexed.keywords, p.text))
    return frozenset(vectors.stems_of(text, (p.language,)))
