import struct

import numpy as np
import pytest

from palabre.audio import Decoder, encoder
from palabre.contracts.v1 import tts_pb2 as pb

RATE = 24_000


def hum(seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    return (np.sin(2 * np.pi * 220 * time) * 8_000).astype("<i2")


def decoded(data: bytes, piece: int = 700, rate: int = RATE) -> tuple[np.ndarray, int]:
    decoder = Decoder(rate)
    pieces = [decoder.feed(data[n : n + piece]) for n in range(0, len(data), piece)]
    return np.frombuffer(b"".join(pieces) + decoder.close(), "<i2"), decoder.rate


@pytest.mark.parametrize("piece", [1, 700, 1 << 20])
@pytest.mark.parametrize(
    "kind",
    [
        pb.AUDIO_FORMAT_WAV,
        pb.AUDIO_FORMAT_MP3,
        pb.AUDIO_FORMAT_OPUS,
        pb.AUDIO_FORMAT_PCM,
    ],
)
def test_what_we_encode_is_decoded_in_pieces_of_any_size(
    kind: pb.AudioFormat.ValueType, piece: int
) -> None:
    made = encoder(kind)
    data = made.feed(hum().tobytes(), RATE) + made.close()
    found, rate = decoded(data, piece)
    assert len(found) / rate == pytest.approx(1.0, abs=0.08)
    assert np.sqrt(np.mean(found.astype(float) ** 2)) == pytest.approx(8_000 / 2**0.5, rel=0.1)
    crossings = np.count_nonzero(np.diff(np.signbit(found.astype(int))))
    assert crossings / (len(found) / rate) == pytest.approx(440, rel=0.05)


def test_sound_comes_before_the_file_ends() -> None:
    made = encoder(pb.AUDIO_FORMAT_MP3)
    data = made.feed(hum(3).tobytes(), RATE) + made.close()
    decoder = Decoder(RATE)
    assert decoder.feed(data[: len(data) // 3])


def wav(tag: int = 1, channels: int = 1, bits: int = 16, rate: int = 16_000) -> bytes:
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, bits)
    note = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    chunks = note + b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", 8)
    return b"RIFF" + struct.pack("<I", 0) + b"WAVE" + chunks


def test_a_wav_file_says_its_rate_and_what_follows_its_sound_is_left_out() -> None:
    found, rate = decoded(wav() + struct.pack("<4h", 1, 2, 3, 4) + b"LIST....", piece=5)
    assert (found.tolist(), rate) == ([1, 2, 3, 4], 16_000)


def test_two_channels_become_one() -> None:
    found, _ = decoded(wav(channels=2) + struct.pack("<4h", 100, 300, 0, 50))
    assert found.tolist() == [200, 25]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (wav(tag=3, bits=32), "only 16-bit PCM"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0....", "without a format"),
        (b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 9_000, "without sound"),
        (b"fLaC" + b"\0" * 40, "ask for WAV"),
        (b"OggS" + b"\0" * 22 + b"\1\1x" + b"nonsense" * 8, "no Ogg page"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decoded(data)


@pytest.mark.parametrize("data", [b"", b"\1", b"\1\0\2"])
def test_a_few_bytes_are_whole_samples(data: bytes) -> None:
    found, rate = decoded(data)
    assert (len(found), rate) == (len(data) // 2, RATE)
