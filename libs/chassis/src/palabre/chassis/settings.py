"""Settings by environment, prefix PALABRE_. Built once in each `__main__`, passed down."""

import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """What every service needs; a service adds its own."""

    model_config = SettingsConfigDict(env_prefix="PALABRE_", frozen=True, extra="ignore")

    data_dir: Path = Field(
        default=Path(".palabre"), description="All state on one machine.", validate_default=True
    )
    nats_url: str = Field(
        default="nats://127.0.0.1:4222", description="Address of NATS 2.12 or newer."
    )
    nats_user: str = Field(default="", description="NATS user; empty means none.")
    nats_password: SecretStr = Field(default=SecretStr(""), description="Password of the user.")
    ops_host: str = Field(default="127.0.0.1", description="Where operations listen.")
    ops_port: int = Field(
        default=0, description="Port of /live, /ready and /metrics; 0: a free one."
    )
    grpc_host: str = Field(default="127.0.0.1", description="Where gRPC listens.")
    grpc_port: int = Field(default=0, description="Port of gRPC; 0: a free one.")
    grpc_reflection: bool = Field(default=False, description="Serve reflection (development).")
    log_format: Literal["console", "json"] = Field(
        default="console", description="How logs are written."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="From which level logs are written."
    )
    drain_s: float = Field(
        default=20.0, ge=1, description="Seconds that work in hand has to end at shutdown."
    )
    otel_exporter_otlp_endpoint: str = Field(
        default="",
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Switches the OTLP trace exporter on (standard variable, as its others).",
    )


def read[Settings: BaseSettings](kind: type[Settings]) -> Settings:
    """From the environment. Exits with a line per mistake, which names the variable."""
    try:
        return kind()
    except ValidationError as error:
        sys.exit("\n".join(_explain(e) for e in error.errors()))


def _explain(error: Any) -> str:
    variable = ".".join(str(part) for part in error["loc"]).upper()
    reason = error["msg"].removeprefix("Value error, ")
    if variable and not variable.startswith("OTEL_"):
        variable = f"PALABRE_{variable.removeprefix('PALABRE_')}"
    return f"{variable}: {reason}" if variable else reason
