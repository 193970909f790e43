"""What the retriever asks of models: vectors, judgements of passages, the words on a page."""

from collections.abc import Sequence
from typing import Protocol


class EngineMissing(RuntimeError):
    """What the settings ask for is not there. The message says what to do; nothing starts."""


class Window(Protocol):
    """How much of a passage a model reads. Safe to share between threads; blocking."""

    @property
    def longest(self) -> int:
        """Tokens, with all that the engine adds to a passage; 0 where nobody knows."""
        ...

    def tokens(self, text: str) -> int:
        """Of a passage, with all that the engine adds, as if nothing were too long.

        Where the model's tokenizer is not here: an estimate, rather too many than too few.
        """
        ...


class Embedder(Window, Protocol):
    """Texts become vectors of length 1. Safe to share between tasks. May raise Unavailable."""

    @property
    def name(self) -> str:
        """Tells apart all that gives other vectors: the model and whatever shapes its output."""
        ...

    @property
    def size(self) -> int:
        """Dimensions of a vector."""
        ...

    async def passages(self, texts: Sequence[str]) -> list[list[float]]:
        """A vector a text, in this order; what is too long for the model is cut by it."""
        ...

    async def questions(self, texts: Sequence[str]) -> list[list[float]]:
        """As `passages`, for models that ask for another prefix before a question."""
        ...

    async def close(self) -> None: ...


class Reranker(Protocol):
    """Reads a question and a passage together. Safe to share. May raise Unavailable."""

    @property
    def name(self) -> str: ...

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers, 0 to 1, in this order; all of them in one call."""
        ...

    async def close(self) -> None: ...


class Unreadable(Exception):
    """This page, as the model has it; the others may be read. The message says why."""


class Ocr(Protocol):
    """Reads pictures of pages. Safe to share between tasks."""

    @property
    def name(self) -> str: ...

    async def read(self, picture: bytes) -> str:
        """The words of a PNG or JPEG as Markdown; empty for a page without any.

        Raises Unreadable for this page alone, and Unavailable. Waits as long as a busy server asks.
        """
        ...

    async def close(self) -> None: ...
