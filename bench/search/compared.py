"""All systems at one size, on the same files, shown side by side."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.search import corpus
from bench.search.shown import show
from bench.search.systems import Limits, System, Trial, trial

QUESTIONS = 400
MOST_MORE = 10_000


def compare(size: int, systems: Sequence[System], mode: str, limits: Limits) -> list[Trial]:
    """One after the other. What comes in while they are asked is a tenth more."""
    done = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        corpus.write(folder, size, max(1_000, min(MOST_MORE, size // 10)), QUESTIONS)
        for system in systems:
            print(f"{size:,} passages: {system.name}…", flush=True)
            done.append(trial(system, mode, folder, folder, limits))
    show(size, done)
    return done
