"""Recordings of a person's voice: decoded, measured, and judged for what can be cloned from them.

Decodes what strangers send: run it through `checking.py`, which gives it a process of its own.
"""

import io
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import av
import numpy as np
from av.filter import Graph

from palabre.audio import graphs

MAX_BYTES = 32 << 20
TOTAL_S = (6.0, 30.0)
LONGEST_S = 2 * TOTAL_S[1]  # of one file: what is longer is not decoded to its end
LOWEST_RATE, HIGHEST_RATE = 22_050, 48_000
LOUDNESS = (-33.0, -12.0)  # LUFS
CLIPPED = 0.0005
SILENT = 0.4
QUIET_DB = 30.0  # so far below the voice, a moment counts as silent
LEAST_SNR_DB = 20.0
SIDE_DB = -20.0  # the difference of two channels against their sum
_WINDOW_S = 0.02
_FLAT = 0.995  # of the peak
_FLAT_RUN = 3  # samples

# By its first bytes: FFmpeg's own guess might choose a playlist, which opens addresses.
_DEMUXERS: tuple[tuple[int, bytes, str], ...] = (
    (8, b"WAVE", "wav"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"\xff\xf1", "aac"),
    (0, b"\xff\xf9", "aac"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xf3", "mp3"),
    (0, b"\xff\xfa", "mp3"),
    (0, b"\xff\xf2", "mp3"),
    (0, b"\xff\xe3", "mp3"),
    (4, b"ftyp", "mov"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
)
_CODECS = frozenset({"flac", "opus", "libopus", "vorbis", "mp3", "mp3float", "aac", "alac"})
FORMATS = "WAV, FLAC, Ogg, MP3, AAC, M4A or WebM"


class Unreadable(ValueError):
    """Nothing can be decoded. The message is a sentence with a remedy."""


@dataclass(frozen=True, slots=True)
class Recording:
    """`samples`: int16, one row a channel, at most LONGEST_S seconds."""

    samples: np.ndarray
    rate: int

    @property
    def mono(self) -> np.ndarray:
        return self.samples.mean(axis=0).astype(np.int16)

    @property
    def wav(self) -> bytes:
        """Mono, 16 bits, at most HIGHEST_RATE."""
        rate = min(self.rate, HIGHEST_RATE)
        pcm = self.mono if rate == self.rate else _resampled(self.mono, self.rate, rate)
        out = io.BytesIO()
        with wave.open(out, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(pcm.tobytes())
        return out.getvalue()


@dataclass(frozen=True, slots=True)
class Measures:
    """Of one file. Shares are of 1; levels in dB below full scale, loudness by ITU-R BS.1770."""

    seconds: float
    rate: int
    channels: int
    loudness: float  # LUFS, integrated
    clipped: float  # share of samples in flat tops
    silent: float  # share of moments far below the voice
    noise_floor: float
    snr: float  # the voice above the noise floor
    side: float  # what differs between two channels, against what they share


@dataclass(frozen=True, slots=True)
class Fault:
    """`name` is one word; `message` says what to do."""

    name: str
    message: str


def decode(data: bytes) -> Recording:
    """Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable(f"it has {len(data) >> 20} MiB: send at most {MAX_BYTES >> 20} MiB")
    # Nothing but these bytes: no other file, no address.
    options = {"protocol_whitelist": "none", "enable_drefs": "0"}
    try:
        with av.open(io.BytesIO(data), "r", format=_demuxer(data), options=options) as file:
            return _decoded(file)
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"it is damaged: export it anew as one of {FORMATS}") from error


def measure(recording: Recording) -> Measures:
    mono = recording.mono
    levels = _levels(mono, recording.rate)
    voice, floor = np.percentile(levels, (95, 5)) if len(levels) else (-100.0, -100.0)
    return Measures(
        seconds=round(len(mono) / recording.rate, 3),
        rate=recording.rate,
        channels=len(recording.samples),
        loudness=round(loudness(mono, recording.rate), 1),
        clipped=round(_clipped(recording.samples), 5),
        silent=round(float(np.mean(levels < voice - QUIET_DB)), 3) if len(levels) else 1.0,
        noise_floor=round(float(floor), 1),
        snr=round(float(voice - floor), 1),
        side=round(_side(recording.samples), 1),
    )


def checked_wav(data: bytes) -> float:
    """The seconds of a WAV file that is as `Recording.wav` makes it. Raises ValueError."""
    try:
        with wave.open(io.BytesIO(data), "rb") as file:
            shape = (file.getnchannels(), file.getsampwidth())
            rate, frames = file.getframerate(), file.getnframes()
    except (wave.Error, EOFError) as error:
        raise ValueError("no WAV") from error
    if shape != (1, 2) or not 0 < rate <= HIGHEST_RATE:
        raise ValueError("not mono of 16 bits")
    return frames / rate


def faults(of: Measures) -> list[Fault]:
    """What is wrong with one file, but its length."""
    return [fault for fault in _faults(of) if fault]


def length(measured: Iterable[Measures]) -> list[Fault]:
    """What is wrong with the length of all files together."""
    total, (least, most) = sum(each.seconds for each in measured), TOTAL_S
    if total < least:
        remedy = f"record at least {least:g} s of speech"
    elif total > most:
        remedy = f"cut it to at most {most:g} s: more does not make the voice better"
    else:
        return []
    return [Fault("length", f"it lasts {total:.1f} s: {remedy}")]


def loudness(mono: np.ndarray, rate: int) -> float:
    """Integrated, in LUFS (FFmpeg's ebur128); -70 for silence or less than 0.4 s."""
    graph = graphs.graph()
    source = graph.add_abuffer(sample_rate=rate, format="s16", layout="mono")
    meter, sink = graph.add("ebur128", "metadata=1"), graph.add("abuffersink")
    graph.link_nodes(source, meter, sink).configure()
    source.push(_frame(mono, rate))
    source.push(None)
    found = -70.0
    while (frame := _pulled(graph)) is not None:
        found = float(frame.metadata.get("lavfi.r128.I", found))
    return max(found, -70.0)


def _demuxer(data: bytes) -> str:
    start = _after_id3(data)
    for place, magic, name in _DEMUXERS:
        if data.startswith(magic, start + place):
            return name
    raise Unreadable(f"it is no sound that can be read here: send one of {FORMATS}")


def _after_id3(data: bytes) -> int:
    """Where the sound begins: MP3 and AAC may have a tag before it (ID3v2.4, section 3.1)."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _decoded(file: av.container.InputContainer) -> Recording:
    if not file.streams.audio:
        raise Unreadable(f"it holds no sound: send one of {FORMATS}")
    stream = file.streams.audio[0]
    context = stream.codec_context
    if context.name not in _CODECS and not context.name.startswith("pcm_"):
        raise Unreadable(f"its codec {context.name[:20]!r} is not read here: send {FORMATS}")
    context.thread_count = 1
    resampler = graphs.resampler("s16p")  # the rate and the channels stay
    pieces, samples = [], 0
    for frame in file.decode(stream):
        if frame.sample_rate > 192_000 or len(frame.layout.channels) > 8:
            raise Unreadable(f"its rate or channels are not those of speech: send {FORMATS}")
        pieces += [piece.to_ndarray() for piece in resampler.resample(frame)]
        samples += frame.samples
        if samples > LONGEST_S * frame.sample_rate:
            break
    if not pieces:
        raise Unreadable("it is empty: record it again")
    return Recording(np.concatenate(pieces, axis=1), stream.rate)


def _faults(of: Measures) -> Iterator[Fault | None]:
    if of.channels > 2 or (of.channels == 2 and of.side > SIDE_DB):
        yield Fault(
            "channels", f"its {of.channels} channels differ: record one microphone, export mono"
        )
    if of.rate < LOWEST_RATE:
        yield Fault("rate", f"it has {of.rate} Hz: record at {LOWEST_RATE} Hz or more")
    if of.loudness < LOUDNESS[0]:
        yield Fault("quiet", f"it is too quiet ({of.loudness} LUFS): come closer, or raise it")
    if of.loudness > LOUDNESS[1]:
        yield Fault("loud", f"it is too loud ({of.loudness} LUFS): record with less gain")
    if of.clipped > CLIPPED:
        yield Fault(
            "clipping",
            f"{of.clipped:.2%} of it is clipped: record again with less gain (to turn it down"
            " afterwards does not mend it)",
        )
    if of.silent > SILENT:
        yield Fault("silence", f"{of.silent:.0%} of it is silence: cut the pauses")
    if of.snr < LEAST_SNR_DB:
        yield Fault(
            "noise",
            f"the voice is only {of.snr:g} dB above the background: record one voice, without"
            " music, in a quiet room",
        )


def _levels(mono: np.ndarray, rate: int) -> np.ndarray:
    """Of each 20 ms, in dB below full scale."""
    window = round(rate * _WINDOW_S)
    whole = mono[: len(mono) // window * window].reshape(-1, window).astype(np.float64)
    power: np.ndarray = np.mean((whole / 32_768) ** 2, axis=1)
    levels: np.ndarray = 10 * np.log10(np.maximum(power, 1e-10))
    return levels


def _clipped(samples: np.ndarray) -> float:
    """The share of samples that stand in a row at the peak: a natural peak is a point."""
    peak = np.abs(samples.astype(np.int32)).max(initial=1)
    flat = np.abs(samples.astype(np.int32)) >= max(peak * _FLAT, 1_000)
    rows = sum((np.roll(flat, shift, axis=1) for shift in range(_FLAT_RUN)), np.zeros(1, int))
    return float(np.mean(rows == _FLAT_RUN))


def _side(samples: np.ndarray) -> float:
    if len(samples) != 2:
        return -100.0
    left, right = samples.astype(np.float64)
    middle, side = np.mean((left + right) ** 2), np.mean((left - right) ** 2)
    return float(10 * np.log10(max(side, 1e-10) / max(middle, 1e-10)))


def _resampled(mono: np.ndarray, source: int, rate: int) -> np.ndarray:
    resampler = graphs.resampler("s16", "mono", rate)
    frames = resampler.resample(_frame(mono, source)) + resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def _frame(mono: np.ndarray, rate: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(mono[None, :], format="s16", layout="mono")
    frame.sample_rate = rate
    return frame


def _pulled(graph: Graph) -> av.AudioFrame | None:
    try:
        frame = graph.pull()
    except (av.error.BlockingIOError, av.error.EOFError):
        return None
    assert isinstance(frame, av.AudioFrame)  # noqa: S101
    return frame


def judge(each: Sequence[Measures]) -> list[Fault]:
    """All that is wrong with recordings that one voice shall be cloned from."""
    numbered = [
        Fault(fault.name, f"file {number}: {fault.message}" if len(each) > 1 else fault.message)
        for number, measures in enumerate(each, 1)
        for fault in faults(measures)
    ]
    return numbered + length(each)
