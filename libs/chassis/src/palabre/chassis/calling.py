"""The trace of a gRPC call, on both of its sides; probes and reflection have none."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, aclosing, contextmanager
from functools import partial
from typing import Any

import grpc
from grpc.aio import Metadata
from opentelemetry import context as contexts, trace
from opentelemetry.trace import Span, SpanKind

from palabre.chassis import tracing

OURS = "/palabre."
# Codes that a server span of OpenTelemetry's conventions counts as its own failures.
_FAULTS = frozenset({2, 4, 12, 13, 14, 15})

_ending: set[asyncio.Future[None]] = set()


class Joining(grpc.aio.ServerInterceptor):
    """The handler runs in the interceptor's task: what is joined here is its trace, too."""

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        metadata = details.invocation_metadata or ()
        above = tracing.join({key: value for key, value in metadata if isinstance(value, str)})
        handler = await continuation(details)
        if handler is None or not tracing.is_on() or not details.method.startswith(OURS):
            return handler
        span = tracing.begin(*_named(details.method), SpanKind.SERVER, above)
        contexts.attach(trace.set_span_in_context(span))
        return within(handler, partial(_noted, span))


async def told(continuation: Any, details: Any, request: Any, bearer: str) -> Any:
    """The call, with its trace and the token; its span ends when it does."""
    name, values = _named(_text(details.method))
    span = tracing.begin(name, values, SpanKind.CLIENT)
    metadata = Metadata(*(details.metadata or ()))
    for key, value in tracing.call_headers(span).items():
        metadata.add(key, value)
    if bearer:
        metadata.add("authorization", bearer)
    call = await continuation(details._replace(metadata=metadata), request)
    if span.is_recording():
        call.add_done_callback(partial(_end, span))
    return call


def within(handler: Any, scope: Callable[[Any], AbstractContextManager[None]]) -> Any:
    """The handler, each of whose calls runs within `scope(context)`."""
    sides = (handler.request_streaming, handler.response_streaming)
    kind = "_".join("stream" if side else "unary" for side in sides)
    behaviour = getattr(handler, kind)

    async def single(request: Any, context: Any) -> Any:
        with scope(context):
            return await behaviour(request, context)

    async def streamed(request: Any, context: Any) -> Any:
        with scope(context):
            async with aclosing(behaviour(request, context)) as replies:
                async for reply in replies:
                    yield reply

    return handler._replace(**{kind: streamed if handler.response_streaming else single})


@contextmanager
def _noted(span: Span, context: Any) -> Iterator[None]:
    """The call's outcome ends the span."""
    context.add_done_callback(partial(_served, span))
    yield


def _served(span: Span, context: Any) -> None:
    code = context.code() or 0
    number = 1 if context.cancelled() else code.value[0] if hasattr(code, "value") else int(code)
    _note(span, number, failed=number in _FAULTS)


def _end(span: Span, call: Any) -> None:
    """The code of a call is only told to who waits, though it is known by now."""
    ending = asyncio.ensure_future(_called(span, call))
    _ending.add(ending)
    ending.add_done_callback(_ending.discard)


async def _called(span: Span, call: Any) -> None:
    number = (await call.code()).value[0]
    _note(span, number, failed=number not in (0, 1))


def _note(span: Span, number: int, *, failed: bool) -> None:
    span.set_attribute("rpc.grpc.status_code", number)
    if failed:
        tracing.fail(span, str(number))
    span.end()


def _named(method: str) -> tuple[str, dict[str, str]]:
    service, _, name = method.removeprefix("/").partition("/")
    return method[1:], {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}


def _text(method: str | bytes) -> str:
    return method.decode() if isinstance(method, bytes) else method
