"""Every engine, made with what a test can have: small voices, stand-ins on loopback."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec

import pytest

from palabre.chassis import rpc
from palabre.tts.engines import Engine
from palabre.tts.engines.espeak import Espeak
from palabre.tts.engines.remote import Remote
from palabre.tts.engines.silence import Silence
from palabre.tts.ladder import Ladder
from palabre.tts.servicer import TtsServicer

NAMES = ("espeak", "silence", "remote")
needs_xtts = pytest.mark.skipif(not find_spec("TTS"), reason="make test-xtts installs it")


@asynccontextmanager
async def remote(*there: Engine, name: str = "espeak") -> AsyncIterator[Remote]:
    """An engine of a real TtsService on loopback."""
    servicer = TtsServicer(Ladder(there or [Espeak()]))
    server, port = await rpc.serve([servicer.add_to], [], "127.0.0.1:0", reflect=False)
    engine = Remote(name, f"127.0.0.1:{port}")
    yield engine
    await engine.close()
    await server.stop(None)


@pytest.fixture(params=NAMES)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Engine]:
    async with AsyncExitStack() as stack:
        match request.param:
            case "espeak":
                yield Espeak()
            case "silence":
                yield Silence()
            case "remote":
                yield await stack.enter_async_context(remote())
