"""Starts the tts service: the stage speak, and TtsService."""

from functools import partial

from palabre.chassis import service
from palabre.chassis.settings import read, refuse
from palabre.chassis.stage import Stage
from palabre.chassis.voices import Registry
from palabre.tts import engines, handlers, watermarks
from palabre.tts.consent import Permits
from palabre.tts.errors import CannotSpeak
from palabre.tts.ladder import Ladder
from palabre.tts.servicer import TtsServicer
from palabre.tts.settings import Settings
from palabre.tts.sound import Studio
from palabre.tts.watermarks import Watermark


def main() -> None:
    settings = read(Settings)
    try:
        built = engines.build(settings)
        watermark = watermarks.perth() if settings.tts_watermark == "perth" else None
    except (ValueError, CannotSpeak, ImportError) as error:
        refuse(f"tts: {error}")
    service.run("tts", settings, partial(assemble, settings, built, watermark))


async def assemble(
    settings: Settings,
    built: list[engines.Engine],
    watermark: Watermark | None,
    context: service.Context,
) -> service.Parts:
    registry = Registry()
    await registry.refresh(context.bus)
    permits = Permits(
        registry,
        await context.objects("voice-samples"),
        lambda space: context.spaces.asks(space).registered_only,
    )
    ladder = Ladder(built, permits, settings.tts_first_sound_s, watermark=watermark)
    studio = Studio()
    return service.Parts(
        tasks=[partial(registry.follow, context.bus)],
        stages=[Stage("speak", handlers.speaker(ladder, studio), settings.tts_concurrency)],
        grpc=[TtsServicer(ladder, studio).add_to],
        grpc_names=["palabre.contracts.v1.TtsService"],
        close=[engine.close for engine in built],
    )


if __name__ == "__main__":
    main()
