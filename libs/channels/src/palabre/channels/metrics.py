"""What turns take for those who wait, measured where the answer is shown."""

from prometheus_client import Counter, Histogram

_SECONDS = (
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 15, 20, 30, 60, 120, 300,
)  # fmt: skip

FIRST_TOKEN = Histogram(
    "palabre_turn_first_token_seconds",
    "From a turn's admission to the first piece of its answer that could be shown",
    ["channel"],
    buckets=_SECONDS,
)
WHOLE = Histogram(
    "palabre_turn_seconds",
    "From a turn's admission to the end of its answer, or to its failure; not of cancelled turns",
    ["channel"],
    buckets=_SECONDS,
)
FIRST_AUDIO = Histogram(
    "palabre_turn_first_audio_seconds",
    "From a turn's admission to the first sound of its answer that was given to a listener",
    ["channel"],
    buckets=_SECONDS,
)
VOICE_GAPS = Counter(
    "palabre_voice_gaps_total",
    "Times that a listener's sound ran out for a tenth of a second before more came",
    ["channel"],
)
VOICE_SECONDS = Counter(
    "palabre_voice_seconds_total", "Seconds of sound that were given to listeners", ["channel"]
)
