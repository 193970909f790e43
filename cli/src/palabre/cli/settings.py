"""Settings of the command line."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class CliSettings(BaseSettings):
    """Where the server is, and how to run one on this machine."""

    model_config = SettingsConfigDict(env_prefix="PALABRE_", frozen=True, extra="ignore")

    url: str = Field(default="", description="Address of a server; empty: the one of data_dir.")
    token: SecretStr = Field(default=SecretStr(""), description="API token; empty: data_dir's.")
    data_dir: Path = Field(default=Path(".palabre"), description="All state on one machine.")
    nats_url: str = Field(default="", description="NATS of the server; empty: data_dir's.")
    nats_user: str = Field(default="operator", description="NATS user of the operator.")
    nats_password: SecretStr = Field(default=SecretStr(""), description="Its password.")
    nats_ca: Path | None = Field(
        default=None, description="CA in PEM of NATS, where it serves TLS (tls://…)."
    )
    http_port: int = Field(default=8080, description="Port on which `palabre run` serves.")
    bootstrap_token: SecretStr = Field(
        default=SecretStr(""), description="The first administrator's API token."
    )
    nats_server: str = Field(
        default="", description="Path of a nats-server; empty: the embedded one, else PATH."
    )
    spaces_dir: Path = Field(default=Path("spaces"), description="Spaces that `run` applies.")
