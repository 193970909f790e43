"""Around every request: limits of size, guarded headers, an access log without words."""

import time
from collections.abc import Callable

import structlog
from opentelemetry.trace import SpanKind
from prometheus_client import Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from palabre.chassis import telemetry, tracing
from palabre.gateway import problems
from palabre.gateway.problems import Problem

log = structlog.get_logger()

REQUEST_SECONDS = Histogram(
    "palabre_http_request_seconds", "Until the response began", ["method", "status"]
)
# A response may be stricter or looser by its own header; these are for those that say nothing.
_GUARDS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


class Edge:
    """The outermost layer. `limit` gives the largest body for a path, in bytes."""

    def __init__(self, app: ASGIApp, limit: Callable[[str], int]) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0

        async def guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _GUARDS.items():
                    headers.setdefault(name, value)
                _answered(scope, status, time.perf_counter() - begun)
            await send(message)

        limit = self._limit(scope["path"])
        values = {"http.request.method": scope["method"], "url.scheme": scope["scheme"]}
        with tracing.span(scope["method"], _trace(scope), SpanKind.SERVER, values):
            if _declared(scope) > limit:
                response = problems.response(_too_large(limit), scope["path"])
                await response(scope, receive, guarded)
            else:
                await self._app(scope, _bounded(receive, limit), guarded)
            _note(scope, status, begun)


def _trace(scope: Scope) -> dict[str, str]:
    """W3C trace context of the caller."""
    wanted = (b"traceparent", b"tracestate")
    return {k.decode(): v.decode("latin-1") for k, v in scope["headers"] if k in wanted}


def _answered(scope: Scope, status: int, seconds: float) -> None:
    """The pattern of the path, never the path: it may hold a person's words."""
    telemetry.observe(REQUEST_SECONDS.labels(scope["method"], status), seconds)
    span, route = tracing.current(), getattr(scope.get("route"), "path", "")
    span.update_name(f"{scope['method']} {route}".rstrip())
    span.set_attributes({"http.route": route, "http.response.status_code": status})
    if status >= 500:
        tracing.fail(span, str(status))


def _bounded(receive: Receive, limit: int) -> Receive:
    """Refuses a body that turns out larger than it was said to be."""
    left = limit

    async def bounded() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _too_large(limit)
        return message

    return bounded


def _too_large(limit: int) -> Problem:
    return Problem(413, f"At most {limit} bytes: send less, or in several requests.")


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _note(scope: Scope, status: int, begun: float) -> None:
    """What went well is counted (REQUEST_SECONDS), and told only to who debugs."""
    route = scope.get("route")
    tell = log.info if status >= 400 else log.debug
    tell(
        "request",
        method=scope["method"],
        route=getattr(route, "path", ""),  # the pattern: a path may hold a person's words
        status=status,
        seconds=round(time.perf_counter() - begun, 4),
    )
