"""What is counted of speech, and of the models that speak."""

from prometheus_client import Counter, Gauge, Histogram

from palabre.chassis.telemetry import SECONDS

GPU_MEMORY = Gauge(
    "palabre_gpu_memory_bytes",
    "Memory of the GPU: used by the model, reserved for it, and total",
    ["kind"],
)
GPU_QUEUE = Gauge("palabre_gpu_queue", "Speeches that wait for the model, and the one it speaks")
SPEECH_FIRST_AUDIO = Histogram(
    "palabre_speech_first_audio_seconds",
    "From the segment to its first sound",
    ["engine"],
    buckets=SECONDS,
)
SPEECH_REALTIME_FACTOR = Histogram(
    "palabre_speech_realtime_factor",
    "Seconds of work per second of sound",
    ["engine"],
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.3, 0.6, 1, 2),
)
SPEECH_FALLBACKS = Counter(
    "palabre_speech_fallbacks_total",
    "Speech of which the first sound is not from the engine that was to speak",
    ["wanted", "spoken"],
)
