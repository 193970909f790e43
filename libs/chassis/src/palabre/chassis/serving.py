"""gRPC calls as a service serves them: how long they take, how they end, how many are in hand."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
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
    begun, code = time.perf_counter(), "OK"
    in_hand = IN_HAND.labels(method)
    in_hand.inc()
    try:
        yield
    except (asyncio.CancelledError, GeneratorExit):
        code = "CANCELLED"  # by the caller, or by their deadline
        raise
    except BaseException:
        code = getattr(context.code(), "name", "UNKNOWN")
        raise
    finally:
        in_hand.dec()
        observe(CALLS.labels(method, code), time.perf_counter() - begun)
