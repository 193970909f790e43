"""gRPC as services serve and call it: TLS, tokens, health, reflection, deadlines, traces."""

import hmac
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from palabre.chassis import calling, serving
from palabre.chassis.credentials import PLAIN, Credentials

MAX_MESSAGE = 8 << 20
_OPTIONS = [
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
]
DEADLINE_S = 10.0
# Whoever calls looks at the name again when a connection ends, and only then: so it ends after a
# while, once the calls in it have. gRPC moves it by a tenth, so that not all end at once.
CONNECTION_S = 30.0
_LOOK_AGAIN_MS = 5_000  # between two looks at a name, at least; gRPC's own are 30,000
_HEALTH = "/grpc.health.v1.Health/"  # for probes, which have no token

AddServicer = Callable[[grpc.aio.Server], None]


async def serve(
    services: Sequence[AddServicer],
    names: Sequence[str],
    address: str,
    *,
    reflect: bool,
    proving: Credentials = PLAIN,
    connection_s: float = CONNECTION_S,
) -> tuple[grpc.aio.Server, int]:
    """A started server and its port. Callers come anew each `connection_s`, calls go on."""
    doors: list[grpc.aio.ServerInterceptor] = [calling.Joining()]
    if proving.token:
        doors.append(_Admitting(proving.token))
    doors.append(serving.Measuring())
    age = ("grpc.max_connection_age_ms", int(connection_s * 1_000))
    server = grpc.aio.server(options=[*_OPTIONS, age], interceptors=doors)
    for add in services:
        add(server)
    checks = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    for name in ("", *names):
        await checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    if reflect:
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], server)
    port = _open(server, address, proving)
    await server.start()
    return server, port


def _open(server: grpc.aio.Server, address: str, proving: Credentials) -> int:
    key, certificate = proving.read_pair()
    if key is None or certificate is None:
        return server.add_insecure_port(address)
    ca = proving.read_ca()
    made = grpc.ssl_server_credentials([(key, certificate)], ca, require_client_auth=bool(ca))
    return server.add_secure_port(address, made)


def channel(address: str, showing: Credentials = PLAIN) -> grpc.aio.Channel:
    """Round robin over the address's hosts; a deadline and trace context on every call.

    A host that is new gets calls within CONNECTION_S and a few seconds.
    """
    options = [
        *_OPTIONS,
        ("grpc.lb_policy_name", "round_robin"),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.dns_min_time_between_resolutions_ms", _LOOK_AGAIN_MS),
    ]
    bearer = f"Bearer {showing.token}" if showing.token else ""
    interceptors: list[grpc.aio.ClientInterceptor] = [
        _Unary(bearer), _UnaryStream(bearer), _StreamStream(bearer)
    ]  # fmt: skip
    ca = showing.read_ca()
    if ca is None:
        return grpc.aio.insecure_channel(address, options=options, interceptors=interceptors)
    made = grpc.ssl_channel_credentials(ca, *showing.read_pair())
    return grpc.aio.secure_channel(address, made, options=options, interceptors=interceptors)


class _Admitting(grpc.aio.ServerInterceptor):
    """Whoever calls has the token."""

    def __init__(self, token: str) -> None:
        self._wanted = f"Bearer {token}".encode()
        self._refusal: Any = grpc.unary_unary_rpc_method_handler(_refuse)

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        metadata = dict(details.invocation_metadata or ())
        told = str(metadata.get("authorization", "")).encode()
        if details.method.startswith(_HEALTH) or hmac.compare_digest(told, self._wanted):
            return await continuation(details)
        serving.REFUSED.inc()
        return self._refusal


async def _refuse(request: bytes, context: Any) -> None:
    await context.abort(
        grpc.StatusCode.UNAUTHENTICATED, "this service wants its token: set PALABRE_GRPC_TOKEN"
    )


class _Telling:
    """What a caller adds to every call: a deadline, its token, its trace."""

    def __init__(self, bearer: str) -> None:
        self._bearer = bearer

    async def _called(self, call: Any, details: Any, request: Any) -> Any:
        timeout = DEADLINE_S if details.timeout is None else details.timeout
        return await calling.told(call, details._replace(timeout=timeout), request, self._bearer)


class _Unary(_Telling, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, call: Any, details: Any, request: Any) -> Any:
        return await self._called(call, details, request)


class _UnaryStream(_Telling, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, call: Any, details: Any, request: Any) -> Any:
        return await self._called(call, details, request)


class _StreamStream(_Telling, grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, call: Any, details: Any, requests: Any) -> Any:
        return await self._called(call, details, requests)
