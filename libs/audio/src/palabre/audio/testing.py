"""For tests: sound that measures as speech does, and files of it."""

from typing import Any

import numpy as np

from palabre.audio import encoder
from palabre.contracts.v1 import tts_pb2

Samples = np.ndarray[Any, Any]
# Files of these tell what they hold.
FORMATS = (
    tts_pb2.AUDIO_FORMAT_OPUS,
    tts_pb2.AUDIO_FORMAT_MP3,
    tts_pb2.AUDIO_FORMAT_WAV,
    tts_pb2.AUDIO_FORMAT_FLAC,
    tts_pb2.AUDIO_FORMAT_AAC,
)


def voice(seconds: float = 10.0, level: float = 3_000.0, rate: int = 24_000) -> Samples:
    """Syllables of a buzz with harmonics, four a second, and a pause after each eighth one."""
    at = np.arange(round(seconds * rate)) / rate
    waves = [np.sin(2 * np.pi * 140 * n * at + n * n) / n for n in range(1, 20)]
    buzz: Samples = np.sum(waves, axis=0)
    syllables = np.abs(np.sin(np.pi * 4 * at)) * (at % 2.25 < 2)
    return np.asarray(buzz * syllables * level, np.int16)


def encoded(kind: tts_pb2.AudioFormat.ValueType, samples: Samples, rate: int = 24_000) -> bytes:
    made = encoder(kind)
    return made.feed(samples.tobytes(), rate) + made.close()
