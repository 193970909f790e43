"""Starts the tts service: the stage speak, and TtsService."""

import sys
from functools import partial

from palabre.chassis import service
from palabre.chassis.settings import read
from palabre.chassis.stage import Stage
from palabre.chassis.voices import Registry
from palabre.tts import engines, handlers
from palabre.tts.consent import Permits
from palabre.tts.errors import CannotSpeak
from palabre.tts.ladder import Ladder
from palabre.tts.servicer import TtsServicer
from palabre.tts.settings import Settings
from palabre.tts.sound import Studio


def main() -> None:
    settings = read(Settings)
    try:
        built = engines.build(settings)
    except (ValueError, CannotSpeak) as error:
        sys.exit(f"tts: {error}")
    service.run("tts", settings, partial(assemble, settings, built))


async def assemble(
    settings: Settings, built: list[engines.Engine], context: service.Context
) -> service.Parts:
    registry = Registry()
    await registry.refresh(context.bus)
    permits = Permits(
        registry,
        await context.objects("voice-samples"),
        lambda space: context.spaces.asks(space).registered_only,
    )
    ladder, studio = Ladder(built, permits, settings.tts_first_sound_s), Studio()
    return service.Parts(
        tasks=[partial(registry.follow, context.bus)],
        stages=[Stage("speak", handlers.speaker(ladder, studio), settings.tts_concurrency)],
        grpc=[TtsServicer(ladder, studio).add_to],
        grpc_names=["palabre.contracts.v1.TtsService"],
        close=[engine.close for engine in built],
    )


if __name__ == "__main__":
    main()
