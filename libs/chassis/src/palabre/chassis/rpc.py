"""gRPC as every service serves and calls it: health, reflection, deadlines, trace context."""

from collections.abc import Callable, Sequence
from typing import Any

import grpc
from grpc.aio import ClientCallDetails, Metadata
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from palabre.chassis import telemetry

MAX_MESSAGE = 8 << 20
_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
]
DEADLINE_S = 10.0

AddServicer = Callable[[grpc.aio.Server], None]


async def serve(
    services: Sequence[AddServicer], names: Sequence[str], address: str, *, reflect: bool
) -> tuple[grpc.aio.Server, int]:
    """A started server and its port."""
    server = grpc.aio.server(options=_OPTIONS, interceptors=[_Joining()])
    for add in services:
        add(server)
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    for name in ("", *names):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    if reflect:
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], server)
    port = server.add_insecure_port(address)
    await server.start()
    return server, port


def channel(address: str) -> grpc.aio.Channel:
    """Round robin over the address's hosts; a deadline and trace context on every call."""
    options = [
        *_OPTIONS,
        ("grpc.lb_policy_name", "round_robin"),
        ("grpc.max_reconnect_backoff_ms", 1_000),
    ]
    interceptors = [_Unary(), _UnaryStream(), _StreamStream()]
    return grpc.aio.insecure_channel(address, options=options, interceptors=interceptors)


class _Joining(grpc.aio.ServerInterceptor):
    """The handler runs in the interceptor's task: what is joined here is its trace, too."""

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        metadata = details.invocation_metadata or ()
        telemetry.join({key: value for key, value in metadata if isinstance(value, str)})
        return await continuation(details)


def _detailed(details: ClientCallDetails) -> ClientCallDetails:
    metadata = Metadata(*(details.metadata or ()))
    for key, value in telemetry.trace_headers().items():
        metadata.add(key, value)
    timeout = DEADLINE_S if details.timeout is None else details.timeout
    return ClientCallDetails(
        details.method, timeout, metadata, details.credentials, details.wait_for_ready
    )


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, call: Any, details: Any, request: Any) -> Any:
        return await call(_detailed(details), request)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, call: Any, details: Any, request: Any) -> Any:
        return await call(_detailed(details), request)


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, call: Any, details: Any, requests: Any) -> Any:
        return await call(_detailed(details), requests)
