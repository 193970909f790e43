"""Settings of the tts service."""

from pydantic import Field

from palabre.chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """With nothing set up, espeak-ng speaks in this process."""

    tts_engines: str = Field(
        default="espeak",
        description="Engines in the order in which they are tried, separated by commas:"
        " espeak, piper, openai, xtts, silence; ENGINE@HOST:PORT is that of another tts service.",
    )
    tts_concurrency: int = Field(
        default=16, ge=1, description="Segments that are spoken at the same time, per replica."
    )
    tts_first_sound_s: float = Field(
        default=3.0, gt=0, description="Seconds after which the next engine speaks instead."
    )

    tts_piper_voices: str = Field(
        default="", description="Voices of Piper: .onnx files or folders of them, with commas."
    )
    tts_piper_threads: int = Field(
        default=1, ge=1, description="Threads that speak one sentence; as many at once as fit."
    )

    @property
    def piper_voices(self) -> tuple[str, ...]:
        return _listed(self.tts_piper_voices)

    @property
    def engines(self) -> tuple[str, ...]:
        return _listed(self.tts_engines)


def _listed(names: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in names.split(","))))
