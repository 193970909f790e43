"""What the retriever asks of an index of passages."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from palabre.retriever.index.ranking import Ranked
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import Sparse

# What a passage that nobody may find yet has for a tier.
HIDDEN = ""


class Index(Protocol):
    """Passages by space. A space need not be made; an unknown one is empty.

    Every method may raise chassis' Unavailable.
    """

    async def rank(
        self,
        space: str,
        questions: Sequence[Mapping[str, Sparse]],
        tiers: Collection[str],
        limit: int,
    ) -> list[list[Ranked]]:
        """Passages, best first: a ranking per question and field, in this order.

        Only passages that were shown and whose tier is among these; filtered inside the query. A
        ranking may be shorter than `limit` where it would end among equals.
        """
        ...

    async def fetch(self, space: str, ids: Sequence[str]) -> dict[str, Indexed]:
        """Those that exist, hidden ones too."""
        ...

    async def rarity(self, space: str, terms: Sequence[int]) -> list[float]:
        """Inverse document frequency of terms of the field `text`, as the ranking has it."""
        ...

    async def ids(self, space: str, document: str) -> set[str]:
        """Of the document's passages, hidden ones too."""
        ...

    async def count(self, space: str) -> int:
        """All passages, hidden ones too."""
        ...

    async def add(self, space: str, passages: Sequence[Indexed]) -> None:
        """Writes them hidden. An id that exists is overwritten."""
        ...

    async def switch(
        self, space: str, shown: Sequence[str], tier: str, version: str, removed: Sequence[str]
    ) -> None:
        """Shows some passages and deletes others; no search sees a state in between.

        On a server the step is two operations of one request: a search may see both for a moment,
        never neither.
        """
        ...

    async def drop(self, space: str) -> None:
        """Forgets the space."""
        ...

    async def close(self) -> None: ...
