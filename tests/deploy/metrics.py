"""Which metrics exist: those of our code, and those that others document."""

import importlib
import re
from functools import cache

from prometheus_client import REGISTRY, Histogram
from prometheus_client.metrics_core import Metric

MODULES = (
    "palabre.chassis.telemetry",
    "palabre.chassis.vitals",
    "palabre.channels.metrics",
    "palabre.gateway.http",
    "palabre.gateway.metrics",
    "palabre.llm.metrics",
    "palabre.retriever.metrics",
    "palabre.tts.metrics",
    "palabre.discord.metrics",
)
FOREIGN = {
    # Prometheus itself
    "ALERTS",
    "up",
    # github.com/prometheus/client_python, of each process
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    # github.com/nats-io/prometheus-nats-exporter, with -varz -jsz=all -healthz
    "gnatsd_healthz_status",
    "gnatsd_varz_in_msgs",
    "gnatsd_varz_mem",
    "gnatsd_varz_out_msgs",
    "gnatsd_varz_slow_consumers",
    "jetstream_consumer_num_ack_pending",
    # qdrant.tech/documentation/guides/monitoring
    "rest_responses_total",
    # github.com/NVIDIA/dcgm-exporter, etc/default-counters.csv
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_GPU_TEMP",
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_DEV_POWER_USAGE",
    "DCGM_FI_DEV_XID_ERRORS",
    # cert-manager.io/docs/devops-tips/prometheus-metrics
    "certmanager_certificate_expiration_timestamp_seconds",
}
_WORDS = {
    "by", "on", "or", "and", "unless", "offset", "sum", "min", "max", "count", "rate", "increase",
    "deriv", "histogram_quantile", "min_over_time", "max_over_time", "scalar", "vector", "time",
}  # fmt: skip
# What stands in a query beside names of metrics: strings, selectors, ranges, lists of labels.
_BESIDE = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|ignoring) \([^)]*\)|\b\d[\w.]*')
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")


@cache
def ours() -> dict[str, Metric]:
    """Each family of our code, by its name as Prometheus shows it."""
    for module in MODULES:
        importlib.import_module(module)
    families = [f for f in REGISTRY.collect() if f.name.startswith("palabre_")]
    return {f"{f.name}_total" if f.type == "counter" else f.name: f for f in families}


@cache
def names() -> frozenset[str]:
    """Of all series that may exist."""
    found = set(FOREIGN)
    for name, family in ours().items():
        ends = ("_bucket", "_count", "_sum") if family.type == "histogram" else ("",)
        found |= {name + end for end in ends}
    return frozenset(found)


def named(expression: str) -> set[str]:
    """The metrics that a query of ours asks for."""
    return set(_NAME.findall(_BESIDE.sub(" ", expression))) - _WORDS


def boundaries(histogram: str) -> set[str]:
    """The values of `le` of a histogram of ours."""
    (module,) = (m for m in MODULES if _of(m, histogram))
    return {format(bound, "g") for bound in _of(module, histogram)}


def _of(module: str, histogram: str) -> list[float]:
    made = vars(importlib.import_module(module)).values()
    found = (m for m in made if isinstance(m, Histogram) and m._name == histogram)
    return [bound for each in found for bound in each._upper_bounds]
