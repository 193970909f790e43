"""Which metrics exist: those of our code, and those that others document."""

import re
from functools import cache

from prometheus_client import Histogram

from docs.metrics import Metric, metrics
from palabre.channels import metrics as waits

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
    "deriv", "histogram_quantile", "avg_over_time", "min_over_time", "max_over_time", "scalar",
    "vector", "time",
}  # fmt: skip
# What stands in a query beside names of metrics: strings, selectors, ranges, lists of labels.
_BESIDE = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|ignoring) \([^)]*\)|\b\d[\w.]*')
_NAME = re.compile(r"[a-zA-Z_:][\w:]*")


@cache
def names() -> frozenset[str]:
    """Of all series that may exist."""
    return frozenset(FOREIGN | {name for metric in metrics() for name in _series(metric)})


@cache
def told_by() -> dict[str, tuple[str, ...]]:
    """The services that tell a series of ours."""
    return {name: metric.services for metric in metrics() for name in _series(metric)}


def _series(metric: Metric) -> set[str]:
    ends = ("_bucket", "_count", "_sum") if metric.kind == "histogram" else ("",)
    return {metric.name + end for end in ends}


def named(expression: str) -> set[str]:
    """The metrics that a query of ours asks for."""
    return set(_NAME.findall(_BESIDE.sub(" ", expression))) - _WORDS


def boundaries(histogram: str) -> set[str]:
    """The values of `le` of a histogram of what people wait for."""
    made = (m for m in vars(waits).values() if isinstance(m, Histogram) and m._name == histogram)
    return {format(bound, "g") for each in made for bound in each._upper_bounds}
