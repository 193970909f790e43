"""The process in which rich formats are read, with hard limits: `python -I -m …documents.child`.

It has imported all readers, holds nothing else, and forks for each document: a fork costs
milliseconds where an import costs most of a second, and whatever a document does to the process
that reads it ends with it. Requests come on standard input, replies leave on standard output, one
after the other. Nothing is unpickled on either side.
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
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Literal, NoReturn

from palabre.retriever.documents.formats import convert, preload, render
from palabre.retriever.documents.stored import to_json
from palabre.retriever.errors import InvalidDocument

Overrun = Literal["memory", "cpu", "time", "output", "crash"]

# Lengths of the header, which is JSON, and of the bytes that follow it.
FRAME = struct.Struct("!II")
_PIECE = 1 << 16
_OUT_OF_MEMORY = 17
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Confinement:
    """What one document may use. Times in seconds, the rest in bytes."""

    memory: int = 1 << 30
    seconds: int = 120
    output: int = 64 << 20
    file: int = 64 << 20
    files: int = 64


def frame(header: Mapping[str, object], body: bytes = b"") -> bytes:
    head = json.dumps(header).encode()
    return FRAME.pack(len(head), len(body)) + head + body


def main() -> None:
    """Ends when its input does, or with the process that started it."""
    _die_with_parent()
    confinement = Confinement(**json.loads(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    preload()
    while request := _received(sys.stdin.buffer):
        with tempfile.TemporaryDirectory(prefix="palabre-read-") as folder:
            reply = _forked(request, folder, confinement)
        sys.stdout.buffer.write(reply)
        sys.stdout.buffer.flush()


def _received(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    lengths = stream.read(FRAME.size)
    if len(lengths) < FRAME.size:
        return None
    head, body = FRAME.unpack(lengths)
    return json.loads(stream.read(head)), stream.read(body)


def _forked(request: tuple[dict[str, Any], bytes], folder: str, limits: Confinement) -> bytes:
    """The frame that a child of its own replies, or one that says how it overran."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _serve(request, folder, limits, theirs)
    os.close(theirs)
    try:
        reply, overrun = _drained(ours, limits)
    finally:
        os.close(ours)
        # Its group is it alone: it may start no process.
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return reply if _is_whole(reply) else frame({"overran": overrun or _ended(status)})


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
    request: tuple[dict[str, Any], bytes], folder: str, limits: Confinement, pipe: int
) -> NoReturn:
    """What a reader did not foresee ends here as a crash of this process alone."""
    code = 1
    try:
        _confine(folder, limits)
        reply = _replied(*request)
        with open(pipe, "wb") as out:
            out.write(reply)
        code = 0
    except MemoryError:
        code = _OUT_OF_MEMORY
    finally:
        os._exit(code)


def _replied(header: dict[str, Any], data: bytes) -> bytes:
    name = header["name"]
    try:
        if header["does"] == "render":
            return frame({}, render(name, data, header["page"]))
        said = (header[key] for key in ("media_type", "front_matter", "language"))
        document = convert(name, data, *said)
        return frame({}, to_json(document))
    except InvalidDocument as error:
        return frame({"refused": [error.document, error.reason, error.remedy]})
    except RecursionError:
        return frame({"refused": [name, "is nested too deeply", "make its structure flatter"]})


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


def arguments(limits: Confinement) -> list[str]:
    """The program that is this module, apart from the environment and the folder it stands in."""
    return [sys.executable, "-I", "-m", __name__, json.dumps(asdict(limits))]


if __name__ == "__main__":
    main()
