"""The documents of files and folders, found while they are walked: never a list of all.

Hidden files are left out, and so are side files: `guide.pdf.yaml` tells about `guide.pdf`.
Links are followed, but not back into a folder above.
"""

import hashlib
import mimetypes
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SIDE = ".yaml"


@dataclass(frozen=True, slots=True)
class File:
    """A document to be. `wanted` was named itself, not only a folder above it."""

    document: str
    path: Path
    size: int
    side: Path | None = None
    wanted: bool = False

    def front_matter(self) -> str:
        """Raises OSError and UnicodeError."""
        return self.side.read_text(encoding="utf-8") if self.side else ""

    def version(self) -> str:
        """As the retriever has it: SHA-256 of the content and of the side file. Raises OSError."""
        with self.path.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256")
        if self.side and (said := self.side.read_text(encoding="utf-8", errors="replace")):
            digest.update(b"\0" + said.encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Left:
    """What is no document; `failed` when it should have been one."""

    path: Path
    reason: str
    remedy: str
    failed: bool = False


def walk(paths: Iterable[Path], below: str = "") -> Iterator[File | Left]:
    """In the file system's order. Names of documents begin with `below`."""
    for path in paths:
        if path.is_dir():
            yield from _folder(path, below, ())
        else:
            yield _file(path, f"{below}{path.name}", wanted=True)


def documents(folder: Path) -> list[File]:
    """All of them, ordered by name."""
    found = (item for item in walk([folder]) if isinstance(item, File))
    return sorted(found, key=lambda file: file.document)


def media_type(file: Path) -> str:
    if file.suffix.lower() in (".md", ".markdown"):
        return "text/markdown"
    return mimetypes.guess_type(file.name)[0] or "application/octet-stream"


def _folder(folder: Path, below: str, above: tuple[tuple[int, int], ...]) -> Iterator[File | Left]:
    try:
        status = folder.stat()
        here = (status.st_dev, status.st_ino)
        if here in above:
            yield Left(folder, "is a link back to a folder above it", "nothing is missing")
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    yield from _entry(Path(entry.path), f"{below}{entry.name}", (*above, here))
    except OSError as error:
        yield _unreadable(folder, error)


def _entry(path: Path, name: str, above: tuple[tuple[int, int], ...]) -> Iterator[File | Left]:
    if path.is_dir():
        yield from _folder(path, f"{name}/", above)
    elif not _tells_about_another(path):
        yield _file(path, name)


def _file(path: Path, name: str, *, wanted: bool = False) -> File | Left:
    try:
        name.encode()
        size = path.stat().st_size
    except UnicodeEncodeError:
        return Left(path, "its name is not UTF-8", "rename it", failed=True)
    except OSError as error:
        return _unreadable(path, error)
    if not path.is_file():
        return Left(path, "is a pipe, a socket or a device", "leave it out, or make it a file")
    side = path.with_name(path.name + SIDE)
    return File(name, path, size, side if side.is_file() else None, wanted)


def _tells_about_another(path: Path) -> bool:
    return path.suffix == SIDE and path.with_suffix("").is_file()


def _unreadable(path: Path, error: OSError) -> Left:
    reason = error.strerror or type(error).__name__
    return Left(path, f"cannot be read ({reason.lower()})", "check it and its rights", failed=True)
