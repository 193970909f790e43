"""What the retriever asks of an index of passages, and the index of its engine."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from palabre.chassis.errors import Unavailable
from palabre.retriever.index.generation import Generation, State
from palabre.retriever.index.ranking import Ranked
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import Sparse

# What a passage that nobody may find yet has for a tier.
HIDDEN = ""
# The field of dense vectors, after the sparse ones.
DENSE = "dense"

Vector = Sequence[float]


class Sketch(NamedTuple):
    """A passage's id and the terms of its field `twins`, ordered."""

    id: str
    terms: list[int]


class Meaning(NamedTuple):
    """A dense vector per text; false when there are none. Only one embedder's compare."""

    embedder: str = ""
    vectors: Sequence[Vector] = ()

    def __bool__(self) -> bool:
        return bool(self.vectors)


NO_MEANING = Meaning()


class Gone(Unavailable):
    """The generation was dropped: another one serves."""


class Index(Protocol):
    """Passages by space, as a search sees them. An unknown space is empty.

    Every method may raise chassis' Unavailable.
    """

    async def meaning(self, space: str, questions: Sequence[str]) -> Meaning:
        """Dense vectors of questions as the space needs them; none when it has none, or when they
        cannot be made in time."""
        ...

    async def rank(
        self,
        space: str,
        questions: Sequence[Mapping[str, Sparse]],
        tiers: Collection[str],
        limit: int,
        meaning: Meaning = NO_MEANING,
        folder: str = "",
    ) -> list[list[Ranked]]:
        """Passages, best first: a ranking per question and sparse field, in this order; with
        `meaning`, which has a vector per question, one more after those of each question.

        Only passages that were shown, whose tier is among these, and whose document is below
        `folder`; filtered inside the query. A ranking may be shorter than `limit` where it would
        end among equals.
        """
        ...

    async def fetch(self, space: str, ids: Sequence[str]) -> dict[str, Indexed]:
        """Those that exist, hidden ones too."""
        ...

    async def rarity(self, space: str, terms: Sequence[int], tiers: Collection[str]) -> list[float]:
        """Inverse document frequency of terms of the field `text`, as the ranking has it.

        A term that only other tiers' passages have is as rare as one that none has: what weighs
        less than a word never heard of would tell that it is written somewhere.
        """
        ...

    async def ids(self, space: str, document: str) -> set[str]:
        """Of the document's passages, hidden ones too."""
        ...

    async def count(self, space: str) -> int:
        """All passages, hidden ones too."""
        ...

    def sketches(self, space: str, tiers: Collection[str]) -> AsyncIterator[list[Sketch]]:
        """Of all passages that these tiers may read, page by page, in no order that means anything.

        What changes meanwhile may be missed or come in both states.
        """
        ...

    async def close(self) -> None: ...


class Collections(Protocol):
    """An engine's collections: one per generation, and for each space a pointer to one of them.

    Every method may raise Unavailable, and all but the first three Gone.
    """

    async def states(self, space: str | None = None) -> dict[str, State]:
        """What there is, of one space or of all; as it is now, not as it was remembered."""
        ...

    async def create(self, generation: Generation) -> None:
        """Nothing happens when it exists."""
        ...

    async def serve(self, generation: Generation) -> None:
        """From now on this is the space's; searches go on in the old one or the new, never none."""
        ...

    async def drop(self, generation: Generation) -> None:
        """Forgets it, and the space's pointer if it led there."""
        ...

    async def rank(
        self,
        generation: Generation,
        questions: Sequence[Mapping[str, Sparse | Vector]],
        tiers: Collection[str],
        limit: int,
        folder: str = "",
    ) -> list[list[Ranked]]:
        """A ranking per question and field that it has; empty for fields unknown here."""
        ...

    async def fetch(self, generation: Generation, ids: Sequence[str]) -> dict[str, Indexed]: ...

    async def rarity(
        self, generation: Generation, terms: Sequence[int], tiers: Collection[str]
    ) -> list[float]: ...

    async def ids(self, generation: Generation, document: str) -> set[str]: ...

    async def count(self, generation: Generation) -> int: ...

    async def sketches(
        self, generation: Generation, tiers: Collection[str], offset: Any = None
    ) -> tuple[list[Sketch], Any]:
        """A page, and where the next one begins; None after the last."""
        ...

    async def shown(self, generation: Generation, document: str, version: str, tier: str) -> int:
        """How many of a document's passages are shown in this version, to this tier."""
        ...

    async def add(
        self, generation: Generation, passages: Sequence[Indexed], vectors: Sequence[Vector]
    ) -> None:
        """Writes them hidden. An id that exists is overwritten. `vectors`: one each, or none."""
        ...

    async def switch(
        self,
        generation: Generation,
        shown: Sequence[str],
        tier: str,
        version: str,
        removed: Sequence[str],
    ) -> None:
        """Shows some passages and deletes others; no search sees a state in between.

        On a server the step is two operations of one request: a search may see both for a moment,
        never neither.
        """
        ...

    async def close(self) -> None: ...
