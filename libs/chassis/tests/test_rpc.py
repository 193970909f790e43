"""gRPC as services serve and call it: health, deadlines, the caller's trace."""

from collections.abc import AsyncIterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from palabre.chassis import rpc, telemetry
from palabre.contracts.v1 import tts_pb2, tts_pb2_grpc

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Voices(tts_pb2_grpc.TtsServiceServicer):
    """Notes the trace under which it is called."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def ListVoices(
        self, request: tts_pb2.ListVoicesRequest, context: object
    ) -> tts_pb2.ListVoicesResponse:
        self.seen.append(telemetry.trace_headers().get("traceparent", ""))
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
        with telemetry.span("request", {"traceparent": PARENT}):
            await stub.ListVoices(tts_pb2.ListVoicesRequest())
        await stub.ListVoices(tts_pb2.ListVoicesRequest())
    assert voices.seen[0].split("-")[1] == PARENT.split("-")[1]
    assert PARENT.split("-")[1] not in voices.seen[1]


async def test_health_is_served(served: tuple[Voices, str]) -> None:
    async with rpc.channel(served[1]) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
