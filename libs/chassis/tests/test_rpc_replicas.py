"""A second replica gets its share of calls, soon after its name says that it is there."""

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from functools import partial

from palabre.chassis import rpc
from palabre.chassis.testing import free_port, until
from palabre.contracts.v1 import tts_pb2, tts_pb2_grpc

HOSTS = ("127.0.0.1", "127.0.0.2")  # on one port, as pods are


class Names(asyncio.DatagramProtocol):
    """A name server (RFC 1035) for which every name has these addresses."""

    def __init__(self) -> None:
        self.addresses: Iterable[str] = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5  # of the question: a name, its type and class
        wanted = int.from_bytes(data[end - 4 : end - 2])
        found = [socket.inet_aton(each) for each in self.addresses] if wanted == 1 else []
        answers = b"".join(b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + each for each in found)
        counts = b"\0\1" + len(found).to_bytes(2) + b"\0\0\0\0"
        self._transport.sendto(data[:2] + b"\x81\x80" + counts + data[12:end] + answers, addr)


@contextlib.asynccontextmanager
async def named() -> AsyncIterator[tuple[Names, str]]:
    """The name server, and the scheme of what it knows."""
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(Names, ("127.0.0.1", 0))
    try:
        yield names, f"dns://127.0.0.1:{transport.get_extra_info('sockname')[1]}/replicas.test"
    finally:
        transport.close()


@dataclass
class Calls:
    """What both replicas were asked; speech goes on until it may end."""

    counted: Counter[str] = field(default_factory=Counter)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)


class Voices(tts_pb2_grpc.TtsServiceServicer):
    """A replica."""

    def __init__(self, host: str, calls: Calls) -> None:
        self._host, self._calls = host, calls

    async def ListVoices(self, request: object, context: object) -> tts_pb2.ListVoicesResponse:
        self._calls.counted[self._host] += 1
        return tts_pb2.ListVoicesResponse()

    async def Synthesize(
        self, request: object, context: object
    ) -> AsyncIterator[tts_pb2.SynthesizeResponse]:
        yield tts_pb2.SynthesizeResponse(data=b"first")
        await self._calls.may_end.wait()
        yield tts_pb2.SynthesizeResponse(data=b"last")


@contextlib.asynccontextmanager
async def replicas(calls: Calls) -> AsyncIterator[int]:
    """One on each of HOSTS, whose connections last half a second."""
    port = free_port()
    async with contextlib.AsyncExitStack() as stack:
        for host in HOSTS:
            add = partial(tts_pb2_grpc.add_TtsServiceServicer_to_server, Voices(host, calls))
            server, _ = await rpc.serve(
                [add], [], f"{host}:{port}", reflect=False, connection_s=0.5
            )
            stack.push_async_callback(server.stop, None)
        yield port


async def call(stub: "tts_pb2_grpc.TtsServiceAsyncStub", over: asyncio.Event) -> int:
    """Again and again; how often. Raises at the first that fails."""
    made = 0
    while not over.is_set():
        await stub.ListVoices(tts_pb2.ListVoicesRequest())
        made += 1
    return made


async def test_a_new_replica_gets_calls_and_none_is_broken_when_connections_end() -> None:
    calls, over = Calls(), asyncio.Event()
    first, second = HOSTS
    async with named() as (names, scheme), replicas(calls) as port:
        names.addresses = [first]
        async with rpc.channel(f"{scheme}:{port}") as channel:
            stub = tts_pb2_grpc.TtsServiceStub(channel)
            speech = aiter(stub.Synthesize(tts_pb2.SynthesizeRequest(), timeout=60))
            assert (await anext(speech)).data == b"first"
            callers = [asyncio.create_task(call(stub, over)) for _ in range(4)]
            await until(lambda: calls.counted[first] > 100)
            assert not calls.counted[second]
            names.addresses = HOSTS
            await until(lambda: calls.counted[second] > 100, 30)
            over.set()
            made = await asyncio.gather(*callers)
            calls.may_end.set()
            assert [piece.data async for piece in speech] == [b"last"]
    assert sum(made) == calls.counted.total()
