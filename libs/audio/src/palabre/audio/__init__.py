"""Encodes and packs speech: Opus, Ogg, MP3, AAC, WAV, FLAC, PCM and µ-law."""

from palabre.audio.codec import Resampler
from palabre.audio.decoders import Decoder
from palabre.audio.formats import MEDIA_TYPES, RATE, Encoder, encoder
from palabre.audio.labels import Label
from palabre.audio.ogg import Ogg
from palabre.audio.packets import (
    MULAW_RATE,
    OPUS_RATE,
    PACKET_MS,
    Mulaw,
    OpusPackets,
    OpusSound,
    Packets,
    packets,
)

__all__ = [
    "MEDIA_TYPES",
    "MULAW_RATE",
    "OPUS_RATE",
    "PACKET_MS",
    "RATE",
    "Decoder",
    "Encoder",
    "Label",
    "Mulaw",
    "Ogg",
    "OpusPackets",
    "OpusSound",
    "Packets",
    "Resampler",
    "encoder",
    "packets",
]
