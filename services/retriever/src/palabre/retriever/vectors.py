"""Sparse vectors, computed here for every index: stems of the text, stems of the title, letters.

Weights are those of BM25; the inverse document frequency is the index's part.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple

from qdrant_edge import Bm25, Bm25Config, DisabledStemmer, StopwordsSet

from palabre.retriever import likeness
from palabre.retriever.passages import Indexed
from palabre.retriever.wording import folded, spelled_out, words_in, written

FIELDS = TEXT, TITLE, LETTERS = ("text", "title", "letters")
# Also kept of a passage, and not ranked: by it others are found that say the same.
TWINS = "twins"
STORED = (*FIELDS, TWINS)

# Average lengths, without stop words, of passages as passages.py cuts them.
_TEXT_WORDS = 70.0
_TITLE_WORDS = 12.0
_LETTER_GRAMS = 560.0
_K, _B = 1.2, 0.75  # Bm25Config's own
# Four letters found as much as three to five together, with a third of the terms.
_GRAM = 4
_WORD = re.compile(r"\w+")
_MAX_CACHED_WORDS = 200_000
_MAX_CACHED_PHRASES = 20_000
# What documents write for a word counts, beside the asker's own words; see bench/search/README.md.
WRITTEN = 0.7
# ISO 639-1, for which Qdrant has a stemmer and stop words.
_STEMMERS = {
    "da": "danish",
    "de": "german",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}


class Sparse(NamedTuple):
    """Terms are 32-bit hashes, each once."""

    terms: Sequence[int]
    weights: Sequence[float]


class Said(NamedTuple):
    """All that a passage's vectors are computed from."""

    language: str
    title: str
    headings: Sequence[str]
    keywords: Sequence[str]
    text: str


def said_by(indexed: Indexed) -> Said:
    p = indexed.passage
    return Said(p.language, p.title, list(p.heading_path), indexed.keywords, p.text)


def of_passage(indexed: Indexed) -> Mapping[str, Sparse]:
    """One vector a field: those that it came with, or computed now."""
    return indexed.vectors or of_said(said_by(indexed))


def of_said(said: Said) -> dict[str, Sparse]:
    """One vector a field. About 0.2 ms of CPU."""
    title = "\n".join((said.title, *said.headings, *said.keywords))
    text = f"{said.title}\n{' '.join(said.headings)}\n{said.text}"
    # What another passage shares of the sketch tells how alike they are.
    twins = likeness.sketch(likeness.pairs(said.text))
    return {
        TEXT: _sparse(_stemmer(said.language, _TEXT_WORDS).embed_document(_plain(text))),
        TITLE: _sparse(_stemmer(said.language, _TITLE_WORDS).embed_document(_plain(title))),
        LETTERS: _letters(text),
        TWINS: Sparse(twins, [1.0] * len(twins)),
    }


def of_question(question: str, languages: Sequence[str]) -> dict[str, Sparse]:
    """The stems of all these languages: passages of each are then found in one query.

    What documents write for everyday words is searched for with them, and weighs less.
    """
    spelled = spelled_out(question, languages)
    stems = dict.fromkeys(stems_of(spelled, languages), 1.0)
    grams = dict.fromkeys(chain.from_iterable(map(_grams, _words(spelled))), 1.0)
    for _, _, language, phrases in written(words_in(spelled), languages):
        for found in (phrase(each, language) for each in phrases):
            stems = dict.fromkeys(found.stems, WRITTEN) | stems
            grams = dict.fromkeys(found.grams, WRITTEN) | grams
    words = Sparse(list(stems), list(stems.values()))
    return {TEXT: words, TITLE: words, LETTERS: Sparse(list(grams), list(grams.values()))}


class Phrase(NamedTuple):
    """A word or a few."""

    stems: frozenset[int]
    grams: frozenset[int]


@lru_cache(_MAX_CACHED_PHRASES)
def phrase(text: str, language: str) -> Phrase:
    """Terms of the fields `text` and `letters`; no stems where it is all stop words."""
    grams = frozenset(chain.from_iterable(map(_grams, _words(text))))
    return Phrase(frozenset(stems_of(text, (language,))), grams)


def stems_of(text: str, languages: Iterable[str]) -> dict[int, None]:
    """Distinct terms of the field `text`, in no order that means anything."""
    plain = _plain(text)
    embedded = (_stemmer(code, _TEXT_WORDS).embed_query(plain).indices for code in languages)
    return dict.fromkeys(chain.from_iterable(embedded))


def _letters(text: str) -> Sparse:
    counts = Counter(chain.from_iterable(map(_grams, _words(text))))
    norm = _K * (1 - _B + _B * counts.total() / _LETTER_GRAMS)
    weights = {n: n * (_K + 1) / (n + norm) for n in set(counts.values())}
    return Sparse(list(counts), list(map(weights.__getitem__, counts.values())))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


class _Grams(dict[str, tuple[int, ...]]):
    """Word to terms: a language uses few words, and cutting them is most of the work."""

    def __missing__(self, word: str) -> tuple[int, ...]:
        if len(self) >= _MAX_CACHED_WORDS:
            self.clear()
        ends = f" {folded(word)} ".encode("utf-32-le")
        cuts = range(0, max(4, len(ends) - 4 * (_GRAM - 1)), 4)
        self[word] = grams = tuple(zlib.crc32(ends[i : i + 4 * _GRAM]) for i in cuts)
        return grams


_grams = _Grams().__getitem__


def _plain(text: str) -> str:
    """With the one apostrophe that the tokenizer knows to part elisions (l', qu')."""
    return text.replace("’", "'").replace("ʼ", "'")


def _sparse(vector: object) -> Sparse:
    return Sparse(vector.indices, vector.values)  # type: ignore[attr-defined]


@cache
def _stemmer(language: str, average: float) -> Bm25:
    """Languages without a stemmer of their own are split into words, no more."""
    if name := _STEMMERS.get(language.split("-")[0].lower()):
        return Bm25(Bm25Config(language=name, ascii_folding=True, avg_len=average))
    bare = Bm25Config(
        stemmer=DisabledStemmer(), stopwords=StopwordsSet(), ascii_folding=True, avg_len=average
    )
    return Bm25(bare)
