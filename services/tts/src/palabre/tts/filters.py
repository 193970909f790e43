"""How a voice is heard: over a telephone, from a radio, in a hall; and its pitch and pace changed.

Chains of FFmpeg's filters (PyAV), fed piece by piece. https://ffmpeg.org/ffmpeg-filters.html
"""

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np

from palabre.audio import graphs
from palabre.tts.loudness import Samples

# Fourth-order edges. The hall: echoes off walls 8 to 45 m away, none at a multiple of another.
FILTERS: dict[str, tuple[str, ...]] = {
    "telephone": (
        "highpass=f=300",
        "highpass=f=300",
        "lowpass=f=3400",
        "lowpass=f=3400",
        "acompressor=threshold=0.05:ratio=3:attack=5:release=80:makeup=2.5",
    ),
    "radio": (
        "highpass=f=180",
        "lowpass=f=6000",
        "acompressor=threshold=0.06:ratio=4:attack=5:release=80:makeup=2",
        "asoftclip=type=tanh",
    ),
    "hall": (
        "aecho=in_gain=0.8:out_gain=0.8:delays=47|71|109|149|193|263"
        ":decays=0.32|0.26|0.2|0.15|0.1|0.06",
        "lowpass=f=7000",
    ),
}


class Chain:
    """Sound of one rate through filters, with their state; `close` gives the rest and the tail."""

    def __init__(self, filters: Sequence[str], rate: int) -> None:
        self._rate, self._fed, self._graph = rate, 0, graphs.graph()
        places = [self._graph.add_abuffer(
            sample_rate=rate, format="flt", layout="mono", time_base=Fraction(1, rate)
        )]  # fmt: skip
        for name, _, options in (f.partition("=") for f in (*filters, "aformat=sample_fmts=flt")):
            places.append(self._graph.add(name, options))
        places.append(self._graph.add("abuffersink"))
        self._graph.link_nodes(*places).configure()

    def feed(self, samples: Samples) -> Samples:
        if not len(samples):
            return samples
        frame = av.AudioFrame.from_ndarray(
            samples.astype(np.float32)[None, :], format="flt", layout="mono"
        )
        frame.sample_rate, frame.pts = self._rate, self._fed
        self._fed += len(samples)
        self._graph.push(frame)
        return self._pulled()

    def close(self) -> Samples:
        self._graph.push(None)
        rest = self._pulled()
        graphs.let_go(self._graph)
        return rest

    def _pulled(self) -> Samples:
        pieces: list[Samples] = [np.zeros(0)]
        try:
            while True:
                pieces.append(self._graph.pull().to_ndarray().reshape(-1).astype(np.float64))
        except (av.error.BlockingIOError, av.error.EOFError):
            return np.concatenate(pieces)


def bent(rate: int, pace: float, pitch: float) -> tuple[str, ...]:
    """Filters that make speech `pace` times as fast and `pitch` times as high; none for 1 and 1."""
    steps = []
    if pitch != 1:
        steps += [f"asetrate={round(rate * pitch)}", f"aresample={rate}"]
    return (*steps, *_paced(pace / pitch))


def _paced(pace: float) -> list[str]:
    """`atempo` takes 0.5 at least, and drops sound above 2."""
    if abs(pace - 1) < 0.01:
        return []
    part = min(max(pace, 0.5), 2.0)
    return [f"atempo={part:.4f}", *_paced(pace / part)]
