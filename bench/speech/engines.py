"""The engines that are set up here, and one of another tts service on loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import entry_points

from palabre.chassis import rpc
from palabre.tts.engines import GROUP, Engine, build
from palabre.tts.engines.espeak import Espeak
from palabre.tts.engines.remote import Remote
from palabre.tts.errors import CannotSpeak
from palabre.tts.ladder import Ladder
from palabre.tts.servicer import TtsServicer
from palabre.tts.settings import Settings


@asynccontextmanager
async def here() -> AsyncIterator[dict[str, Engine]]:
    """By name; what is not set up is left out, with a word."""
    servicer = TtsServicer(Ladder([Espeak()]))
    server, port = await rpc.serve([servicer.add_to], [], "127.0.0.1:0", reflect=False)
    found = _local() | {"espeak, remote": Remote("espeak", f"127.0.0.1:{port}")}
    try:
        yield found
    finally:
        for engine in found.values():
            await engine.close()
        await server.stop(None)


def _local() -> dict[str, Engine]:
    settings, found = Settings(), dict[str, Engine]()
    for name in sorted(point.name for point in entry_points(group=GROUP)):
        if name == "openai" and "tts_openai_base_url" not in settings.model_fields_set:
            print("openai is left out: PALABRE_TTS_OPENAI_BASE_URL is not set")
            continue
        try:
            [found[name]] = build(settings.model_copy(update={"tts_engines": name}))
        except (ValueError, CannotSpeak) as error:
            print(f"{name} is left out: {str(error).partition(':')[0]} is not set up")
    return found
