"""Settings by environment, prefix PALABRE_. Built once in each `__main__`, passed down."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NoReturn, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from palabre.chassis.credentials import Credentials

WRONG_SETTINGS = 78  # EX_CONFIG of sysexits.h: to start it again would not help


class ServiceSettings(BaseSettings):
    """What every service needs; a service adds its own."""

    model_config = SettingsConfigDict(env_prefix="PALABRE_", frozen=True, extra="ignore")

    data_dir: Path = Field(
        default=Path(".palabre"), description="All state on one machine.", validate_default=True
    )
    nats_url: str = Field(
        default="nats://127.0.0.1:4222",
        description="Address of NATS 2.12 or newer; of a cluster several, parted by commas.",
    )
    nats_user: str = Field(default="", description="NATS user; empty means none.")
    nats_password: SecretStr = Field(default=SecretStr(""), description="Password of the user.")
    nats_ca: Path | None = Field(
        default=None, description="CA in PEM of NATS, where it serves TLS (tls://…)."
    )
    ops_host: str = Field(default="127.0.0.1", description="Where operations listen.")
    ops_port: int = Field(
        default=0, description="Port of /live, /ready and /metrics; 0: a free one."
    )
    grpc_host: str = Field(default="127.0.0.1", description="Where gRPC listens.")
    grpc_port: int = Field(default=0, description="Port of gRPC; 0: a free one.")
    grpc_certificate: Path | None = Field(
        default=None,
        description="Certificate chain in PEM: gRPC is served with TLS, and callers show it.",
    )
    grpc_key: Path | None = Field(default=None, description="Its key, in PEM.")
    grpc_ca: Path | None = Field(
        default=None, description="CA in PEM of the services that are called: calls use TLS."
    )
    grpc_client_ca: Path | None = Field(
        default=None, description="CA in PEM: whoever calls must show a certificate of it."
    )
    grpc_token: SecretStr = Field(
        default=SecretStr(""), description="Sent with gRPC calls, and demanded of who calls."
    )
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
    start_wait_s: float = Field(
        default=60.0,
        ge=0,
        description="Seconds that a service waits at its start for streams, and the gateway for"
        " SQL, before it ends and says what is missing.",
    )
    otel_exporter_otlp_endpoint: str = Field(
        default="",
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="Switches the OTLP trace exporter on (standard variable, as its others).",
    )
    otel_exporter_otlp_traces_endpoint: str = Field(
        default="",
        validation_alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        description="The same, with the whole address; it goes before the other.",
    )

    @property
    def traced(self) -> bool:
        """Spans are wanted."""
        return bool(self.otel_exporter_otlp_endpoint or self.otel_exporter_otlp_traces_endpoint)

    @property
    def proving(self) -> Credentials:
        """Of the gRPC that this service serves."""
        token = self.grpc_token.get_secret_value()
        return Credentials(self.grpc_client_ca, self.grpc_certificate, self.grpc_key, token)

    @property
    def showing(self) -> Credentials:
        """Of the gRPC that this service calls."""
        return replace(self.proving, ca=self.grpc_ca)

    @model_validator(mode="after")
    def _can_prove_itself(self) -> Self:
        for each in (self.proving, self.showing):
            each.checked("PALABRE_GRPC_CERTIFICATE, _KEY, _CA, _CLIENT_CA, _TOKEN")
        Credentials(self.nats_ca).checked("PALABRE_NATS_CA")
        if self.grpc_client_ca and not self.grpc_certificate:
            raise ValueError("PALABRE_GRPC_CLIENT_CA: needs TLS: set PALABRE_GRPC_CERTIFICATE")
        return self


def read[Settings: BaseSettings](kind: type[Settings]) -> Settings:
    """From the environment. Exits with a line per mistake, which names the variable."""
    try:
        return kind()
    except ValidationError as error:
        refuse("\n".join(_explain(e) for e in error.errors()))


def refuse(sentence: str) -> NoReturn:
    """Ends the process, so that whoever starts it knows that it cannot start so."""
    sys.stderr.write(f"{sentence}\n")
    sys.exit(WRONG_SETTINGS)


def _explain(error: Any) -> str:
    variable = ".".join(str(part) for part in error["loc"]).upper()
    reason = error["msg"].removeprefix("Value error, ")
    if variable and not variable.startswith("OTEL_"):
        variable = f"PALABRE_{variable.removeprefix('PALABRE_')}"
    return f"{variable}: {reason}" if variable else reason
