import io
import itertools
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from av.filter import Graph

from palabre.audio import (
    MEDIA_TYPES,
    MULAW_RATE,
    OPUS_RATE,
    RATE,
    Mulaw,
    Ogg,
    OpusPackets,
    OpusSound,
    encoder,
    packets,
)
from palabre.chassis.testing import no_circles_of
from palabre.contracts.v1 import tts_pb2, turns_pb2

FORMATS = [f for f in tts_pb2.AudioFormat.values() if f != tts_pb2.AUDIO_FORMAT_UNSPECIFIED]
NAMES = [tts_pb2.AudioFormat.Name(f) for f in FORMATS]
every_format = pytest.mark.parametrize("audio_format", FORMATS, ids=NAMES)
HEADERLESS = {
    tts_pb2.AUDIO_FORMAT_PCM: ("s16le", RATE),
    tts_pb2.AUDIO_FORMAT_MULAW: ("mulaw", MULAW_RATE),
}
# AAC comes in packets of 43 ms and cannot say how much of its first and last one is none.
PADDING_S = {tts_pb2.AUDIO_FORMAT_AAC: 0.09}
LATE = (tts_pb2.AUDIO_FORMAT_MP3, tts_pb2.AUDIO_FORMAT_FLAC, tts_pb2.AUDIO_FORMAT_AAC)
TONE_HZ = 440


def tone(seconds: float, rate: int = 22_050) -> bytes:
    t = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * TONE_HZ * t) * 9000).astype("<i2").tobytes()


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def pieces(pcm: bytes, samples: int) -> Iterator[bytes]:
    return (bytes(chunk) for chunk in itertools.batched(pcm, samples * 2))


def encode(
    audio_format: tts_pb2.AudioFormat.ValueType, pcm: bytes, rate: int, samples: int = 441
) -> bytes:
    made = encoder(audio_format)
    return b"".join(made.feed(p, rate) for p in pieces(pcm, samples)) + made.close()


def decode(
    audio_format: tts_pb2.AudioFormat.ValueType, data: bytes
) -> tuple[np.typing.NDArray[np.generic], int]:
    name, rate = HEADERLESS.get(audio_format, ("", 0))
    options = {"sample_rate": str(rate)} if rate else {}
    with av.open(io.BytesIO(data), "r", format=name or None, options=options) as file:
        frames = [frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)]
        return np.concatenate(frames), file.streams.audio[0].rate


def pitch(sound: np.typing.NDArray[np.generic], rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(sound.astype(float)))
    return float(np.argmax(spectrum) * rate / len(sound))


@every_format
@pytest.mark.parametrize("seconds", [0.03, 1.0, 1.234, 3.01])
def test_it_decodes_to_the_same_sound_and_duration(
    audio_format: tts_pb2.AudioFormat.ValueType, seconds: float
) -> None:
    sound, rate = decode(audio_format, encode(audio_format, tone(seconds), 22_050))
    assert len(sound) / rate == pytest.approx(seconds, abs=PADDING_S.get(audio_format, 0.04))
    if seconds >= 1:
        assert pitch(sound, rate) == pytest.approx(TONE_HZ, abs=2)


@every_format
def test_the_rate_may_change_on_the_way(audio_format: tts_pb2.AudioFormat.ValueType) -> None:
    made = encoder(audio_format)
    data = made.feed(tone(1, 22_050), 22_050) + made.feed(tone(1, 16_000), 16_000) + made.close()
    sound, rate = decode(audio_format, data)
    assert len(sound) / rate == pytest.approx(2, abs=PADDING_S.get(audio_format, 0.04))
    assert pitch(sound, rate) == pytest.approx(TONE_HZ, abs=2)


@every_format
def test_the_size_of_the_chunks_does_not_matter(
    audio_format: tts_pb2.AudioFormat.ValueType,
) -> None:
    small, large = (
        decode(audio_format, encode(audio_format, tone(1), 22_050, samples))[0]
        for samples in (100, 5000)
    )
    assert len(small) == len(large)


@every_format
def test_what_it_took_is_let_go_at_its_end(audio_format: tts_pb2.AudioFormat.ValueType) -> None:
    with no_circles_of(Graph):
        encode(audio_format, tone(0.3), 16_000)


@every_format
def test_no_thread_is_started_for_it(audio_format: tts_pb2.AudioFormat.ValueType) -> None:
    before = threads()
    made = encoder(audio_format)
    made.feed(tone(0.3), 16_000)
    assert threads() == before


@every_format
def test_sound_leaves_soon_after_it_came(audio_format: tts_pb2.AudioFormat.ValueType) -> None:
    made = encoder(audio_format)
    first = made.feed(tone(0.06), 22_050)
    more = made.feed(tone(0.14), 22_050)
    soon = audio_format not in LATE
    assert len(first if soon else more) > 60


def test_the_first_sound_in_ogg_can_be_decoded_after_60_ms() -> None:
    made = encoder(tts_pb2.AUDIO_FORMAT_OPUS)
    sound, rate = decode(tts_pb2.AUDIO_FORMAT_OPUS, made.feed(tone(0.06), 22_050))
    assert len(sound) / rate >= 0.03


@every_format
def test_half_a_sample_is_refused(audio_format: tts_pb2.AudioFormat.ValueType) -> None:
    with pytest.raises(ValueError, match="buffer size"):
        encoder(audio_format).feed(b"\0\0\0", 22_050)


@every_format
def test_no_sound_still_gives_a_file_that_ends(audio_format: tts_pb2.AudioFormat.ValueType) -> None:
    assert isinstance(encoder(audio_format).close(), bytes)


@every_format
def test_it_has_a_media_type(audio_format: tts_pb2.AudioFormat.ValueType) -> None:
    assert MEDIA_TYPES[audio_format].startswith("audio/")


def test_opus_packets_are_of_20_ms_and_decode_again() -> None:
    made, decoder = OpusPackets(), OpusSound()
    packed = made.feed(tone(1.01), 22_050) + made.close()
    sounds = [decoder.feed(packet) for packet in packed]
    assert [len(sound) for sound in sounds] == [OPUS_RATE // 50 * 2] * 51
    heard = np.frombuffer(b"".join(sounds), np.int16)
    assert pitch(heard, OPUS_RATE) == pytest.approx(TONE_HZ, abs=2)


def test_the_first_opus_packets_come_with_the_first_60_ms() -> None:
    assert len(OpusPackets().feed(tone(0.06), 22_050)) == 2


def test_mulaw_packets_are_of_160_bytes_and_filled_with_silence() -> None:
    made = Mulaw()
    packed = made.feed(tone(0.05), 22_050) + made.close()
    assert [len(packet) for packet in packed] == [160] * 3
    assert packed[-1].endswith(b"\xff" * 70)


def test_bytes_that_are_no_opus_packet_are_refused() -> None:
    with pytest.raises(ValueError, match="no Opus packet"):
        OpusSound().feed(b"\xff")


def test_ready_packets_are_packed_into_ogg_without_encoding_again() -> None:
    made, ogg = OpusPackets(), Ogg(serial=7)
    packed = made.feed(tone(1), 22_050) + made.close()
    data = b"".join(map(ogg.feed, packed)) + ogg.close()
    with av.open(io.BytesIO(data), "r") as file:
        assert [bytes(p) for p in file.demux(audio=0) if p.size] == packed


def test_a_packet_of_255_bytes_or_more_stays_whole_in_ogg() -> None:
    ogg = Ogg(serial=7)
    packed = [b"\xfc" + bytes([n % 256]) * size for n, size in enumerate((254, 255, 600))]
    data = b"".join(map(ogg.feed, packed)) + ogg.close()
    with av.open(io.BytesIO(data), "r") as file:
        assert [bytes(p) for p in file.demux(audio=0) if p.size] == packed


def test_the_encoder_of_an_event_follows_its_encoding() -> None:
    assert isinstance(packets(turns_pb2.AUDIO_ENCODING_MULAW), Mulaw)
    assert isinstance(packets(turns_pb2.AUDIO_ENCODING_OPUS), OpusPackets)
    assert isinstance(packets(turns_pb2.AUDIO_ENCODING_UNSPECIFIED), OpusPackets)
