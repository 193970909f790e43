"""Settings of the tts service."""

from pydantic import Field

from palabre.chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """With nothing set up, espeak-ng speaks in this process."""

    tts_engines: str = Field(
        default="espeak",
        description="Engines in the order in which they are tried, separated by commas.",
    )
    tts_concurrency: int = Field(
        default=16, ge=1, description="Segments that are spoken at the same time, per replica."
    )

    @property
    def engines(self) -> tuple[str, ...]:
        return tuple(filter(None, (name.strip() for name in self.tts_engines.split(","))))
