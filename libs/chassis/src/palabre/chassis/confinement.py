"""The process in which bytes of others are read, with hard limits: `python -I -m MODULE`.

It has imported all readers, holds nothing else, and forks for each request: a fork costs
milliseconds where an import costs most of a second, and whatever the bytes do to the process
that reads them ends with it. Requests come on standard input, replies leave on standard output,
one after the other. Nothing is unpickled on either side. `confined.py` is who asks.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Literal, NoReturn

Overrun = Literal["memory", "cpu", "time", "output", "crash"]

# Lengths of the header, which is JSON, and of the bytes that follow it.
FRAME = struct.Struct("!II")
_PIECE = 1 << 16
_OUT_OF_MEMORY = 17
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Confinement:
    """What reading one file may use. Times in seconds, the rest in bytes."""

    memory: int = 1 << 30
    seconds: int = 120
    output: int = 64 << 20
    file: int = 64 << 20
    files: int = 64


def frame(header: Mapping[str, object], body: bytes = b"") -> bytes:
    head = json.dumps(header).encode()
    return FRAME.pack(len(head), len(body)) + head + body


# Reply(header, bytes): the frame to answer with; whatever it raises ends its process alone.
Reply = Callable[[dict[str, Any], bytes], bytes]


def serve(reply: Reply) -> None:
    """The module's main. Ends when its input does, or with the process that started it."""
    _die_with_parent()
    confinement = Confinement(**json.loads(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while request := _received(sys.stdin.buffer):
        with tempfile.TemporaryDirectory(prefix="palabre-read-") as folder:
            answer = _forked(reply, request, folder, confinement)
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


def arguments(module: str, limits: Confinement) -> list[str]:
    """The program that is this module, apart from the environment and the folder it stands in."""
    return [sys.executable, "-I", "-m", module, json.dumps(asdict(limits))]


def _received(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    lengths = stream.read(FRAME.size)
    if len(lengths) < FRAME.size:
        return None
    head, body = FRAME.unpack(lengths)
    return json.loads(stream.read(head)), stream.read(body)


def _forked(
    reply: Reply, request: tuple[dict[str, Any], bytes], folder: str, limits: Confinement
) -> bytes:
    """The frame that a child of its own replies, or one that says how it overran."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _serve(reply, request, folder, limits, theirs)
    os.close(theirs)
    try:
        answer, overrun = _drained(ours, limits)
    finally:
        os.close(ours)
        # Its group is it alone: it may start no process.
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return answer if _is_whole(answer) else frame({"overran": overrun or _ended(status)})


def _drained(pipe: int, limits: Confinement) -> tuple[bytes, Overrun | None]:
    deadline, reply = time.monotonic() + limits.seconds, bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            return b"", "time"
        piece = os.read(pipe, _PIECE)
        if not piece:
            return bytes(reply), None
        reply += piece
        if len(reply) > limits.output:
            return b"", "output"


def _is_whole(reply: bytes) -> bool:
    if len(reply) < FRAME.size:
        return False
    head, body = FRAME.unpack_from(reply)
    return len(reply) == int(FRAME.size + head + body)


def _ended(status: int) -> Overrun:
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return "cpu"
    said = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
    return "memory" if said == _OUT_OF_MEMORY else "crash"


def _serve(
    reply: Reply,
    request: tuple[dict[str, Any], bytes],
    folder: str,
    limits: Confinement,
    pipe: int,
) -> NoReturn:
    """What a reader did not foresee ends here as a crash of this process alone."""
    code = 1
    try:
        _confine(folder, limits)
        answer = reply(*request)
        with open(pipe, "wb") as out:
            out.write(answer)
        code = 0
    except MemoryError:
        code = _OUT_OF_MEMORY
    finally:
        os._exit(code)


def _confine(folder: str, limits: Confinement) -> None:
    """From here on: no other process, no network where the kernel allows that, little of all."""
    os.setsid()
    _die_with_parent()
    os.chdir(folder)
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    with contextlib.suppress(OSError):  # not in every container; the rest holds
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)
    # The kernel warns with SIGXCPU, whose default ends the process, a second before it kills.
    cpu = (limits.seconds, limits.seconds + 1)
    for what, bounds in {
        resource.RLIMIT_AS: (limits.memory, limits.memory),
        resource.RLIMIT_CPU: cpu,
        resource.RLIMIT_FSIZE: (limits.file, limits.file),
        resource.RLIMIT_NOFILE: (limits.files, limits.files),
        resource.RLIMIT_NPROC: (0, 0),
    }.items():
        resource.setrlimit(what, bounds)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
