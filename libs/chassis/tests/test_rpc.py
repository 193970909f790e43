"""gRPC as services serve and call it: health, deadlines, the caller's trace, TLS, tokens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from palabre.chassis import rpc, tracing
from palabre.chassis.credentials import PLAIN, Credentials
from palabre.chassis.testing import Gains, until
from palabre.contracts.v1 import tts_pb2, tts_pb2_grpc

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Voices(tts_pb2_grpc.TtsServiceServicer):
    """Notes the trace under which it is called."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def ListVoices(
        self, request: tts_pb2.ListVoicesRequest, context: object
    ) -> tts_pb2.ListVoicesResponse:
        self.seen.append(tracing.trace_headers().get("traceparent", ""))
        return tts_pb2.ListVoicesResponse()

    async def Synthesize(
        self, request: tts_pb2.SynthesizeRequest, context: object
    ) -> AsyncIterator[tts_pb2.SynthesizeResponse]:
        yield tts_pb2.SynthesizeResponse()


@pytest.fixture
async def served() -> AsyncIterator[tuple[Voices, str]]:
    voices = Voices()

    def add(server: grpc.aio.Server) -> None:
        tts_pb2_grpc.add_TtsServiceServicer_to_server(voices, server)

    name = "palabre.contracts.v1.TtsService"
    server, port = await rpc.serve([add], [name], "127.0.0.1:0", reflect=True)
    yield voices, f"127.0.0.1:{port}"
    await server.stop(None)


async def test_the_trace_of_the_caller_goes_on_in_the_called(served: tuple[Voices, str]) -> None:
    voices, address = served
    async with rpc.channel(address) as channel:
        stub = tts_pb2_grpc.TtsServiceStub(channel)
        with tracing.span("request", {"traceparent": PARENT}):
            await stub.ListVoices(tts_pb2.ListVoicesRequest())
        await stub.ListVoices(tts_pb2.ListVoicesRequest())
    assert voices.seen[0].split("-")[1] == PARENT.split("-")[1]
    assert PARENT.split("-")[1] not in voices.seen[1]


async def test_health_is_served(served: tuple[Voices, str]) -> None:
    async with rpc.channel(served[1]) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def written(folder: Path, authority: trustme.CA, name: str) -> Credentials:
    """Of somebody called so, who believes that authority."""
    made, ca = authority.issue_cert(name), folder / f"{name}-ca.pem"
    certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    authority.cert_pem.write_to_path(ca)
    made.cert_chain_pems[0].write_to_path(certificate)
    made.private_key_pem.write_to_path(key)
    return Credentials(ca, certificate, key)


Call = Callable[[grpc.aio.Channel], Awaitable[object]]


async def asks(channel: grpc.aio.Channel) -> object:
    return await tts_pb2_grpc.TtsServiceStub(channel).ListVoices(tts_pb2.ListVoicesRequest())


async def listens(channel: grpc.aio.Channel) -> object:
    stub = tts_pb2_grpc.TtsServiceStub(channel)
    return [each async for each in stub.Synthesize(tts_pb2.SynthesizeRequest())]


async def converses(channel: grpc.aio.Channel) -> object:
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    return [each async for each in stub.ServerReflectionInfo(iter([asked]))]


KINDS = (asks, listens, converses)


@contextlib.asynccontextmanager
async def guarded(proving: Credentials) -> AsyncIterator[Callable[..., grpc.aio.Channel]]:
    """A server; gives what opens a channel to it."""

    def add(server: grpc.aio.Server) -> None:
        tts_pb2_grpc.add_TtsServiceServicer_to_server(Voices(), server)

    server, port = await rpc.serve([add], [], "127.0.0.1:0", reflect=True, proving=proving)
    yield lambda showing=PLAIN: rpc.channel(f"localhost:{port}", showing)
    await server.stop(None)


async def refusal(channel: grpc.aio.Channel, call: Call = asks) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async with channel:
            await call(channel)
    return refused.value


async def test_calls_are_encrypted_for_who_believes_the_authority(
    tmp_path: Path, authority: trustme.CA
) -> None:
    served = written(tmp_path, authority, "localhost")
    other = written(tmp_path, trustme.CA(), "other.example")
    async with guarded(replace(served, ca=None)) as to:
        async with to(Credentials(served.ca)) as channel:
            for call in KINDS:
                assert await call(channel)
        for stranger in (PLAIN, Credentials(other.ca)):
            assert (await refusal(to(stranger))).code() is grpc.StatusCode.UNAVAILABLE


async def test_a_server_of_another_name_is_not_believed(
    tmp_path: Path, authority: trustme.CA
) -> None:
    served = written(tmp_path, authority, "other.example")
    async with guarded(replace(served, ca=None)) as to:
        refused = await refusal(to(Credentials(served.ca)))
    assert refused.code() is grpc.StatusCode.UNAVAILABLE


async def test_who_calls_shows_a_certificate_where_one_is_demanded(
    tmp_path: Path, authority: trustme.CA
) -> None:
    served, caller = (written(tmp_path, authority, name) for name in ("localhost", "gateway"))
    forged = written(tmp_path, trustme.CA(), "forged")
    async with guarded(served) as to:
        async with to(caller) as channel:
            assert await asks(channel)
        for stranger in (Credentials(served.ca), replace(forged, ca=served.ca)):
            assert (await refusal(to(stranger))).code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("call", KINDS)
async def test_every_kind_of_call_needs_the_token(call: Call) -> None:
    async with guarded(Credentials(token="right")) as to:
        async with to(Credentials(token="right")) as channel:
            assert await call(channel)
        for token in ("", "righ", "rights"):
            refused = await refusal(to(Credentials(token=token)), call)
            assert refused.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "PALABRE_GRPC_TOKEN" in (refused.details() or "")


async def test_a_probe_needs_no_token() -> None:
    async with guarded(Credentials(token="right")) as to, to() as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


class Failing(tts_pb2_grpc.TtsServiceServicer):
    """Refuses in every way there is; `Synthesize` waits once it has said something."""

    async def ListVoices(self, request: Any, context: Any) -> tts_pb2.ListVoicesResponse:
        if request.space == "refused":
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such engine")
        raise RuntimeError("a bug")

    async def Synthesize(
        self, request: Any, context: Any
    ) -> AsyncIterator[tts_pb2.SynthesizeResponse]:
        yield tts_pb2.SynthesizeResponse()
        await asyncio.sleep(60)


@pytest.fixture
async def failing() -> AsyncIterator[grpc.aio.Channel]:
    def add(server: grpc.aio.Server) -> None:
        tts_pb2_grpc.add_TtsServiceServicer_to_server(Failing(), server)

    server, port = await rpc.serve([add], [], "127.0.0.1:0", reflect=False)
    async with rpc.channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop(None)


async def test_calls_are_measured_by_method_and_by_how_they_ended(
    served: tuple[Voices, str], failing: grpc.aio.Channel
) -> None:
    gains = Gains()
    async with rpc.channel(served[1]) as channel:
        await asks(channel)
        await listens(channel)
        guess: Any = channel.unary_unary("/palabre.contracts.v1.TtsService/Guess")
        with pytest.raises(grpc.aio.AioRpcError):
            await guess(b"")
    stub = tts_pb2_grpc.TtsServiceStub(failing)
    for how in ("refused", "broken"):
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.ListVoices(tts_pb2.ListVoicesRequest(space=how))
    listed, spoken = {"method": "TtsService/ListVoices"}, {"method": "TtsService/Synthesize"}
    for code in ("OK", "NOT_FOUND", "UNKNOWN"):
        assert gains.of("palabre_grpc_seconds_count", code=code, **listed) == 1, code
    assert gains.of("palabre_grpc_seconds_count", code="OK", **spoken) == 1
    assert gains.of("palabre_grpc_seconds_count") == 4


async def test_a_call_is_in_hand_until_its_caller_goes(failing: grpc.aio.Channel) -> None:
    gains, method = Gains(), {"method": "TtsService/Synthesize"}
    call = tts_pb2_grpc.TtsServiceStub(failing).Synthesize(tts_pb2.SynthesizeRequest())
    await call.read()
    assert gains.of("palabre_grpc_in_hand", **method) == 1
    call.cancel()
    await until(lambda: gains.of("palabre_grpc_in_hand", **method) == 0)
    assert gains.of("palabre_grpc_seconds_count", code="CANCELLED", **method) == 1


async def test_a_call_without_the_token_is_counted_and_makes_no_series() -> None:
    gains = Gains()
    async with guarded(Credentials(token="right")) as to:
        await refusal(to())
    assert gains.of("palabre_grpc_refused_total") == 1
    assert gains.of("palabre_grpc_seconds_count") == 0
