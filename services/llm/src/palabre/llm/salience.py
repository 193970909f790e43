"""Which sentences of a thread say most: a summary without a model.

SumBasic (Nenkova, Vanderwende 2005): a sentence is worth the mean probability of its stems, and
what has been said is worth less from then on (its probability is squared). Probabilities are of
messages, not of words, so that nobody outweighs the others by repeating themselves.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from palabre.llm.courtesies import courtesy
from palabre.llm.quoting import speaks_to_a_machine
from palabre.llm.sentences import sentences
from palabre.llm.untrusted import data
from palabre.llm.words import SAME, alike, stems

FEWEST = 3  # stems of a sentence that says something
FULL = 7  # stems from which a sentence loses nothing for being short
ASKED = 0.7  # of a question's worth: what is asked is seldom the point
FOCUS = 3.0  # what a sentence gains that has all that the reader wants to know


@dataclass(frozen=True, slots=True)
class Point:
    """`sources` are places of messages, ascending."""

    text: str
    sources: tuple[int, ...]
    theme: str = ""


@dataclass(slots=True)
class _Candidate:
    point: Point
    stems: frozenset[str]
    factor: float


def said(texts: Iterable[tuple[int, str]]) -> list[Point]:
    """The sentences of messages (place and text) that a reader may be shown."""
    return [
        Point(sentence.text, (place,))
        for place, text in texts
        for sentence in sentences(data(text))
        if not speaks_to_a_machine(sentence.text) and not courtesy(sentence.text)
    ]


def choose(points: Sequence[Point], most: int, focus: str = "") -> list[Point]:
    """The ones that say most, in the order of the thread; those that say the same become one."""
    wanted = frozenset(stems(focus))
    left = [c for point in points if len((c := _candidate(point, wanted)).stems) >= FEWEST]
    worth = _probabilities(left)
    chosen: list[Point] = []
    while left and len(chosen) < most:
        best = max(left, key=lambda c: _score(c, worth))
        same = [c for c in left if alike(c.stems, best.stems)]
        sources = sorted({place for c in same for place in c.point.sources})
        first = next(c for c in same if len(c.stems) >= SAME * len(best.stems))
        chosen.append(replace(first.point, sources=tuple(sources)))
        left = [c for c in left if not alike(c.stems, best.stems)]
        worth.update({stem: worth[stem] ** 2 for stem in best.stems})
    return sorted(chosen, key=lambda point: point.sources)


def _candidate(point: Point, wanted: frozenset[str]) -> _Candidate:
    found = frozenset(stems(point.text))
    factor = min(1.0, len(found) / FULL) * (ASKED if point.text.endswith("?") else 1.0)
    covered = len(found & wanted) / len(wanted) if wanted else 0.0
    return _Candidate(point, found, factor * (1 + FOCUS * covered))


def _probabilities(candidates: Sequence[_Candidate]) -> dict[str, float]:
    places: dict[int, set[str]] = {}
    for candidate in candidates:
        places.setdefault(candidate.point.sources[0], set()).update(candidate.stems)
    seen = Counter(stem for found in places.values() for stem in found)
    return {stem: count / len(places) for stem, count in seen.items()}


def _score(candidate: _Candidate, worth: dict[str, float]) -> float:
    mean = math.fsum(worth[stem] for stem in candidate.stems) / len(candidate.stems)
    return mean * candidate.factor
