"""What is counted of models that speak."""

from prometheus_client import Gauge

GPU_MEMORY = Gauge(
    "palabre_gpu_memory_bytes",
    "Memory of the GPU: used by the model, reserved for it, and total",
    ["kind"],
)
GPU_QUEUE = Gauge("palabre_gpu_queue", "Speeches that wait for the model, and the one it speaks")
