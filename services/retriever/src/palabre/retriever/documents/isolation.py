"""Documents are read without harm to whoever asks: rich formats in a child process with limits."""

import asyncio
from collections.abc import Mapping
from typing import Protocol

import structlog

from palabre.chassis.confined import IDLE_S, Confined, Overran
from palabre.chassis.confinement import Confinement
from palabre.retriever.documents import child
from palabre.retriever.documents.formats import convert, is_isolated, render
from palabre.retriever.documents.stored import from_json
from palabre.retriever.documents.structure import Document
from palabre.retriever.errors import InvalidDocument

log = structlog.get_logger()

_DEFAULT = Confinement()


class Reading(Protocol):
    """Never blocks the event loop."""

    async def read(
        self,
        name: str,
        data: bytes,
        media_type: str = "",
        front_matter: str = "",
        language: str = "",
    ) -> Document:
        """As `convert`: pages without text are `unread`. Raises InvalidDocument and Unavailable."""
        ...

    async def render(self, name: str, data: bytes, page: int) -> bytes:
        """A page of a PDF or a picture, from 1, as PNG or JPEG. Raises as `read` does."""
        ...

    async def close(self) -> None: ...


class InProcess:
    """For files that one trusts: reads in a thread, without limits."""

    async def read(
        self,
        name: str,
        data: bytes,
        media_type: str = "",
        front_matter: str = "",
        language: str = "",
    ) -> Document:
        return await asyncio.to_thread(convert, name, data, media_type, front_matter, language)

    async def render(self, name: str, data: bytes, page: int) -> bytes:
        return await asyncio.to_thread(render, name, data, page)

    async def close(self) -> None:
        return


class Isolated:
    """A document that overruns a limit is refused; light formats are read in a thread."""

    def __init__(
        self, limits: Confinement = _DEFAULT, at_once: int = 2, idle_s: float = IDLE_S
    ) -> None:
        self._confined = Confined(child.__name__, limits, at_once, idle_s)

    @property
    def pids(self) -> list[int]:
        """Of the children that wait for a document."""
        return self._confined.pids

    async def read(
        self,
        name: str,
        data: bytes,
        media_type: str = "",
        front_matter: str = "",
        language: str = "",
    ) -> Document:
        if not is_isolated(name, data, media_type):
            return await asyncio.to_thread(convert, name, data, media_type, front_matter, language)
        asked = {
            "does": "read",
            "media_type": media_type,
            "front_matter": front_matter,
            "language": language,
        }
        content = await self._asked(name, data, asked)
        try:
            return await asyncio.to_thread(from_json, content)
        except ValueError as error:
            raise _overrun(name, "crash", self._confined.limits) from error

    async def render(self, name: str, data: bytes, page: int) -> bytes:
        return await self._asked(name, data, {"does": "render", "page": page})

    async def close(self) -> None:
        await self._confined.close()

    async def _asked(self, name: str, data: bytes, asked: Mapping[str, object]) -> bytes:
        """Raises InvalidDocument and Unavailable."""
        try:
            header, body = await self._confined.ask({"name": name, **asked}, data)
        except Overran as error:
            log.warning("a document overran its reader", reason=error.what, size=len(data))
            raise _overrun(name, error.what, self._confined.limits) from error
        if "refused" in header:
            raise InvalidDocument(*header["refused"])
        return body


def _overrun(name: str, what: str, limits: Confinement) -> InvalidDocument:
    reason, remedy = {
        "memory": (
            f"needs more than {limits.memory >> 20} MiB of memory to read",
            "split it, or raise PALABRE_READING_MEMORY_MIB",
        ),
        "time": (
            f"takes more than {limits.seconds} seconds to read",
            "split it, or raise PALABRE_READING_SECONDS",
        ),
        "cpu": (
            f"takes more than {limits.seconds} seconds to read",
            "split it, or raise PALABRE_READING_SECONDS",
        ),
        "output": (f"holds more than {limits.output >> 20} MiB of text", "split it"),
    }.get(what, ("is damaged: its reader gave up", "save it anew in its program, or as PDF"))
    return InvalidDocument(name, reason, remedy)
