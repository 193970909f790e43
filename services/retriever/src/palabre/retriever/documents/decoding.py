"""Bytes to text. Guessing a charset silently spoils accents, so nothing is guessed."""

import codecs
import re

from palabre.retriever.errors import InvalidDocument

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_HEAD_BYTES = 4_096


def decode(name: str, data: bytes, charset: str = "") -> str:
    """UTF-8 (with or without a mark), unless another charset is named. Raises InvalidDocument."""
    if b"\0" in data[:_HEAD_BYTES] and not charset.lower().startswith("utf-16"):
        raise InvalidDocument(name, "holds binary data, not text", "send the text itself")
    try:
        return data.decode(_codec(name, charset))
    except UnicodeDecodeError as error:
        raise InvalidDocument(
            name,
            f"is not {charset or 'UTF-8'} (byte 0x{data[error.start]:02x} at {error.start})",
            "save it as UTF-8, or name its charset (such as text/plain; charset=windows-1252)",
        ) from error


def decode_html(name: str, data: bytes, charset: str = "") -> str:
    """As `decode`, with the charset that the page declares when none is named."""
    declared = _META_CHARSET.search(data, 0, _HEAD_BYTES)
    if not charset and declared and not data.startswith(codecs.BOM_UTF8):
        charset = declared[1].decode("ascii")
    return decode(name, data, charset)


def _codec(name: str, charset: str) -> str:
    try:
        codec = codecs.lookup(charset or "utf-8").name
    except LookupError:
        raise InvalidDocument(name, f"unknown charset {charset!r}", "save it as UTF-8") from None
    return "utf-8-sig" if codec == "utf-8" else codec
