"""Documents are read without harm to whoever asks: rich formats in a child process with limits."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

import structlog

from palabre.chassis.errors import Unavailable
from palabre.retriever.documents.child import FRAME, Confinement, arguments, frame
from palabre.retriever.documents.formats import convert, is_isolated, render
from palabre.retriever.documents.stored import from_json
from palabre.retriever.documents.structure import Document
from palabre.retriever.errors import InvalidDocument

log = structlog.get_logger()

# The child keeps the time itself; this is for one that no longer does.
_GRACE_S = 5.0
IDLE_S = 600.0
_DEFAULT = Confinement()
# Nothing of our own environment, which holds keys.
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}


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
    """A few children at most, started when they are needed and kept for `idle_s` after that.

    A document that overruns a limit ends the child that read it and is refused; the next one is
    read as if nothing had happened. Light formats are read in a thread.
    """

    def __init__(
        self, limits: Confinement = _DEFAULT, at_once: int = 2, idle_s: float = IDLE_S
    ) -> None:
        self._limits, self._idle_s = limits, idle_s
        self._slots = asyncio.Semaphore(at_once)
        self._idle: list[_Child] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._rest: asyncio.TimerHandle | None = None

    @property
    def pids(self) -> list[int]:
        """Of the children that wait for a document."""
        return [child.pid for child in self._idle]

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
            raise _overrun(name, "crash", self._limits) from error

    async def render(self, name: str, data: bytes, page: int) -> bytes:
        return await self._asked(name, data, {"does": "render", "page": page})

    async def close(self) -> None:
        if self._rest:
            self._rest.cancel()
        self._retire()
        await asyncio.gather(*self._ending)

    async def _asked(self, name: str, data: bytes, asked: Mapping[str, object]) -> bytes:
        """Raises InvalidDocument and Unavailable."""
        async with self._slots:
            child = self._idle.pop() if self._idle else await _Child.start(self._limits)
            whole = False
            try:
                request = frame({"name": name, **asked}, data)
                header, body = await child.ask(request, self._limits.seconds + _GRACE_S)
                whole = True
            finally:
                # One that was left in the middle of a reply would give it to the next document.
                if whole:
                    self._keep(child)
                else:
                    await child.end()
        if "refused" in header:
            raise InvalidDocument(*header["refused"])
        if "overran" in header:
            log.warning("a document overran its reader", reason=header["overran"], size=len(data))
            raise _overrun(name, header["overran"], self._limits)
        return body

    def _keep(self, child: "_Child") -> None:
        self._idle.append(child)
        if self._rest:
            self._rest.cancel()
        self._rest = asyncio.get_running_loop().call_later(self._idle_s, self._retire)

    def _retire(self) -> None:
        """They hold some 80 MB each."""
        while self._idle:
            ending = asyncio.create_task(self._idle.pop().end())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)


class _Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process, self.pid = process, process.pid

    @classmethod
    async def start(cls, limits: Confinement) -> "_Child":
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *arguments(limits),
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        return cls(process)

    async def ask(self, request: bytes, seconds: float) -> tuple[dict[str, Any], bytes]:
        """Raises Unavailable when it does not reply."""
        try:
            async with asyncio.timeout(seconds):
                return await self._reply(request)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise Unavailable("the process that reads documents has ended: try again") from error

    async def _reply(self, request: bytes) -> tuple[dict[str, Any], bytes]:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise BrokenPipeError
        stdin.write(request)
        await stdin.drain()
        head, body = FRAME.unpack(await stdout.readexactly(FRAME.size))
        return json.loads(await stdout.readexactly(head)), await stdout.readexactly(body)

    async def end(self) -> None:
        """What it has forked dies with it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if self._process.stdin:
            self._process.stdin.close()
        await self._process.wait()


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
