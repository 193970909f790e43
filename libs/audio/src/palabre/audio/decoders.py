"""Speech that comes in pieces, of a kind that its first bytes tell -> PCM, as it comes.

WAV, MP3 and Ogg Opus; anything else is taken for bare PCM.
"""

import struct
from collections.abc import Iterator
from typing import Any

import av
import numpy as np

_SNIFFED = 12
_LONGEST_HEADER = 1 << 16
_PCM_16 = (1, 16)  # format tag and bits; the extensible tag says the same


class Decoder:
    """Feed it the bytes of one file; it gives signed 16-bit mono of `rate`, known with the first.

    Raises ValueError on what cannot be decoded. `rate` is that of bare PCM.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._begin = bytearray()
        self._inner: _Bare | _Wav | _Coded | None = None

    def feed(self, data: bytes) -> bytes:
        if self._inner is None:
            self._begin += data
            if len(self._begin) < _SNIFFED:
                return b""
            data = self._begun()
        return self._decoded(data)

    def close(self) -> bytes:
        """What was held back."""
        rest = self._decoded(self._begun()) if self._inner is None and self._begin else b""
        return rest + (self._inner.close() if self._inner else b"")

    def _begun(self) -> bytes:
        data = bytes(self._begin)
        self._inner = _recognised(data, self.rate)
        return data

    def _decoded(self, data: bytes) -> bytes:
        assert self._inner is not None  # noqa: S101 (for the type checker)
        try:
            pcm = self._inner.feed(data)
        except av.error.FFmpegError as error:
            raise ValueError(f"not decodable: {type(error).__name__}") from error
        self.rate = self._inner.rate
        return pcm


class _Bare:
    """Whole samples of PCM."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._odd = b""

    def feed(self, data: bytes) -> bytes:
        data = self._odd + data
        whole = len(data) // 2 * 2
        self._odd = data[whole:]
        return data[:whole]

    def close(self) -> bytes:
        return b""


class _Wav:
    """RIFF, 16 bits, any rate; several channels become one. Sizes may be unknown."""

    def __init__(self) -> None:
        self.rate = 0
        self._header = bytearray()
        self._frame = 0  # bytes of a sample of all channels
        self._left = 0  # bytes of sound; a recorder that streams says 0 or 0xffffffff

    def feed(self, data: bytes) -> bytes:
        self._header += data
        if not self._frame and not self._read_header():
            return b""
        whole = min(len(self._header), self._left) // self._frame * self._frame
        sound = bytes(self._header[:whole])
        del self._header[:whole]
        self._left -= whole
        samples = np.frombuffer(sound, "<i2").reshape(-1, self._frame // 2)
        return samples.mean(axis=1).astype("<i2").tobytes() if self._frame > 2 else sound

    def close(self) -> bytes:
        return b""

    def _read_header(self) -> bool:
        """Up to the sound; false while it is not whole."""
        place, frame = 12, 0
        while len(self._header) >= place + 8:
            name, size = struct.unpack_from("<4sI", self._header, place)
            if name == b"data":
                return self._begin(place + 8, frame, size)
            if len(self._header) < place + 8 + size:
                break
            if name == b"fmt ":
                frame = self._format(place + 8)
            place += 8 + size + size % 2
        if len(self._header) > _LONGEST_HEADER:
            raise ValueError("a WAV file without sound")
        return False

    def _format(self, place: int) -> int:
        tag, channels, self.rate = struct.unpack_from("<HHI", self._header, place)
        (bits,) = struct.unpack_from("<H", self._header, place + 14)
        if (tag if tag != 0xFFFE else 1, bits) != _PCM_16 or not channels or not self.rate:
            raise ValueError(f"WAV of format {tag}, {bits} bits: only 16-bit PCM is read")
        return int(channels) * 2

    def _begin(self, place: int, frame: int, size: int) -> bool:
        if not frame:
            raise ValueError("a WAV file without a format")
        del self._header[:place]
        self._frame = frame
        self._left = size if 0 < size < 0xFFFF_FF00 else 1 << 40
        return True


class _Coded:
    """Packets of a codec; the first `skip` bytes are none of them."""

    def __init__(self, codec: str, *, pages: "Pages | None" = None, skip: int = 0) -> None:
        context: Any = av.CodecContext.create(codec, "r")
        if pages:
            context.sample_rate, context.layout = 48_000, "mono"
        self._context, self._pages, self._skip = context, pages, skip
        self.rate = 0

    def feed(self, data: bytes) -> bytes:
        skipped = min(self._skip, len(data))
        self._skip, data = self._skip - skipped, data[skipped:]
        packets = (
            [av.Packet(p) for p in self._pages.feed(data)]
            if self._pages
            else self._context.parse(data)
        )
        return b"".join(self._sound(packet) for packet in packets)

    def close(self) -> bytes:
        if self._pages:
            return b""
        rest = b"".join(self._sound(packet) for packet in self._context.parse(None))
        return rest + self._sound(None)

    def _sound(self, packet: Any) -> bytes:
        return b"".join(self._mono(frame) for frame in self._context.decode(packet))

    def _mono(self, frame: av.AudioFrame) -> bytes:
        self.rate = self.rate or frame.sample_rate
        samples: Any = frame.to_ndarray()
        if not frame.format.is_planar:
            samples = samples.reshape(-1, frame.layout.nb_channels).T
        if samples.dtype.kind == "i":
            scale = float(np.iinfo(samples.dtype).max)
            samples = samples / scale
        mono: bytes = (np.clip(samples.mean(axis=0), -1, 1) * 32767).astype("<i2").tobytes()
        return mono


class Pages:
    """The packets of an Ogg Opus stream, without its two headers (RFC 3533, RFC 7845)."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._packet = bytearray()
        self._headers = 2

    def feed(self, data: bytes) -> list[bytes]:
        self._data += data
        return [packet for page in self._whole_pages() for packet in self._packets(*page)]

    def _whole_pages(self) -> Iterator[tuple[bytes, bytes]]:
        """Lacing values and body of each."""
        while len(self._data) >= 27:
            if self._data[:4] != b"OggS":
                raise ValueError("no Ogg page where one should begin")
            lacing = bytes(self._data[27 : 27 + self._data[26]])
            begin = 27 + self._data[26]
            end = begin + sum(lacing)
            if len(lacing) < self._data[26] or len(self._data) < end:
                return
            body = bytes(self._data[begin:end])
            del self._data[:end]
            yield lacing, body

    def _packets(self, lacing: bytes, body: bytes) -> Iterator[bytes]:
        place = 0
        for size in lacing:
            self._packet += body[place : place + size]
            place += size
            if size == 255:
                continue
            packet, self._packet = bytes(self._packet), bytearray()
            if self._headers:
                self._headers -= 1
            elif packet:
                yield packet


def _recognised(begin: bytes, rate: int) -> _Bare | _Wav | _Coded:
    if begin[:4] == b"RIFF" and begin[8:12] == b"WAVE":
        return _Wav()
    if begin[:4] == b"OggS":
        return _Coded("libopus", pages=Pages())
    if begin[:4] == b"fLaC":
        raise ValueError("FLAC is not read as it comes: ask for WAV")
    if begin[:3] == b"ID3" and len(begin) >= 10:
        return _Coded("mp3", skip=10 + _syncsafe(begin[6:10]))
    if begin[0] == 0xFF and len(begin) > 1 and begin[1] & 0xE6 == 0xE2:
        return _Coded("mp3")
    return _Bare(rate)


def _syncsafe(data: bytes) -> int:
    """A number of ID3v2: seven bits of each byte."""
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number
