"""Zip archives: many documents in one upload, each with a name and an outcome of its own.

Nothing is written to a disk; a member is unpacked when its turn comes, into memory.
"""

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from palabre.retriever.documents.front import MAX_BYTES as MAX_FRONT_MATTER
from palabre.retriever.errors import InvalidDocument

SUFFIX = ".zip"
SIDE_SUFFIXES = (".yaml", ".yml")
_ENCRYPTED = 0x1
_UTF8 = 0x800
# Text shrinks to a tenth, tables to a fiftieth.
_MAX_RATIO = 200
_RATIO_FREE = 16 << 20
_MAX_DIRECTORY = 32 << 20
_END = struct.Struct("<4s4H2LH")
_MAX_COMMENT = 1 << 16
# What operating systems and programs leave beside documents.
_LITTER = ("__MACOSX", "Thumbs.db", "desktop.ini")
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """`packed` is of the archive, `unpacked` of all members together; sizes in bytes."""

    documents: int = 5_000
    unpacked: int = 1 << 30
    document: int = 20 << 20
    packed: int = 200 << 20


def is_archive(document: str) -> bool:
    return document.lower().endswith(SUFFIX)


class Archive:
    """An open archive; the file stays the caller's. Blocking."""

    def __init__(self, name: str, file: BinaryIO, limits: ArchiveLimits) -> None:
        """Raises InvalidDocument for what is wrong with the archive as a whole."""
        self._name, self._limits = name, limits
        try:
            _demand_small_directory(name, file)
            self._zip = zipfile.ZipFile(file)
        except _DAMAGED as error:
            raise InvalidDocument(
                name, "is no .zip archive, or damaged", "pack it again and send it again"
            ) from error
        self._members = dict(self._named())
        self._demand_bounded(sum(f.file_size for f in self._members.values()), file)
        self._beside = {side: doc for doc in self._members for side in self._side_files(doc)}

    @property
    def documents(self) -> list[str]:
        """Names as `archive.zip/path/inside.docx`, ordered."""
        return sorted(name for name in self._members if name not in self._beside)

    def read(self, document: str) -> tuple[bytes, str]:
        """Its bytes and what its side file says. Raises InvalidDocument."""
        sides = (side for side, of in self._beside.items() if of == document)
        front_matter = "".join(self._side_file(document, side) for side in sorted(sides)[:1])
        return self._bytes(document, self._limits.document), front_matter

    def _named(self) -> Iterator[tuple[str, zipfile.ZipInfo]]:
        for info in self._zip.infolist():
            path = _safe_path(info)
            if path and not info.is_dir() and not _is_litter(path):
                yield f"{self._name}/{path}", info

    def _demand_bounded(self, unpacked: int, file: BinaryIO) -> None:
        count, packed = len(self._members), file.seek(0, 2)
        if not count:
            raise InvalidDocument(self._name, "holds no documents", "put documents into it")
        if count > self._limits.documents:
            raise InvalidDocument(
                self._name,
                f"holds {count} files, above the limit of {self._limits.documents}",
                "split it, or raise PALABRE_MAX_ARCHIVE_DOCUMENTS",
            )
        if unpacked > min(self._limits.unpacked, packed * _MAX_RATIO + _RATIO_FREE):
            raise InvalidDocument(
                self._name,
                f"unpacks to {unpacked >> 20} MiB, which is too much for its {packed >> 10} KiB"
                f" or above the limit of {self._limits.unpacked >> 20} MiB",
                "split it, or raise PALABRE_MAX_ARCHIVE_UNPACKED_BYTES",
            )

    def _side_files(self, document: str) -> Iterator[str]:
        return (
            side for suffix in SIDE_SUFFIXES if (side := f"{document}{suffix}") in self._members
        )

    def _side_file(self, document: str, side: str) -> str:
        try:
            return self._bytes(side, MAX_FRONT_MATTER).decode()
        except UnicodeDecodeError as error:
            raise InvalidDocument(
                document, "its side file is not UTF-8", "save that as UTF-8"
            ) from error

    def _bytes(self, name: str, limit: int) -> bytes:
        info = self._members[name]
        _demand_readable(name, info, limit)
        try:
            return self._zip.read(info)
        except _DAMAGED as error:
            raise InvalidDocument(
                name, "is damaged in its archive", "pack the archive again"
            ) from error


def _demand_readable(name: str, info: zipfile.ZipInfo, limit: int) -> None:
    """Raises InvalidDocument."""
    if stat.S_ISLNK(info.external_attr >> 16):
        raise InvalidDocument(name, "is a link", "pack the file that it leads to")
    if info.flag_bits & _ENCRYPTED:
        raise InvalidDocument(name, "is encrypted", "pack it without a password")
    if is_archive(name):
        raise InvalidDocument(name, "is an archive inside another", "send it by itself")
    if info.file_size > limit:
        raise InvalidDocument(
            name,
            f"has {info.file_size >> 20} MiB, above the limit of {limit >> 20} MiB",
            "split it, or raise PALABRE_MAX_DOCUMENT_BYTES",
        )


def _demand_small_directory(name: str, file: BinaryIO) -> None:
    """zipfile reads all of it at once. Raises InvalidDocument."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END.size - _MAX_COMMENT))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    directory = _END.unpack_from(tail, place)[5] if 0 <= place <= len(tail) - _END.size else 0
    if directory > _MAX_DIRECTORY:
        raise InvalidDocument(name, "has too many members to list", "split it")
    file.seek(0)


def _safe_path(info: zipfile.ZipInfo) -> str:
    """A name that stays below the archive's, whatever it says; printable, composed."""
    path = unicodedata.normalize("NFC", _decoded(info)).replace("\\", "/")
    kept = "".join(c for c in path if c.isprintable())
    parts = (part.strip() for part in kept.split("/"))
    return "/".join(p for p in parts if p and p not in (".", "..") and not _is_drive(p))


def _decoded(info: zipfile.ZipInfo) -> str:
    """macOS writes UTF-8 without saying so, Windows in France code page 850; zipfile reads 437."""
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        packed = info.filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    try:
        return packed.decode()
    except UnicodeDecodeError:
        return packed.decode("cp850")


def _is_drive(part: str) -> bool:
    return len(part) == 2 and part[1] == ":"


def _is_litter(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return any(part in _LITTER or part.startswith((".", "~$")) for part in parts)
