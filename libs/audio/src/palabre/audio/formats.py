"""File formats that are streamed: the first bytes come with the first sound."""

import struct
from collections.abc import Callable
from typing import Protocol

from palabre.audio.codec import Codec, Resampler
from palabre.audio.labels import UNTOLD, Label
from palabre.audio.ogg import Ogg
from palabre.audio.packets import Mulaw, OpusPackets
from palabre.contracts.v1 import tts_pb2

RATE = 24_000
_FLAC_SAMPLES = RATE * 40 // 1000
_MP3_SAMPLES = 576
_AAC_SAMPLES = 1024
_UNKNOWN = 0xFFFF_FFFF


class Encoder(Protocol):
    """Encodes one file: the bytes that `feed` and `close` give, put together."""

    def feed(self, pcm: bytes, rate: int) -> bytes: ...

    def close(self) -> bytes: ...


class Pcm:
    """Signed 16-bit little-endian mono, 24 kHz, without a header."""

    def __init__(self) -> None:
        self._resampler = Resampler(RATE)

    def feed(self, pcm: bytes, rate: int) -> bytes:
        return b"".join(f.to_ndarray().tobytes() for f in self._resampler.feed(pcm, rate))

    def close(self) -> bytes:
        return b"".join(f.to_ndarray().tobytes() for f in self._resampler.close())


class Headed:
    """Puts a header before what another encoder gives."""

    def __init__(self, header: bytes, encoder: Encoder) -> None:
        self._header, self._encoder = header, encoder

    def feed(self, pcm: bytes, rate: int) -> bytes:
        return self._begin() + self._encoder.feed(pcm, rate)

    def close(self) -> bytes:
        return self._begin() + self._encoder.close()

    def _begin(self) -> bytes:
        header, self._header = self._header, b""
        return header


class Joined:
    """The packets of a codec one after another; the first `skip` are left out."""

    def __init__(self, codec: Codec, skip: int = 0) -> None:
        self._codec, self._skip = codec, skip

    def feed(self, pcm: bytes, rate: int) -> bytes:
        return self._join(self._codec.feed(pcm, rate))

    def close(self) -> bytes:
        return self._join(self._codec.close())

    def _join(self, packets: list[bytes]) -> bytes:
        kept = packets[self._skip :]
        self._skip -= len(packets) - len(kept)
        return b"".join(kept)


class Adts:
    """AAC-LC, each packet after a header of 7 bytes without a checksum (ISO/IEC 14496-3, 1.A.2)."""

    def __init__(self) -> None:
        self._codec = Codec("aac", RATE, _AAC_SAMPLES, sample_format="fltp", bit_rate=64_000)

    def feed(self, pcm: bytes, rate: int) -> bytes:
        return b"".join(map(self._framed, self._codec.feed(pcm, rate)))

    def close(self) -> bytes:
        return b"".join(map(self._framed, self._codec.close()))

    @staticmethod
    def _framed(packet: bytes) -> bytes:
        """Low complexity, 24 kHz (index 6), mono, buffer fullness not said."""
        fixed = 0xFFF1 << 40 | 1 << 38 | 6 << 34 | 1 << 30
        return (fixed | len(packet) + 7 << 13 | 0x7FF << 2).to_bytes(7) + packet


class OggOpus:
    """Opus packets of 20 ms, a page each."""

    def __init__(self, label: Label) -> None:
        self._packets, self._ogg = OpusPackets(), Ogg(label)

    def feed(self, pcm: bytes, rate: int) -> bytes:
        return b"".join(map(self._ogg.feed, self._packets.feed(pcm, rate)))

    def close(self) -> bytes:
        return b"".join(map(self._ogg.feed, self._packets.close())) + self._ogg.close()


def _wav(label: Label) -> Encoder:
    """RIFF with unknown sizes: players read it to the end of the stream."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, RATE * 2, 2, 16)
    header = struct.pack("<4sI4s", b"RIFF", _UNKNOWN, b"WAVE") + form
    return Headed(header + label.riff() + struct.pack("<4sI", b"data", _UNKNOWN), Pcm())


def _mp3(label: Label) -> Encoder:
    """Without a bit reservoir, so that the encoder's delay (1105 samples) can be left out."""
    codec = Codec(
        "libmp3lame",
        RATE,
        _MP3_SAMPLES,
        sample_format="s16p",
        bit_rate=64_000,
        options={"reservoir": "0"},
    )
    return Headed(label.id3(), Joined(codec, skip=2))


def _flac(label: Label) -> Encoder:
    """RFC 9639: the marker, STREAMINFO (length unknown), comments as the last block, the frames."""
    codec = Codec("flac", RATE, _FLAC_SAMPLES, options={"frame_size": str(_FLAC_SAMPLES)})
    info = codec.header
    comments = label.vorbis()
    blocks = b"\x00" + len(info).to_bytes(3) + info + b"\x84" + len(comments).to_bytes(3) + comments
    return Headed(b"fLaC" + blocks, Joined(codec))


_ENCODERS: dict[tts_pb2.AudioFormat.ValueType, Callable[[Label], Encoder]] = {
    tts_pb2.AUDIO_FORMAT_OPUS: OggOpus,
    tts_pb2.AUDIO_FORMAT_MP3: _mp3,
    tts_pb2.AUDIO_FORMAT_WAV: _wav,
    tts_pb2.AUDIO_FORMAT_PCM: lambda _: Pcm(),
    tts_pb2.AUDIO_FORMAT_MULAW: lambda _: Joined(Mulaw()),
    tts_pb2.AUDIO_FORMAT_FLAC: _flac,
    tts_pb2.AUDIO_FORMAT_AAC: lambda label: Headed(label.id3(), Adts()),
}
MEDIA_TYPES: dict[tts_pb2.AudioFormat.ValueType, str] = {
    tts_pb2.AUDIO_FORMAT_OPUS: "audio/ogg; codecs=opus",
    tts_pb2.AUDIO_FORMAT_MP3: "audio/mpeg",
    tts_pb2.AUDIO_FORMAT_WAV: "audio/wav",
    tts_pb2.AUDIO_FORMAT_PCM: "audio/pcm",
    tts_pb2.AUDIO_FORMAT_MULAW: "audio/basic",
    tts_pb2.AUDIO_FORMAT_FLAC: "audio/flac",
    tts_pb2.AUDIO_FORMAT_AAC: "audio/aac",
}


def encoder(audio_format: tts_pb2.AudioFormat.ValueType, label: Label = UNTOLD) -> Encoder:
    """Its file says that a machine spoke it. Raises KeyError on a format none of MEDIA_TYPES."""
    return _ENCODERS[audio_format](label)
