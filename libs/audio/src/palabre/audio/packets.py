"""Speech as the bus carries it: pieces of 20 ms."""

from typing import Any, Protocol

import av

from palabre.audio.codec import Codec
from palabre.contracts.v1 import turns_pb2

PACKET_MS = 20
OPUS_RATE = 48_000
OPUS_SAMPLES = OPUS_RATE * PACKET_MS // 1000
_ENCODED_RATE = 24_000
_OPUS = {"application": "voip", "frame_duration": str(PACKET_MS), "compression_level": "5"}
MULAW_RATE = 8_000
MULAW_SAMPLES = MULAW_RATE * PACKET_MS // 1000


class Packets(Protocol):
    """Encodes one segment; `feed` gives the packets that are complete, `close` the rest."""

    def feed(self, pcm: bytes, rate: int) -> list[bytes]: ...

    def close(self) -> list[bytes]: ...


class OpusPackets(Codec):
    """Opus, mono, 20 ms a packet, to be decoded at 48 kHz.

    Voices hold nothing above 12 kHz: encoding them at 24 kHz is a third cheaper and sounds the
    same. The encoder looks 6.5 ms ahead. They are not flushed: that would cost a packet more for
    each segment, heard as a gap.
    """

    def __init__(self, bit_rate: int = 32_000) -> None:
        super().__init__(
            "libopus",
            _ENCODED_RATE,
            _ENCODED_RATE * PACKET_MS // 1000,
            bit_rate=bit_rate,
            whole=True,
            options=_OPUS,
        )


class Mulaw(Codec):
    """G.711 µ-law, 8 kHz mono, 20 ms (160 bytes) a packet."""

    def __init__(self) -> None:
        super().__init__("pcm_mulaw", MULAW_RATE, MULAW_SAMPLES, whole=True)


class OpusSound:
    """Decodes Opus packets to signed 16-bit mono, 48 kHz; 960 samples each."""

    rate = OPUS_RATE

    def __init__(self) -> None:
        context: Any = av.CodecContext.create("libopus", "r")
        context.sample_rate, context.layout = OPUS_RATE, "mono"
        self._context = context

    def feed(self, packet: bytes) -> bytes:
        """Raises ValueError on bytes that are no Opus packet."""
        try:
            frames = self._context.decode(av.Packet(packet))
        except av.error.InvalidDataError as error:
            raise ValueError("no Opus packet") from error
        return b"".join(frame.to_ndarray().tobytes() for frame in frames)


def packets(encoding: turns_pb2.AudioEncoding.ValueType) -> Packets:
    """The encoder for what an event asks for; Opus when it does not say."""
    return Mulaw() if encoding == turns_pb2.AUDIO_ENCODING_MULAW else OpusPackets()
