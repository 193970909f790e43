"""gRPC calls as a service serves them: how long they take, how they end, how many are in hand."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import Any

import grpc
from prometheus_client import Counter, Gauge, Histogram

from palabre.chassis import calling
from palabre.chassis.telemetry import SECONDS, observe

CALLS = Histogram(
    "palabre_grpc_seconds",
    "Calls that were served, to their end, by method and code",
    ["method", "code"],
    buckets=SECONDS,
)
IN_HAND = Gauge("palabre_grpc_in_hand", "Calls that are being served", ["method"])
REFUSED = Counter("palabre_grpc_refused_total", "Calls that did not show the service's token")


class Measuring(grpc.aio.ServerInterceptor):
    """The innermost: methods that do not exist, and callers without the token, get no series."""

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or not details.method.startswith(calling.OURS):
            return handler
        method = details.method.rpartition(".")[2]  # "RetrieverService/Search"
        return calling.within(handler, partial(_measured, method))


@contextmanager
def _measured(method: str, context: Any) -> Iterator[None]:
    begun = time.perf_counter()
    with IN_HAND.labels(method).track_inprogress(), ExitStack() as stack:
        stack.push(partial(_ended, method, context, begun))
        yield


def _ended(
    method: str,
    context: Any,
    begun: float,
    kind: object,
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    code = _code(error, context) if error else "OK"
    observe(CALLS.labels(method, code), time.perf_counter() - begun)


def _code(error: BaseException, context: Any) -> str:
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "CANCELLED"  # by the caller, or by their deadline
    return str(getattr(context.code(), "name", "UNKNOWN"))
