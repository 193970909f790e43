"""A call that takes long, told step by step: a line of JSON each."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable

from grpc.aio import AioRpcError

from palabre.gateway import problems
from palabre.gateway.sse import to_json

NDJSON = "application/x-ndjson"


async def lines[T](steps: AsyncIterable[T], told: Callable[[T], object]) -> AsyncGenerator[bytes]:
    """A line per step; where the call fails, the last one is `{"problem": …}`."""
    try:
        async for step in steps:
            yield f"{to_json(told(step))}\n".encode()
    except AioRpcError as error:
        problem = problems.of_rpc(error)
        yield f"{to_json({'problem': problem.document()})}\n".encode()
