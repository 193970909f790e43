"""Logs, traces and metrics of every service."""

import logging
import sys
import traceback
from collections.abc import Callable, MutableMapping
from types import TracebackType
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

from palabre.chassis import tracing
from palabre.chassis.settings import ServiceSettings

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

STAGE_EVENTS = Counter(
    "palabre_stage_events_total",
    "Events that a stage has done with, by outcome",
    ["stage", "outcome"],
)
STAGE_IN_HAND = Gauge("palabre_stage_in_hand", "Events being handled", ["stage"])
STAGE_SECONDS = Histogram(
    "palabre_stage_seconds", "From pull to acknowledgement", ["stage"], buckets=SECONDS
)
STAGE_LAG = Gauge("palabre_stage_lag", "Events that wait for a stage", ["stage"])
STAGE_REDELIVERIES = Counter(
    "palabre_stage_redeliveries_total", "Events delivered more than once", ["stage"]
)
PUBLISH_SECONDS = Histogram(
    "palabre_publish_seconds", "From sending a fact until JetStream confirmed it", buckets=SECONDS
)
PUBLISH_FAILURES = Counter(
    "palabre_publish_failures_total",
    "Attempts to store a fact that JetStream did not confirm: each is made again for 20 seconds",
    ["reason"],
)
DEAD_LETTERS = Counter("palabre_dead_letters_total", "Events that can never succeed", ["stage"])
UNKNOWN_EVENTS = Counter(
    "palabre_unknown_events_total", "Events that only a newer version knows", ["stage"]
)
ENGINE_TOKENS = Counter(
    "palabre_engine_tokens_total", "Tokens by kind", ["engine", "model", "kind"]
)
ENGINE_FAILURES = Counter("palabre_engine_failures_total", "Failed calls", ["engine", "reason"])
SPANS_LOST = Counter("palabre_spans_lost_total", "Spans that the collector did not take")
VOICE_REFUSALS = Counter(
    "palabre_voice_refusals_total", "Voices that the registry did not let be used", ["reason"]
)


def start(service: str, settings: ServiceSettings) -> Callable[[], None]:
    """Sets up logs and traces of this process; what it returns sends the last spans."""
    _start_logs(service, settings)
    if not settings.traced:
        return lambda: None
    from palabre.chassis.exporting import Exporting  # requests, protobuf: 4 MB that most never use

    return Exporting(service).stop


def observe(histogram: Histogram, value: float, turn: str = "") -> None:
    """Counts a value, with the trace that it was measured in as an exemplar: call it in its span.

    An exemplar leads from a point of a graph to the trace; only sampled traces are kept somewhere.
    With a `turn`, it is that turn's: who shows an answer may do so in a request of its own.
    """
    kept = tracing.trace_id(turn) if tracing.is_on() else ""
    histogram.observe(value, {"trace_id": kept} if kept else None)


def _start_logs(service: str, settings: ServiceSettings) -> None:
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        _traced,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _names(service, console=settings.log_format == "console"),
        _without_words,
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0),
    ]
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_Lines(logging.BASIC_FORMAT))
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[lines], force=True)


def _names(service: str, *, console: bool) -> structlog.typing.Processor:
    def add(logger: Any, method: str, values: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if console:
            values["event"] = f"{service:<9} {values['event']}"
        else:
            values["service"] = service
        return values

    return add


def _traced(logger: Any, method: str, values: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The trace of the line's turn, else the one in hand; the turn is bound once it is known."""
    if trace := tracing.trace_id(str(values.get("turn", ""))):
        values["trace"] = trace
    return values


def _without_words(
    logger: Any, method: str, values: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    error = values.pop("exc_info", None)
    if error:
        error = error if isinstance(error, BaseException) else sys.exception()
    if error:
        values["exception"] = told(error)
    return values


def told(error: BaseException) -> str:
    """Where it was raised, and its type: its message may hold a person's words."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = f"{told(cause)}\nand then\n" if cause else ""
    kind = type(error)
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{before}{frames}{kind.__module__}.{kind.__qualname__}"


class _Lines(logging.Formatter):
    """Of libraries, which log by `logging`."""

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        return told(ei[1]) if ei[1] else ""
