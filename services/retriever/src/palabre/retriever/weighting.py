"""Term weights of many passages, computed in a process beside this one: `python -I -m …weighting`.

Writing to the index in the process holds the GIL, and so does computing what is written: side by
side they keep two cores busy. The child is started once much has come in, in the background, and
let go after a rest; until it is there, and when it dies, passages come back as they are and
whoever writes them computes. Nothing is unpickled on either side.
"""

import asyncio
import contextlib
import json
import struct
import sys
from array import array
from asyncio.subprocess import DEVNULL, PIPE, Process, create_subprocess_exec
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import BinaryIO

import structlog

from palabre.retriever import machine
from palabre.retriever.passages import Indexed
from palabre.retriever.vectors import STORED, Said, Sparse, of_said, said_by

log = structlog.get_logger()

# Passages that are computed here before a child is started: half a second's work, as is its start.
STARTS_AFTER = 512
IDLE_S = 60.0
_PATIENCE_S = 30.0
_ENVIRONMENT = {"LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"}
_LENGTH = struct.Struct("!I")
# Replies that the child need not wait to be read, and what is read of them at once.
_BUFFER = 1 << 20


class Weighting:
    """Safe to share between the tasks of one event loop. With one core it never starts a child."""

    def __init__(
        self,
        starts_after: int = STARTS_AFTER,
        idle_s: float = IDLE_S,
        cores: float | None = None,
    ) -> None:
        self._starts_after, self._idle_s = starts_after, idle_s
        self._alone = (cores or machine.cores()) < 2
        self._asked = 0
        self._child: _Child | None = None
        self._starting: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._rest: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """Of the child, once it computes."""
        return self._child.pid if self._child else None

    async def of(self, passages: Sequence[Indexed]) -> Sequence[Indexed]:
        """The same in the same order, with their vectors where there is a child."""
        self._watch(len(passages))
        if not (child := self._child):
            return passages
        try:
            return list(_weighted(passages, await child.ask(map(said_by, passages))))
        except (TimeoutError, OSError) as error:
            log.warning("the process that computes term weights has ended", reason=str(error))
            if self._child is child:
                self._let_go()
            return passages

    async def close(self) -> None:
        if self._starting:
            await asyncio.wait([self._starting])
        self._let_go()
        await asyncio.gather(*self._ending)

    def _watch(self, passages: int) -> None:
        """Starts the child when enough has come in, and puts off its end."""
        if self._alone:
            return
        self._asked += passages
        if self._rest:
            self._rest.cancel()
        self._rest = asyncio.get_running_loop().call_later(self._idle_s, self._let_go)
        if self._asked >= self._starts_after and not self._child and not self._starting:
            self._starting = asyncio.create_task(self._start())

    async def _start(self) -> None:
        try:
            self._child = await _Child.start()
        except (TimeoutError, OSError) as error:
            log.warning("term weights are computed in the process", reason=str(error))
        finally:
            self._asked, self._starting = 0, None

    def _let_go(self) -> None:
        if self._rest:
            self._rest.cancel()
        self._asked = 0
        if self._child:
            ending = asyncio.create_task(self._child.end())
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            self._child = None


class _Child:
    """Answers in the order in which it is asked; whoever asks need not wait for the others."""

    def __init__(self, process: Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise BrokenPipeError
        self._process, self.pid = process, process.pid
        self._stdin, self._stdout = process.stdin, process.stdout
        self._waiting: deque[asyncio.Future[bytes]] = deque()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls) -> "_Child":
        """Once it has imported all that it needs. Raises OSError and TimeoutError."""
        process = await create_subprocess_exec(
            *(sys.executable, "-I", "-m", __name__),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=_BUFFER,
            pipesize=_BUFFER,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
        child = cls(process)
        try:
            await child.ask(())
        except (TimeoutError, OSError):
            await child.end()
            raise
        return child

    async def ask(self, said: Iterable[Said]) -> bytes:
        """What `_packed` makes of it. Raises OSError when the child has ended, and TimeoutError."""
        if self._reading.done():
            raise BrokenPipeError("it no longer reads")
        reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(reply)
        asked = json.dumps(list(said), ensure_ascii=False).encode()
        self._stdin.write(_LENGTH.pack(len(asked)) + asked)
        async with asyncio.timeout(_PATIENCE_S):
            return await reply

    async def _read(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                (length,) = _LENGTH.unpack(await self._stdout.readexactly(_LENGTH.size))
                reply = await self._stdout.readexactly(length)
                if not (waiting := self._waiting.popleft()).done():
                    waiting.set_result(reply)
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_exception(BrokenPipeError("it was ended"))

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._stdin.close()
        await self._reading
        await self._process.wait()


def main() -> None:
    """Ends when its input does."""
    asked, replies = sys.stdin.buffer, sys.stdout.buffer
    while (said := _received(asked)) is not None:
        reply = _packed([of_said(each) for each in said])
        replies.write(_LENGTH.pack(len(reply)) + reply)
        replies.flush()


def _received(stream: BinaryIO) -> list[Said] | None:
    length = stream.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    return [Said(*each) for each in json.loads(stream.read(*_LENGTH.unpack(length)))]


def _packed(computed: Sequence[dict[str, Sparse]]) -> bytes:
    """How many terms each field has, all terms, all weights: 32 bits each."""
    fields = [vectors[field] for vectors in computed for field in STORED]
    lengths, terms, weights = array("I"), array("I"), array("f")
    for field in fields:
        lengths.append(len(field.terms))
        terms.extend(field.terms)
        weights.extend(field.weights)
    return lengths.tobytes() + terms.tobytes() + weights.tobytes()


def _weighted(passages: Sequence[Indexed], reply: bytes) -> Iterator[Indexed]:
    lengths = memoryview(reply)[: 4 * len(passages) * len(STORED)].cast("I")
    rest = memoryview(reply)[lengths.nbytes :]
    terms, weights = rest[: len(rest) // 2].cast("I"), rest[len(rest) // 2 :].cast("f")
    cuts = pairwise(accumulate(lengths, initial=0))
    fields = (Sparse(terms[begin:end], weights[begin:end]) for begin, end in cuts)
    for passage in passages:
        yield replace(passage, vectors={field: next(fields) for field in STORED})


if __name__ == "__main__":
    main()
