"""What a file is by its first bytes: names lie."""

from typing import Literal

Content = Literal["", "pdf", "zip", "ole", "rtf", "archive", "image"]

_BEGINNINGS: tuple[tuple[bytes, Content], ...] = (
    (b"%PDF-", "pdf"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"{\\rtf", "rtf"),
    (b"Rar!\x1a\x07", "archive"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
)
# The stream in which Office keeps what a password protects.
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")


def sniff(data: bytes) -> Content:
    """Empty for text and for what nobody here knows."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image"
    return next((content for mark, content in _BEGINNINGS if data.startswith(mark)), "")


def holds_encrypted_office(data: bytes) -> bool:
    return _ENCRYPTED_PACKAGE in data
