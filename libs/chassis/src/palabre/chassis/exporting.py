"""Spans to an OTLP collector: one that is away, slow or refuses costs a line of the log, no more.

Sampling, queue, headers and so on are set by OpenTelemetry's own variables (OTEL_…).
"""

import logging
import threading
from collections.abc import Sequence

import structlog
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from palabre.chassis import tracing
from palabre.chassis.telemetry import SPANS_LOST

log = structlog.get_logger()

STOP_S = 2.0  # what the last spans get at shutdown: longer than a collector that is there needs


class Told(SpanExporter):
    """Says once that spans are lost, and once that they are not any more."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter, self._losing = exporter, False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        lost = result is not SpanExportResult.SUCCESS
        if lost:
            SPANS_LOST.inc(len(spans))
        if lost != self._losing:
            self._losing = lost
            tell = log.warning if lost else log.info
            tell("the collector does not take spans" if lost else "the collector takes spans again")
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class Exporting:
    """The way out of this process's spans."""

    def __init__(self, service: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        for noisy in ("opentelemetry.exporter", "urllib3"):  # a line for each attempt
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        self._exporter = Told(OTLPSpanExporter())
        resource = Resource.create({"service.name": f"palabre-{service}"})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        tracing.record(self._provider)

    def stop(self) -> None:
        """Sends what is left, for STOP_S at most."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(STOP_S)
