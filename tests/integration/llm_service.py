"""The llm service's gRPC in this process, on a real bus; its stages do not run."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from palabre.chassis import rpc
from palabre.chassis.cancellations import Cancellations
from palabre.chassis.directory import Spaces
from palabre.chassis.health import Health
from palabre.chassis.service import Context
from palabre.chassis.spaces import Space
from palabre.chassis.testing import NatsServer
from palabre.llm.__main__ import assemble
from palabre.llm.settings import Settings


@contextlib.asynccontextmanager
async def serving(
    nats: NatsServer, spaces: dict[str, Space], **settings: Any
) -> AsyncIterator[str]:
    """Its address. Without a model in the settings there is none."""
    chosen = Settings.model_validate(settings)
    bus = await nats.bus("llm")
    context = Context(bus, Spaces(spaces), Cancellations(), Health(), chosen)
    parts = await assemble(chosen, context)
    server, port = await rpc.serve(parts.grpc, parts.grpc_names, "127.0.0.1:0", reflect=False)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
        for close in parts.close:
            await close()
        await bus.close()
