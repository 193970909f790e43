"""Engines without a model: what shares words is near. Deterministic, for tests and trials."""

import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence

from palabre.retriever.settings import RetrieverSettings

_WORD = re.compile(r"\w+")
_SIZE = 256


class HashedWords:
    """A bag of words whose dimensions are hashes (Weinberger et al. 2009)."""

    def __init__(self, size: int = _SIZE, longest: int = 0) -> None:
        """`longest` in words; it reads more, but stands in for what does not."""
        self.size, self.longest = size, longest
        self.name = f"words-{size}"

    async def passages(self, texts: Sequence[str]) -> list[list[float]]:
        return [self._vector(text) for text in texts]

    async def questions(self, texts: Sequence[str]) -> list[list[float]]:
        return await self.passages(texts)

    def tokens(self, text: str) -> int:
        return len(_WORD.findall(text))

    async def close(self) -> None:
        """Nothing is held."""

    def _vector(self, text: str) -> list[float]:
        """A text without a word is a vector of its own: none has length 0."""
        vector = [0.0] * self.size
        for word, count in Counter(_WORD.findall(text.lower()) or [""]).items():
            vector[zlib.crc32(word.encode()) % self.size] += count
        length = math.hypot(*vector)
        return [value / length for value in vector]


class SharedWords:
    """The share of the question's words that a text has."""

    name = "words"

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        asked = set(_WORD.findall(question.lower()))
        shared = (asked & set(_WORD.findall(text.lower())) for text in texts)
        return [len(words) / max(1, len(asked)) for words in shared]

    async def close(self) -> None:
        """Nothing is held."""


def embedder(settings: RetrieverSettings) -> HashedWords:
    return HashedWords(settings.embedding_dimensions or _SIZE, settings.embedding_tokens or 0)


def reranker(settings: RetrieverSettings) -> SharedWords:
    return SharedWords()
