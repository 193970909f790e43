"""What graphs say of traces."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.openmetrics.exposition import generate_latest

from palabre.chassis import telemetry, tracing
from palabre.chassis.testing import recorded


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def seconds(registry: CollectorRegistry) -> Histogram:
    return Histogram("seconds", "Of a test", ["stage"], registry=registry)


def exposed(registry: CollectorRegistry) -> str:
    return str(generate_latest(registry).decode())  # type: ignore[no-untyped-call]


def test_what_is_measured_in_a_span_leads_to_its_trace(
    registry: CollectorRegistry, seconds: Histogram
) -> None:
    with recorded(), tracing.span("work") as span:
        telemetry.observe(seconds.labels("answer"), 0.2)
    trace_id = trace.format_trace_id(span.get_span_context().trace_id)
    [line] = [line for line in exposed(registry).splitlines() if trace_id in line]
    assert line.startswith('seconds_bucket{le="0.25",stage="answer"} 1.0 # {trace_id=')


def test_what_is_measured_outside_of_spans_is_counted_without_a_trace(
    registry: CollectorRegistry, seconds: Histogram
) -> None:
    with recorded():
        telemetry.observe(seconds.labels("answer"), 0.2)
    assert 'seconds_count{stage="answer"} 1.0' in exposed(registry)
    assert "trace_id" not in exposed(registry)


def test_a_trace_that_nobody_keeps_is_not_pointed_to(
    registry: CollectorRegistry, seconds: Histogram
) -> None:
    with recorded(ALWAYS_OFF), tracing.span("work"):
        telemetry.observe(seconds.labels("answer"), 0.2)
    assert 'seconds_count{stage="answer"} 1.0' in exposed(registry)
    assert "trace_id" not in exposed(registry)
