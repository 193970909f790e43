"""Rankings that do not depend on the order in which an engine happens to keep equals."""

from collections.abc import Iterable
from typing import NamedTuple

# Digits of a score that mean something: 32-bit sums differ in the last ones.
_DIGITS = 4


class Ranked(NamedTuple):
    """A passage's id and rank, from 1; passages with the same score share the first one's rank."""

    id: str
    rank: int


def ranking(scored: Iterable[tuple[str, float]], limit: int) -> list[Ranked]:
    """Best first, equals by id. `scored` are the best `limit` of an engine.

    When these are cut off within a group of equals, it is left out: which of them were lucky would
    be chance. A single group stays.
    """
    best = sorted((-round(score, _DIGITS), identity) for identity, score in scored)
    ranked: list[Ranked] = []
    first = 0
    for place, (score, identity) in enumerate(best):
        if score != best[first][0]:
            first = place
        ranked.append(Ranked(identity, first + 1))
    cut_off = len(best) >= limit > 1 and first > 0
    return ranked[:first] if cut_off else ranked
