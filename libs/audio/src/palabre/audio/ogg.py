"""Ogg Opus, one packet a page: the first sound can be played as soon as it is made.

RFC 3533 (pages), RFC 7845 (Opus in Ogg). FFmpeg's muxer holds back 60 ms; this one nothing.
"""

import secrets
import struct

from palabre.audio.labels import UNTOLD, Label
from palabre.audio.packets import OPUS_RATE, OPUS_SAMPLES

PRE_SKIP = 312
_BEGINS, _ENDS = 2, 4


class Ogg:
    """Packs ready Opus packets of 20 ms into pages, without encoding again."""

    def __init__(self, label: Label = UNTOLD, serial: int | None = None) -> None:
        self._label = label
        self._serial = secrets.randbits(32) if serial is None else serial
        self._pages = 0
        self._samples = 0

    def feed(self, packet: bytes) -> bytes:
        """The packet's page, before the first one the headers too."""
        headers = b"" if self._pages else self._headers()
        self._samples += OPUS_SAMPLES
        return headers + self._page(packet)

    def close(self) -> bytes:
        """A page that ends the stream."""
        headers = b"" if self._pages else self._headers()
        return headers + self._page(None, _ENDS)

    def _headers(self) -> bytes:
        head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, PRE_SKIP, OPUS_RATE, 0, 0)
        tags = b"OpusTags" + self._label.vorbis()
        return self._page(head, _BEGINS) + self._page(tags)

    def _page(self, packet: bytes | None, flags: int = 0) -> bytes:
        """A page with one packet, or none; its checksum is counted over itself with 0 in place."""
        body = packet or b""
        lacing = b"" if packet is None else b"\xff" * (len(body) // 255) + bytes([len(body) % 255])
        place = (flags, self._samples, self._serial, self._pages)
        start = struct.pack("<4sBBQII", b"OggS", 0, *place)
        end = bytes([len(lacing)]) + lacing + body
        self._pages += 1
        return start + struct.pack("<I", _crc(start + b"\0\0\0\0" + end)) + end


def _entry(value: int) -> int:
    value <<= 24
    for _ in range(8):
        value = (value << 1) ^ (0x04C11DB7 if value & 0x8000_0000 else 0)
    return value & 0xFFFF_FFFF


_TABLE = tuple(_entry(value) for value in range(256))


def _crc(data: bytes) -> int:
    """CRC-32 of Ogg: polynomial 0x04c11db7, not reflected, no complement."""
    crc = 0
    for byte in data:
        crc = (crc << 8) & 0xFFFF_FFFF ^ _TABLE[crc >> 24 ^ byte]
    return crc
