"""Passages that say the same take one place in an answer, not several."""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from palabre.retriever.likeness import Pairs, pairs, similarity, sketch
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import TWINS

# From here on two passages say the same; measured, see docs/duplicates.md.
SAME = 0.8
# Texts that are this alike share one of so many smallest pairs: 998 times of 1,000.
_KEYS = 4
_MAX_ALSO = 8
_MAX_REMEMBERED = 4_000
# Words of a title that say something; no figures, which tell a version.
_SUBJECT = re.compile(r"[^\W\d_]{4,}")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


class Twins:
    """Remembers the words of the passages that come up. Safe to share between tasks."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], _Said] = {}

    def collapse(
        self, space: str, candidates: Sequence[Indexed], languages: Collection[str]
    ) -> list[Indexed]:
        """One of each group, in the place of its first; it names the others' documents.

        The most relevant one stands for all: its title may say what was asked. Among equals the
        asker's language, then the latest year in a title, then the better place.
        """
        groups: list[list[Indexed]] = []
        by_key: dict[int, list[int]] = {}
        for candidate in candidates:
            keys = self._keys(space, candidate)
            near = sorted({number for key in keys for number in by_key.get(key, ())})
            same = next(
                (n for n in near if self._same(space, groups[n][0], candidate)), len(groups)
            )
            if same == len(groups):
                groups.append([])
                for key in keys:
                    by_key.setdefault(key, []).append(same)
            groups[same].append(candidate)
        return [_standing_for(group, languages) for group in groups]

    def _keys(self, space: str, candidate: Indexed) -> list[int]:
        """The smallest pairs, as the index has them: few passages share one with another."""
        kept = candidate.terms.get(TWINS)
        return (sketch(self._said(space, candidate).pairs) if kept is None else sorted(kept))[
            :_KEYS
        ]

    def _same(self, space: str, one: Indexed, other: Indexed) -> bool:
        return _alike(self._said(space, one), self._said(space, other))

    def _said(self, space: str, candidate: Indexed) -> "_Said":
        """A passage's id stands for all that it says."""
        key = (space, candidate.passage.id)
        if key not in self._known:
            if len(self._known) >= _MAX_REMEMBERED:
                self._known.clear()
            passage = candidate.passage
            above = " ".join((passage.title, *passage.heading_path)).lower()
            subject = frozenset(_SUBJECT.findall(above))
            self._known[key] = _Said(pairs(passage.text), subject)
        return self._known[key]


class _Said(NamedTuple):
    """A text's pairs, and the words that tell what it is about."""

    pairs: Pairs
    subject: frozenset[str]


def _alike(one: _Said, other: _Said) -> bool:
    """The same answer under titles that have nothing in common is about something else."""
    least = min(len(one.subject), len(other.subject))
    about = 2 * len(one.subject & other.subject) >= least
    return about and similarity(one.pairs, other.pairs) >= SAME


def _standing_for(group: Sequence[Indexed], languages: Collection[str]) -> Indexed:
    if len(group) == 1:
        return group[0]
    chosen = max(group, key=lambda each: _worth(each, languages))
    chosen.passage.score = group[0].passage.score
    others = dict.fromkeys(each.passage.document for each in group)
    others.pop(chosen.passage.document)
    chosen.passage.also_in[:] = [*others][:_MAX_ALSO]
    return chosen


def _worth(candidate: Indexed, languages: Collection[str]) -> tuple[float, bool, str]:
    passage = candidate.passage
    asked = passage.language.split("-")[0] in {code.split("-")[0] for code in [*languages][:1]}
    years = _YEAR.findall(f"{passage.document} {passage.title}")
    return passage.relevance, asked, max(years, default="")
