"""Asks a process with limits (`confinement.py`) to read the bytes of others, without harm to us."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any

from palabre.chassis.confinement import FRAME, Confinement, arguments, frame
from palabre.chassis.errors import Unavailable

# The child keeps the time itself; this is for one that no longer does.
_GRACE_S = 5.0
IDLE_S = 600.0
# Nothing of our own environment, which holds keys.
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}


class Overran(Exception):
    """The bytes took more than they may: memory, cpu, time, output; or they crashed the reader."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Confined:
    """A few children at most, started when they are needed and kept for `idle_s` after that.

    `module` is what they run, with `confinement.serve` as its main. A file that overruns a limit
    ends the process that read it; the next one is read as if nothing had happened.
    """

    def __init__(
        self, module: str, limits: Confinement, at_once: int = 2, idle_s: float = IDLE_S
    ) -> None:
        self._module, self.limits, self._idle_s = module, limits, idle_s
        self._slots = asyncio.Semaphore(at_once)
        self._idle: list[_Child] = []
        self._ending: set[asyncio.Task[None]] = set()
        self._rest: asyncio.TimerHandle | None = None

    @property
    def pids(self) -> list[int]:
        """Of the children that wait for something to read."""
        return [child.pid for child in self._idle]

    async def ask(self, header: Mapping[str, object], data: bytes) -> tuple[dict[str, Any], bytes]:
        """The reply's header and bytes. Raises Overran and Unavailable."""
        async with self._slots:
            child = self._idle.pop() if self._idle else await self._started()
            whole = False
            try:
                seconds = self.limits.seconds + _GRACE_S
                said, body = await child.ask(frame(header, data), seconds)
                whole = True
            finally:
                # One that was left in the middle of a reply would give it to the next request.
                if whole:
                    self._keep(child)
                else:
                    await child.end()
        if "overran" in said:
            raise Overran(said["overran"])
        return said, body

    async def close(self) -> None:
        if self._rest:
            self._rest.cancel()
        self._retire()
        await asyncio.gather(*self._ending)

    async def _started(self) -> "_Child":
        return await _Child.start(self._module, self.limits)

    def _keep(self, child: "_Child") -> None:
        self._idle.append(child)
        if self._rest:
            self._rest.cancel()
        self._rest = asyncio.get_running_loop().call_later(self._idle_s, self._retire)

    def _retire(self) -> None:
        """They hold tens of MB each."""
        while self._idle:
            ending = asyncio.create_task(self._idle.pop().end())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)


class _Child:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process, self.pid = process, process.pid

    @classmethod
    async def start(cls, module: str, limits: Confinement) -> "_Child":
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *arguments(module, limits),
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
            raise Unavailable("the process that reads files has ended: try again") from error

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
