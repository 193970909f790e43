"""Spans of OpenTelemetry: one turn is one trace, from where it was asked to what was shown of it.

Without an exporter there are none, since they would cost a tenth of a turn's CPU; what a caller
says of its own trace is passed on all the same.

No span has a person's words or name, the name of a file, or a token in it: an exception is told by
its type, a path by its pattern.
"""

import asyncio
import contextlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType

import structlog
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span as SdkSpan, SpanProcessor, TracerProvider
from opentelemetry.trace import (
    Link,
    Span as Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from palabre.chassis import events
from palabre.chassis.deliveries import Message
from palabre.contracts.v1 import events_pb2 as pb

CLIENT, SERVER = SpanKind.CLIENT, SpanKind.SERVER
CAUSE = "Palabre-Cause"  # header: the trace context of what this was begun anew for
_TURNS = 5_000  # turns whose trace is remembered
_W3C = ("traceparent", "tracestate")
_BAGGAGE = "baggage"  # W3C: tells who serves a call whose turn it is

_propagator = TraceContextTextMapPropagator()
# The trace context that came with what is in hand: passed on where nothing is recorded.
_passed: ContextVar[dict[str, str]] = ContextVar("passed", default={})  # noqa: B039 (never changed)
# Attributes that all spans have from here on: which turn it is.
_common: ContextVar[dict[str, str]] = ContextVar("common", default={})  # noqa: B039 (never changed)


@dataclass(slots=True)
class _State:
    tracer: Tracer | None = None  # OpenTelemetry's own looks into the environment each time
    turns: OrderedDict[str, SpanContext] = field(default_factory=OrderedDict)


_state = _State()


class _Common(SpanProcessor):
    """Which turn it is, on every span of it."""

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        span.set_attributes(_common.get())


def record(provider: TracerProvider | None) -> None:
    """From now on there are spans; none without a provider."""
    _state.turns.clear()
    _state.tracer = provider.get_tracer("palabre") if provider else None
    if provider:
        provider.add_span_processor(_Common())


def is_on() -> bool:
    return _state.tracer is not None


@contextlib.contextmanager
def span(
    name: str,
    headers: Mapping[str, str] | None = None,
    kind: SpanKind = SpanKind.CONSUMER,
    values: Mapping[str, AttributeValue] | None = None,
    *,
    parent: Context | None = None,
    links: Sequence[Link] = (),
) -> Iterator[Span]:
    """The current span while entered, of one task; its parent is in W3C headers, or `parent`."""
    if _state.tracer is None:
        token = _passed.set(_carried(headers or {}))
        try:
            yield trace.INVALID_SPAN
        finally:
            _passed.reset(token)
        return
    above = _propagator.extract(headers or {}, Context()) if parent is None else parent
    begun = _state.tracer.start_span(name, above, kind, values, links)
    attached = context.attach(trace.set_span_in_context(begun))
    try:
        with _ending(begun):
            yield begun
    finally:
        context.detach(attached)


@contextlib.contextmanager
def step(
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    values: Mapping[str, AttributeValue] | None = None,
    *,
    parent: Context | None = None,
) -> Iterator[Span]:
    """A span below the current one, or `parent`, that does not become current.

    So that it can be held by an async generator, which shares the context of whoever reads it.
    """
    if _state.tracer is None:
        yield trace.INVALID_SPAN
        return
    with _ending(_state.tracer.start_span(name, parent, kind, values)) as begun:
        yield begun


def begin(
    name: str,
    values: Mapping[str, AttributeValue],
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
) -> Span:
    """A step that its owner ends."""
    if _state.tracer is None:
        return trace.INVALID_SPAN
    return _state.tracer.start_span(name, parent, kind, values)


@contextlib.contextmanager
def _ending(begun: Span) -> Iterator[Span]:
    """Notes the type of what is raised, and nothing else of it: a message may hold words."""
    with contextlib.ExitStack() as stack:
        stack.callback(begun.end)
        stack.push(partial(_raised, begun))
        yield begun


def _raised(
    begun: Span, kind: object, error: BaseException | None, trace: TracebackType | None
) -> None:
    if isinstance(error, asyncio.CancelledError):
        begun.set_attribute("palabre.cancelled", True)
    elif isinstance(error, Exception):
        reason = str(getattr(error, "reason", ""))  # of an engine, say
        fail(begun, reason if reason.isidentifier() else type(error).__name__)


def fail(span: Span, reason: str) -> None:
    """`reason` is one of few: a type's name, an engine's reason."""
    span.set_attribute("error.type", reason)
    span.set_status(Status(StatusCode.ERROR))


def current() -> Span:
    """Of this task; one that keeps nothing where there is none."""
    return trace.get_current_span() if is_on() else trace.INVALID_SPAN


def trace_id(turn: str = "") -> str:
    """Of the turn's trace, or the one in hand, if it is sampled; else of what is passed on."""
    if not is_on():
        return _passed.get().get("traceparent", "")[3:35]
    now = _state.turns.get(turn) or trace.get_current_span().get_span_context()
    return trace.format_trace_id(now.trace_id) if now.is_valid and now.trace_flags.sampled else ""


def about(event: pb.Event) -> None:
    """What this task does, measures and logs from now on is of the event's turn."""
    structlog.contextvars.bind_contextvars(turn=event.turn)
    _common.set(of(event))
    if not is_on():
        return
    span = trace.get_current_span()
    span.set_attributes(_common.get())
    _remember(event.turn, span.get_span_context())


def of(event: pb.Event) -> dict[str, str]:
    """Attributes that name the event's turn."""
    return {
        "palabre.turn": event.turn,
        "palabre.conversation": event.conversation,
        "palabre.space": event.space,
        "palabre.channel": event.channel,
    }


def begun_by(event: pb.Event, headers: Mapping[str, str]) -> None:
    """Remembers the trace of a turn, from its utterance as it was read."""
    if is_on() and events.body_name(event) == "utterance_received":
        _remember(event.turn, _spoken_of(headers))


def of_turn(turn: str) -> Context | None:
    """Where spans of this turn belong: to the trace in hand if it is its own, else to its own."""
    known = _state.turns.get(turn)
    if known is None or known.trace_id == current().get_span_context().trace_id:
        return None
    return trace.set_span_in_context(trace.NonRecordingSpan(known))


def link(turn: str) -> list[Link]:
    """To the trace of another turn, as far as it is known."""
    known = _state.turns.get(turn)
    return [Link(known)] if known else []


def link_current(turn: str) -> None:
    """From the request in hand to the turn that it watches, where that is another trace."""
    known, span = _state.turns.get(turn), current()
    if known and known.trace_id != span.get_span_context().trace_id:
        span.add_link(known)


@contextlib.contextmanager
def publishing(event: pb.Event, cause: Mapping[str, str] | None) -> Iterator[dict[str, str]]:
    """Headers of the event as it is published. `cause`: those of an event that it is for.

    What a command begins anew is one trace, too, though no span of the command itself is kept.
    """
    after = {CAUSE: cause["traceparent"]} if cause and "traceparent" in cause else {}
    if not is_on():
        yield (trace_headers() or (_minted() if after else {})) | after
        return
    values = _messaging("send", events.body_name(event), event.id) | of(event)
    name, parent = f"send {events.body_name(event)}", of_turn(event.turn)
    with step(name, SpanKind.PRODUCER, values, parent=parent) as sent:
        yield _headers_of(trace.set_span_in_context(sent)) | after


@contextlib.contextmanager
def processing(stage: str, message: Message) -> Iterator[Span]:
    """A delivery in hand. How long it had waited is by the server's clock and ours."""
    if not is_on():
        with span(stage, message.headers) as nothing:
            yield nothing
        return
    name = message.subject.rpartition(".")[2]
    values = _messaging("process", name, message.headers.get("Nats-Msg-Id", "")) | {
        "messaging.consumer.group.name": stage,
        "messaging.message.body.size": len(message.data),
        "palabre.stage": stage,
        "palabre.deliveries": message.deliveries,
        "palabre.waited_s": round(max(0.0, time.time() - message.stored_at), 6),
    }
    cause = _spoken_of({"traceparent": message.headers.get(CAUSE, "")})
    links = [Link(cause)] if cause.is_valid else []
    with span(f"process {stage}", message.headers, SpanKind.CONSUMER, values, links=links) as begun:
        yield begun


def join(headers: Mapping[str, str]) -> Context:
    """Goes on with the caller's trace and turn for the rest of this task: a call over gRPC."""
    _common.set(_turn_in(headers.get(_BAGGAGE, "")))
    if turn := _common.get().get("palabre.turn"):
        structlog.contextvars.bind_contextvars(turn=turn)
    if not is_on():
        _passed.set(_carried(headers))
    return _propagator.extract(headers, Context())


def trace_headers() -> dict[str, str]:
    """W3C trace context of the current span."""
    return _headers_of(None) if is_on() else dict(_passed.get())


def call_headers(called: Span) -> dict[str, str]:
    """For a call: its trace context, and which turn it is for."""
    told = _headers_of(trace.set_span_in_context(called)) if is_on() else trace_headers()
    if common := _common.get():
        told[_BAGGAGE] = ",".join(f"{name}={value}" for name, value in common.items())
    return told


def _messaging(operation: str, name: str, message: str) -> dict[str, AttributeValue]:
    """OpenTelemetry's conventions for messages; a subject would name the conversation."""
    return {
        "messaging.system": "nats",
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": "TURNS",
        "messaging.message.id": message,
        "palabre.event": name,
    }


def _remember(turn: str, spoken: SpanContext) -> None:
    if spoken.is_valid and turn not in _state.turns:
        _state.turns[turn] = spoken
        if len(_state.turns) > _TURNS:
            _state.turns.popitem(last=False)


def _spoken_of(headers: Mapping[str, str]) -> SpanContext:
    return trace.get_current_span(_propagator.extract(headers, Context())).get_span_context()


def _headers_of(above: Context | None) -> dict[str, str]:
    headers: dict[str, str] = {}
    _propagator.inject(headers, above)
    return headers


def _minted() -> dict[str, str]:
    """A trace context that began nowhere, and is to be kept."""
    return {"traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"}


def _carried(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in _W3C if name in headers}


def _turn_in(baggage: str) -> dict[str, str]:
    pairs = (each.partition("=") for each in baggage.split(","))
    return {name: value for name, _, value in pairs if name.startswith("palabre.")}
