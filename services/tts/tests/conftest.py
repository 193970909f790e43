"""Every engine, made with what a test can have: small voices, stand-ins on loopback."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from palabre.chassis import rpc
from palabre.tts.engines import Engine
from palabre.tts.engines.espeak import Espeak
from palabre.tts.engines.openai import build as build_openai
from palabre.tts.engines.piper import Piper, build as build_piper
from palabre.tts.engines.remote import Remote
from palabre.tts.engines.silence import Silence
from palabre.tts.engines.xtts import Model, Xtts
from palabre.tts.ladder import Ladder
from palabre.tts.servicer import TtsServicer
from palabre.tts.settings import Settings
from tests.standins.speech import Voices

from .humming import Humming
from .voices import piper_voice

needs_xtts = pytest.mark.skipif(not find_spec("TTS"), reason="make test-xtts installs it")
NAMES = (
    "espeak",
    "silence",
    "remote",
    "piper",
    "piper that does not tell its times",
    "openai",
    "xtts with a model that hums",
    pytest.param("xtts", marks=needs_xtts),
)


@asynccontextmanager
async def remote(*there: Engine, name: str = "espeak") -> AsyncIterator[Remote]:
    """An engine of a real TtsService on loopback."""
    servicer = TtsServicer(Ladder(there or [Espeak()]))
    server, port = await rpc.serve([servicer.add_to], [], "127.0.0.1:0", reflect=False)
    engine = Remote(name, f"127.0.0.1:{port}")
    yield engine
    await engine.close()
    await server.stop(None)


def openai_settings(base_url: str, **more: object) -> Settings:
    given = {"tts_openai_base_url": base_url, "tts_openai_voices": "alloy, nova"} | more
    return Settings.model_validate(given)


def piper(folder: Path, *, durations: bool) -> Piper:
    """A French voice of two speakers, and an English one."""
    piper_voice(folder, "fr_FR-duo-low", "fr_FR", speakers=("anne", "luc"), durations=durations)
    piper_voice(folder, "en_GB-solo-low", "en_GB", durations=durations)
    return build_piper(Settings(tts_piper_voices=str(folder)))


@pytest.fixture(scope="session")
def small_xtts(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The real one, with random weights."""
    from palabre.tts.engines.coqui import Coqui

    from .checkpoints import checkpoint, narrow

    with narrow():
        folder = checkpoint(tmp_path_factory.mktemp("xtts"))
        return Coqui(folder, folder / "kept", "cpu")


@pytest.fixture(params=NAMES)
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    async with AsyncExitStack() as stack:
        match request.param:
            case "espeak":
                yield Espeak()
            case "silence":
                yield Silence()
            case "piper":
                yield piper(tmp_path, durations=True)
            case "piper that does not tell its times":
                yield piper(tmp_path, durations=False)
            case "xtts with a model that hums":
                yield Xtts(Humming(), waiting=100)
            case "xtts":
                yield Xtts(request.getfixturevalue("small_xtts"), waiting=100)
            case "openai":
                base_url = await stack.enter_async_context(Voices().serving())
                made = build_openai(openai_settings(base_url, tts_openai_speed=True))
                stack.push_async_callback(made.close)
                yield made
            case "remote":
                yield await stack.enter_async_context(remote())
