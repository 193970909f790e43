"""Settings of the tts service."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from palabre.chassis.credentials import Credentials
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
    tts_remote_ca: Path | None = Field(
        default=None, description="CA in PEM of ENGINE@HOST:PORT: it is called with TLS."
    )
    tts_remote_certificate: Path | None = Field(
        default=None, description="Certificate in PEM that is shown to it, where it demands one."
    )
    tts_remote_key: Path | None = Field(default=None, description="Its key, in PEM.")
    tts_remote_token: SecretStr = Field(
        default=SecretStr(""),
        description="The PALABRE_GRPC_TOKEN of ENGINE@HOST:PORT. Where none of these four is set,"
        " it is called as this service calls others.",
    )
    tts_watermark: Literal["none", "perth"] = Field(
        default="none",
        description="Marks all that is spoken here inaudibly as generated; perth needs the extra"
        " `watermark` (docs/voices-registry.md).",
    )

    tts_piper_voices: str = Field(
        default="", description="Voices of Piper: .onnx files or folders of them, with commas."
    )
    tts_piper_threads: int = Field(
        default=1, ge=1, description="Threads that speak one sentence; as many at once as fit."
    )

    tts_openai_base_url: str = Field(
        default="https://api.openai.com/v1", description="Server that speaks /audio/speech."
    )
    tts_openai_api_key: SecretStr = Field(default=SecretStr(""), description="Its key.")
    tts_openai_model: str = Field(default="gpt-4o-mini-tts", description="Its model.")
    tts_openai_voices: str = Field(
        default="alloy,ash,ballad,coral,echo,fable,nova,onyx,sage,shimmer,verse",
        description="Voices of the model; the first is its own.",
    )
    tts_openai_instructions: str = Field(
        default="", description="How it is to speak, for models that take instructions."
    )
    tts_openai_format: Literal["pcm", "wav", "mp3", "opus"] = Field(
        default="pcm", description="What it is asked for; any of these is understood."
    )
    tts_openai_speed: bool = Field(
        default=False,
        description="The model heeds `speed` (tts-1 does, gpt-4o-mini-tts does not);"
        " otherwise the pace is made from the sound.",
    )

    tts_xtts_folder: Path | None = Field(
        default=None, description="Checkpoint of XTTS v2: config.json, model.pth, vocab.json…"
    )
    tts_xtts_accept_cpml: bool = Field(
        default=False,
        description="You accept the Coqui Public Model License of its weights (not commercial).",
    )
    tts_xtts_device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where it runs; auto: on a GPU if there is one."
    )
    tts_xtts_waiting: int = Field(
        default=8, ge=0, description="Speeches that may wait for the one that it speaks."
    )

    @property
    def remote(self) -> Credentials:
        """Of calls to ENGINE@HOST:PORT."""
        token = self.tts_remote_token.get_secret_value()
        files = self.tts_remote_ca, self.tts_remote_certificate, self.tts_remote_key
        return Credentials(*files, token) if any((*files, token)) else self.showing

    @model_validator(mode="after")
    def _can_show_itself(self) -> Self:
        self.remote.checked("PALABRE_TTS_REMOTE_CA, _CERTIFICATE, _KEY, _TOKEN")
        return self

    @property
    def openai_voices(self) -> tuple[str, ...]:
        return _listed(self.tts_openai_voices)

    @property
    def piper_voices(self) -> tuple[str, ...]:
        return _listed(self.tts_piper_voices)

    @property
    def engines(self) -> tuple[str, ...]:
        return _listed(self.tts_engines)


def _listed(names: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in names.split(","))))
