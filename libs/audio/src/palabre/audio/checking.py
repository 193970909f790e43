"""Examines a recording that a stranger sent, in a process of its own, under limits.

FFmpeg's decoders are large and old: a file that overruns or crashes one takes down that process,
which has nothing of our environment and, where the kernel allows that, no network; nothing else.
"""

import asyncio
import contextlib
import dataclasses
import json
import math
import os
import resource
import struct
import sys
from dataclasses import dataclass
from typing import Any

from palabre.audio import recordings
from palabre.audio.recordings import MAX_BYTES, Measures, Unreadable

PATIENCE_S = 30.0
_CPU_S = 20
_MEMORY = 2 << 30  # of addresses: FFmpeg's libraries alone take 0.5
_HEAD = struct.Struct(">II")
_LONGEST_REPLY = 8 << 20
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file holds, and its sound as it may be kept: WAV, mono, 16 bits."""

    measures: Measures
    wav: bytes


async def examine(data: bytes) -> Examined:
    """Raises Unreadable with a sentence, also for a file that its reader did not survive."""
    if len(data) > MAX_BYTES:
        raise Unreadable(f"it has {len(data) >> 20} MiB: send at most {MAX_BYTES >> 20} MiB")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", "palabre.audio.checking",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await _asked(process, data)
    except Unreadable:
        raise
    except (TimeoutError, OSError, ValueError, EOFError, TypeError, KeyError) as error:
        raise Unreadable(
            "its reader gave up on it: export it anew as WAV, mono, 16 bits"
        ) from error
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _asked(process: asyncio.subprocess.Process, data: bytes) -> Examined:
    """What the process says is checked: the file may have taken it over."""
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:
        raise BrokenPipeError
    stdin.write(data)
    stdin.write_eof()
    sizes = _HEAD.unpack(await stdout.readexactly(_HEAD.size))
    if sum(sizes) > _LONGEST_REPLY:
        raise ValueError("too much")
    said: dict[str, Any] = json.loads(await stdout.readexactly(sizes[0]))
    if "unreadable" in said:
        raise Unreadable(str(said["unreadable"])[:300])
    values = {f.name: f.type(said[f.name]) for f in dataclasses.fields(Measures)}  # type: ignore[operator]
    if not all(math.isfinite(value) for value in values.values()):
        raise ValueError("not a number")
    wav = await stdout.readexactly(sizes[1])
    recordings.checked_wav(wav)
    return Examined(Measures(**values), wav)


def _confine() -> None:
    with contextlib.suppress(OSError):  # not in every container; the rest holds
        os.unshare(os.CLONE_NEWUSER | os.CLONE_NEWNET)
    for what, bound in {
        resource.RLIMIT_AS: _MEMORY,
        resource.RLIMIT_CPU: _CPU_S,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 16,
    }.items():
        resource.setrlimit(what, (bound, bound))


def main() -> None:
    """The process: a file on stdin, what it holds on stdout."""
    _confine()
    wav = b""
    try:
        found = recordings.decode(sys.stdin.buffer.read(MAX_BYTES + 1))
        said: dict[str, object] = dataclasses.asdict(recordings.measure(found))
        wav = found.wav
    except Unreadable as error:
        said = {"unreadable": str(error)}
    head = json.dumps(said).encode()
    sys.stdout.buffer.write(_HEAD.pack(len(head), len(wav)) + head + wav)


if __name__ == "__main__":
    main()
