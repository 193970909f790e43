"""Which passages of a space say the same, for those who keep its documents.

Each passage's sketch is a sparse field of the index, so that what is like one passage is a query,
and the whole of a space is read through without its texts.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched

import numpy as np
from numpy.typing import NDArray

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1.retriever_pb2 import DocumentEntry
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.index import Index
from palabre.retriever.likeness import SKETCH, estimate, pairs, similarity, sketch
from palabre.retriever.passages import Indexed
from palabre.retriever.twins import SAME
from palabre.retriever.vectors import TWINS, Sparse

# How alike what is listed is: less than what shares a place, since a person looks at it.
LISTED = 0.7
# Texts that are half alike share one of so many smallest pairs 996 times of 1,000.
_KEYS = 8
# An estimate is this far from the similarity 999 times of 1,000.
_ERROR = 0.3
# What stands for a pair that a short text does not have.
_NONE = np.uint32(0xFFFFFFFF)
# A boilerplate's pair may begin many groups: so many are compared.
_MAX_NEAR = 64
_MAX_SHOWN = 20
# Look-ups a query, and those that a remark looks at: 0.1 ms each, that all who bring wait for.
_BATCH, _MAX_ASKED, _NEAREST = 64, 2_000, 4
# A few of the pairs are enough to put what says the same first.
_ASKED = 4


@dataclass(frozen=True, slots=True)
class Group:
    """Ordered by document; `total` also counts those that are not shown."""

    passages: list[Passage]
    similarity: float
    total: int


class Duplicates:
    """Safe to share between tasks."""

    def __init__(self, index: Index) -> None:
        self._index = index
        # Whoever asks while a list is made waits: it takes seconds where there is much.
        self._listing = asyncio.Semaphore(1)

    async def groups(
        self, space: str, tiers: Collection[str], threshold: float = LISTED, limit: int = 100
    ) -> tuple[list[Group], int]:
        """Largest first, and how many there are, among what these tiers may read.

        What is shown is verified by its text, what is only counted is an estimate. About 200 bytes
        a passage while it runs. Raises Unavailable.
        """
        ids: list[str] = []
        rows: list[NDArray[np.uint32]] = []
        async with self._listing:
            async for page in self._index.sketches(space, tiers):
                ids += [identity for identity, _ in page]
                rows.append(_rows([sketch for _, sketch in page]))
            if not rows:
                return [], 0
            found = await asyncio.to_thread(_grouped, ids, np.vstack(rows), threshold)
        found.sort(key=lambda group: (-len(group), group))
        shown: list[Group] = []
        mistaken = 0
        for group in found:
            if len(shown) == limit:
                break
            verified = await self._verified(space, tiers, group, threshold)
            shown += [verified] if verified else []
            mistaken += not verified
        return shown, len(found) - mistaken

    async def remarks(
        self,
        space: str,
        tiers: Collection[str],
        entry: DocumentEntry,
        passages: Sequence[Indexed],
    ) -> list[str]:
        """What whoever brings a document should know, of others that these tiers may read.

        True of this moment only: the others may change, go, or become another tier's. Nothing is
        said where the index is away.
        """
        same: Counter[str] = Counter()
        try:
            for batch in batched(passages[:_MAX_ASKED], _BATCH):
                for others in await self._alike(space, tiers, entry, batch):
                    same.update(others)
        except Unavailable:
            return []
        return [
            f"{count} passage{'s say' if count > 1 else ' says'} the same as {other}"
            for other, count in sorted(same.items(), key=lambda each: (-each[1], each[0]))[:5]
        ]

    async def _alike(
        self,
        space: str,
        tiers: Collection[str],
        entry: DocumentEntry,
        batch: Sequence[Indexed],
    ) -> list[set[str]]:
        """For each passage the other documents that say the same."""
        sketches = [_sketch_of(each)[:_ASKED] for each in batch]
        asked = [{TWINS: Sparse(each, [1.0] * len(each))} for each in sketches]
        rankings = await self._index.rank(space, asked, tiers, _NEAREST)
        written = {each.passage.id for each in batch}
        near = [[r.id for r in ranking if r.id not in written] for ranking in rankings]
        # Where the nearest says something else, so do the others: few passages are read.
        nearest = await self._same(space, batch, [each[:1] for each in near])
        others = [each[1:] if first else [] for each, first in zip(near, nearest, strict=True)]
        further = await self._same(space, batch, others)
        return [
            {document for document in one + two if document != entry.document}
            for one, two in zip(nearest, further, strict=True)
        ]

    async def _same(
        self, space: str, own: Sequence[Indexed], near: Sequence[Sequence[str]]
    ) -> list[list[str]]:
        """The documents of those that say the same as each of `own`."""
        wanted = sorted({identity for each in near for identity in each})
        if not wanted:
            return [[] for _ in own]
        return _same_documents(own, near, await self._index.fetch(space, wanted))

    async def _verified(
        self, space: str, tiers: Collection[str], group: list[str], threshold: float
    ) -> Group | None:
        """By their texts, as they are now: some may have gone, or be another tier's, since."""
        records = await self._index.fetch(space, group[:_MAX_SHOWN])
        passages = [each.passage for each in records.values() if each.passage.tier in tiers]
        passages.sort(key=lambda passage: (passage.document, passage.id))
        likenesses = [similarity(pairs(passages[0].text), pairs(p.text)) for p in passages]
        alike = [
            (passage, likeness)
            for passage, likeness in zip(passages, likenesses, strict=True)
            if likeness >= threshold
        ]
        if len(alike) < 2:
            return None
        others = len(group) - min(len(group), _MAX_SHOWN)
        return Group([p for p, _ in alike], min(like for _, like in alike), len(alike) + others)


def _same_documents(
    own: Sequence[Indexed], near: Sequence[Sequence[str]], records: Mapping[str, Indexed]
) -> list[list[str]]:
    return [
        [
            records[identity].passage.document
            for identity in ids
            if identity in records and _says(one, records[identity])
        ]
        for one, ids in zip(own, near, strict=True)
    ]


def _says(one: Indexed, other: Indexed) -> bool:
    """By their sketches, then by their texts: most are told apart by the first."""
    if estimate(_sketch_of(one), _sketch_of(other)) < SAME - _ERROR:
        return False
    return similarity(pairs(one.passage.text), pairs(other.passage.text)) >= SAME


def _sketch_of(indexed: Indexed) -> Sequence[int]:
    """As it was kept, or computed as it was when the passage was written: without a thread."""
    return indexed.terms.get(TWINS) or sketch(pairs(indexed.passage.text))


def _rows(sketches: Sequence[Sequence[int]]) -> NDArray[np.uint32]:
    """As wide as a sketch may be; the smallest pairs first."""
    rows = np.full((len(sketches), SKETCH), _NONE, np.uint32)
    for row, each in zip(rows, sketches, strict=True):
        row[: len(each)] = sorted(each)
    return rows


@dataclass(slots=True)
class _Groups:
    """Each begins with its first passage, which all others are compared with."""

    rows: NDArray[np.uint32]
    members: list[list[int]] = field(default_factory=list)
    by_key: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, number: int, threshold: float) -> None:
        own = _sketch(self.rows[number])
        near = sorted({group for key in own[:_KEYS] for group in self.by_key[key]})
        for group in near:
            if estimate(own, _sketch(self.rows[self.members[group][0]])) >= threshold:
                self.members[group].append(number)
                return
        for key in own[:_KEYS]:
            if len(self.by_key[key]) < _MAX_NEAR:
                self.by_key[key].append(len(self.members))
        self.members.append([number])


def _grouped(ids: Sequence[str], rows: NDArray[np.uint32], threshold: float) -> list[list[str]]:
    """Blocking. Only passages that share a key with another are looked at one by one."""
    groups = _Groups(rows)
    for number in sorted(_suspects(rows), key=lambda number: ids[number]):
        groups.add(number, threshold)
    return [[ids[number] for number in group] for group in groups.members if len(group) > 1]


def _suspects(rows: NDArray[np.uint32]) -> Iterator[int]:
    keys = rows[:, :_KEYS]
    values, counts = np.unique(keys, return_counts=True)
    shared = values[(counts > 1) & (values != _NONE)]
    return map(int, np.flatnonzero(np.isin(keys, shared).any(axis=1)))


def _sketch(row: NDArray[np.uint32]) -> list[int]:
    found: list[int] = row[row != _NONE].tolist()
    return found
