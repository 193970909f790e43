"""Resamples and encodes mono speech as it comes, with PyAV (its wheel brings FFmpeg's libraries).

Everywhere, `pcm` is signed 16-bit little-endian mono in whole samples (ValueError otherwise), and
its rate may change between two chunks: another engine may take over.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import av
import numpy as np
from av.audio.resampler import AudioResampler

from palabre.audio import graphs


class Resampler:
    """Speech of any rate -> frames of one rate, `frame` samples each (0: as they come)."""

    def __init__(self, rate: int, frame: int = 0, sample_format: str = "s16") -> None:
        self._rate, self._frame, self._format = rate, frame, sample_format
        self._source = 0
        self._resampler: AudioResampler | None = None

    def feed(self, pcm: bytes, rate: int) -> list[av.AudioFrame]:
        samples = np.frombuffer(pcm, np.int16)
        before = self.close() if rate != self._source else []
        if not len(samples):
            return before
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = rate
        return before + self._from(rate).resample(frame)

    def close(self) -> list[av.AudioFrame]:
        """What was held back; the last frame may be short. Feeding again begins anew."""
        if self._resampler is None:
            return []
        rest = self._resampler.resample(None)
        graphs.let_go(self._resampler)
        self._resampler = None
        return [frame for frame in rest if frame.samples]

    def _from(self, rate: int) -> AudioResampler:
        if self._resampler is None:
            self._source = rate
            self._resampler = graphs.resampler(
                self._format, "mono", self._rate, self._frame or None
            )
        return self._resampler


class Codec:
    """Encodes speech into packets of `frame` samples of `rate`.

    `whole`: the last packet is filled up with silence, and none is spent on flushing the encoder.
    """

    def __init__(
        self,
        name: str,
        rate: int,
        frame: int,
        *,
        sample_format: str = "s16",
        bit_rate: int = 0,
        whole: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> None:
        context: Any = av.CodecContext.create(name, "w")
        context.sample_rate, context.layout, context.format = rate, "mono", sample_format
        context.options = dict(options or {})
        if bit_rate:
            context.bit_rate = bit_rate
        context.open()
        self._context, self._frame, self._whole = context, frame, whole
        self._resampler = Resampler(rate, frame, sample_format)

    @property
    def header(self) -> bytes:
        """What a decoder must know before the packets; empty for most codecs."""
        return bytes(self._context.extradata or b"")

    def feed(self, pcm: bytes, rate: int) -> list[bytes]:
        return self._encode(self._resampler.feed(pcm, rate))

    def close(self) -> list[bytes]:
        """The last packets; it must not be fed again."""
        rest = self._resampler.close()
        if self._whole:
            packets = self._encode(self._filled(frame) for frame in rest)
        else:
            packets = self._encode(rest) + self._packets(None)
        graphs.let_go(self._context)
        return packets

    def _encode(self, frames: Iterable[av.AudioFrame]) -> list[bytes]:
        return [packet for frame in frames for packet in self._packets(frame)]

    def _packets(self, frame: av.AudioFrame | None) -> list[bytes]:
        if frame is not None:
            frame.pts = None  # they begin again when the rate changes
        return [bytes(packet) for packet in self._context.encode(frame)]

    def _filled(self, frame: av.AudioFrame) -> av.AudioFrame:
        samples = np.zeros((1, self._frame), np.int16)
        samples[:, : frame.samples] = frame.to_ndarray()
        filled = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        filled.sample_rate = frame.sample_rate
        return filled
