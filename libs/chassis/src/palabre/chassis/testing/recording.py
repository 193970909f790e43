"""Spans kept in memory."""

import contextlib
from collections.abc import Iterator

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from palabre.chassis import tracing


class Recorded:
    """Spans of this process that have ended."""

    def __init__(self, sampler: Sampler = ALWAYS_ON) -> None:
        self._kept = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))

    @property
    def spans(self) -> list[ReadableSpan]:
        """In the order of their ends."""
        return list(self._kept.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]


@contextlib.contextmanager
def recorded(sampler: Sampler = ALWAYS_ON) -> Iterator[Recorded]:
    """While entered, there are spans."""
    kept = Recorded(sampler)
    tracing.record(kept.provider)
    try:
        yield kept
    finally:
        tracing.record(None)
