"""The folder of Edge's shards: one a generation, its description beside it, and who serves.

<space>.<number>-<digest>/       the shard
<space>.<number>-<digest>.json   its generation
serving.json                     the serving generation's name by space
lock                             held by the process that owns the folder
"""

import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from palabre.retriever.index.generation import Generation, State, states

# Where indexes lay before there were generations: a shard a space.
_EARLIER = "1"
_UNFINISHED = ".new"


class IndexInUse(RuntimeError):
    """Another process owns the folder."""


class ShardFiles:
    """What is written survives a crash at any moment: whole, or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._generations: dict[str, Generation] = {}
        self._serving: dict[str, str] = {}
        self._lock: IO[str] | None = None

    def open(self) -> list[Generation]:
        """All there are. Raises IndexInUse."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._own()
        for leftover in self._root.glob(f"*{_UNFINISHED}"):
            shutil.rmtree(leftover)
        self._take_over()
        for file in self._root.glob("*.json"):
            if file.with_suffix("").is_dir():
                generation = Generation.of(json.loads(file.read_bytes()))
                self._generations[generation.name] = generation
        pointers = self._root / "serving.json"
        self._serving = json.loads(pointers.read_bytes()) if pointers.exists() else {}
        return list(self._generations.values())

    def states(self) -> dict[str, State]:
        return states(self._generations.values(), self._serving)

    def folder(self, generation: Generation) -> Path:
        return self._root / generation.name

    def begun(self, generation: Generation) -> Path:
        """Where its shard is made."""
        _write(self._root / f"{generation.name}.json", generation.described())
        folder = self._root / f"{generation.name}{_UNFINISHED}"
        shutil.rmtree(folder, ignore_errors=True)  # of an attempt that failed
        folder.mkdir()
        return folder

    def finished(self, generation: Generation) -> Path:
        """Where its shard is from now on."""
        begun = self._root / f"{generation.name}{_UNFINISHED}"
        begun.rename(self.folder(generation))
        _sync(self._root)
        self._generations[generation.name] = generation
        return self.folder(generation)

    def serve(self, generation: Generation) -> None:
        self._point({**self._serving, generation.space: generation.name})

    def drop(self, generation: Generation) -> None:
        if self._serving.get(generation.space) == generation.name:
            self._point({s: n for s, n in self._serving.items() if s != generation.space})
        del self._generations[generation.name]
        leftover = self._root / f"{generation.name}{_UNFINISHED}"
        self.folder(generation).rename(leftover)
        (self._root / f"{generation.name}.json").unlink()
        shutil.rmtree(leftover)

    def close(self) -> None:
        if self._lock:
            self._lock.close()

    def _point(self, serving: dict[str, str]) -> None:
        _write(self._root / "serving.json", serving)
        self._serving = serving

    def _own(self) -> None:
        self._lock = (self._root / "lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise IndexInUse(
                f"{self._root}: another process owns this index: stop it, choose another"
                " PALABRE_DATA_DIR, or set PALABRE_QDRANT_URL to share a Qdrant server"
            ) from None

    def _take_over(self) -> None:
        """What was indexed before there were generations serves until it is made anew."""
        earlier = self._root / _EARLIER
        if not earlier.is_dir():
            return
        for shard in sorted(path for path in earlier.iterdir() if path.is_dir()):
            generation = Generation.before_generations(shard.name)
            _write(self._root / f"{generation.name}.json", generation.described())
            shard.rename(self.folder(generation))
        shutil.rmtree(earlier)


def _write(file: Path, content: Mapping[str, Any]) -> None:
    """In one step."""
    beside = file.with_suffix(".tmp")
    with beside.open("w", encoding="utf-8") as written:
        json.dump(content, written)
        written.flush()
        os.fsync(written.fileno())
    beside.replace(file)
    _sync(file.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
