"""What can be cloned from, and what a hostile file can do: nothing."""

import numpy as np
import pytest

from palabre.audio import encoder, recordings
from palabre.audio.recordings import LONGEST_S, Recording, Unreadable, decode, judge, measure
from palabre.audio.testing import FORMATS, Samples, encoded, voice
from palabre.contracts.v1 import tts_pb2

RATE = 24_000


def found(samples: Samples, rate: int = RATE) -> list[str]:
    """Names of what is wrong."""
    rows = samples if samples.ndim == 2 else samples[None, :]
    return [fault.name for fault in judge([measure(Recording(rows, rate))])]


def noise(level: float, like: Samples) -> Samples:
    return np.asarray(np.random.default_rng(1).normal(0, level, like.shape))


def test_a_good_recording_has_no_fault() -> None:
    assert found(voice()) == []


@pytest.mark.parametrize(
    ("samples", "fault"),
    [
        (voice(5.5), "length"),
        (voice(31), "length"),
        (voice(level=100), "quiet"),
        (np.clip(voice() * 8.0, -32_767, 32_767).astype(np.int16), "clipping"),
        ((np.clip(voice() * 8.0, -32_767, 32_767) / 3).astype(np.int16), "clipping"),
        ((voice() + noise(700, voice())).astype(np.int16), "noise"),
        (np.concatenate([voice(8), np.zeros(RATE * 8, np.int16)]), "silence"),
        (np.stack([voice(), np.roll(voice(), 5_000)]), "channels"),
        (np.stack([voice()] * 3), "channels"),
    ],
)
def test_each_fault_is_named(samples: Samples, fault: str) -> None:
    assert fault in found(samples)


def test_a_telephone_s_rate_is_too_low() -> None:
    assert found(voice(rate=8_000), 8_000) == ["rate"]


def test_two_channels_that_say_the_same_are_one_voice() -> None:
    assert found(np.stack([voice(), voice()])) == []


def test_several_short_recordings_count_together() -> None:
    half = measure(Recording(voice(4)[None, :], RATE))
    assert judge([half, half]) == []
    (fault,) = judge([half])
    assert "at least 6 s" in fault.message


def test_a_fault_says_in_which_file_it_is_and_what_to_do() -> None:
    good, bad = (measure(Recording(s[None, :], RATE)) for s in (voice(), voice(level=100)))
    (fault,) = judge([good, bad])
    assert fault.message.startswith("file 2: it is too quiet")


def test_loudness_is_that_of_the_standard() -> None:
    """EBU Tech 3341, case 1, in mono: a 997 Hz sine at -20 dBFS peak is at -23.0 LUFS."""
    at = np.arange(RATE * 20) / RATE
    sine = (np.sin(2 * np.pi * 997 * at) * 32_767 / 10).astype(np.int16)
    assert recordings.loudness(sine, RATE) == pytest.approx(-23.0, abs=0.1)
    assert recordings.loudness(np.zeros(RATE, np.int16), RATE) == -70


def test_a_file_that_never_ends_is_decoded_for_a_minute_of_sound() -> None:
    """Eleven hours of silence are 32 MiB of nothing as FLAC, and 7 GB as samples."""
    silence = np.zeros(RATE * 60, np.int16).tobytes()
    made = encoder(tts_pb2.AUDIO_FORMAT_FLAC)
    data = b"".join(made.feed(silence, RATE) for _ in range(5)) + made.close()
    assert decode(data).samples.shape[1] <= (LONGEST_S + 1) * RATE


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_file_is_read_or_refused(seed: int) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(encoded(FORMATS[seed % len(FORMATS)], voice(1)))
    for place in random.integers(0, len(data), 40):
        data[place] = int(random.integers(0, 256))
    try:
        samples = decode(bytes(data)).samples
    except Unreadable:
        return
    assert samples.shape[1] <= (LONGEST_S + 1) * recordings.HIGHEST_RATE * 4
