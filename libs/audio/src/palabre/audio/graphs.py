"""PyAV's filter graphs, without what they cost by default."""

import gc

from av.audio.resampler import AudioResampler
from av.filter import Graph

_THREADS = 1  # by default each graph starts one per core, for speech that takes a millisecond


def graph() -> Graph:
    """An empty one."""
    made = Graph()
    made.threads = _THREADS
    return made


def resampler(
    sample_format: str, layout: str | None = None, rate: int | None = None, frame: int | None = None
) -> AudioResampler:
    """To frames of `frame` samples (None: as they come); what is not given stays as it is."""
    return AudioResampler(sample_format, layout, rate, frame, threads=_THREADS)


def let_go(used: object) -> None:
    """Frees the buffers of a graph, a resampler or an encoder, which must not be fed again.

    A graph and its filters hold one another (PyAV 19, pull request 2380): up to half a megabyte
    each would wait for a full collection, minutes away.
    """
    for held in gc.get_referents(used):
        if isinstance(held, AudioResampler | Graph):
            let_go(held)
        elif isinstance(used, Graph) and isinstance(held, dict):
            held.clear()
