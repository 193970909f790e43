"""Settings of the gateway."""

import base64

from pydantic import Field, SecretStr, field_validator

from palabre.chassis.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """What the HTTP edge needs besides what every service does."""

    http_host: str = Field(default="127.0.0.1", description="Where HTTP listens.")
    http_port: int = Field(default=8080, description="Port of HTTP.")
    public_url: str = Field(
        default="", description="Address that people see, for links; empty: the request's host."
    )
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="SQLAlchemy address of PostgreSQL or MariaDB; empty: SQLite in data_dir.",
    )
    bootstrap_token: SecretStr = Field(
        default=SecretStr(""),
        description="The first administrator's API token; empty: one is made and shown once.",
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="Signs visitors' cookies; set the same on every replica. Empty: made once.",
    )
    audio_key: SecretStr = Field(
        default=SecretStr(""),
        description="Signs manifests of spoken files: 32 bytes in base64, the same on every"
        " replica. Empty: made once.",
    )
    retriever_address: str = Field(
        default="127.0.0.1:8091", description="gRPC address of the retriever."
    )
    tts_address: str = Field(default="127.0.0.1:8092", description="gRPC address of tts.")
    llm_address: str = Field(default="127.0.0.1:8093", description="gRPC address of llm.")

    deadline_s: float = Field(
        default=300.0, gt=0, le=1_500, description="Seconds that a turn may take."
    )
    max_text_chars: int = Field(
        default=8_000, ge=1, le=32_000, description="Longest question, in characters."
    )
    max_body_bytes: int = Field(default=1 << 20, description="Largest request but uploads.")
    max_upload_bytes: int = Field(default=256 << 20, description="Largest document or archive.")
    max_chat_bytes: int = Field(
        default=20 << 20, description="Largest request to /v1/chat/completions, images included."
    )
    max_image_bytes: int = Field(default=10 << 20, ge=1, description="Largest image of a question.")
    max_image_pixels: int = Field(
        default=50_000_000, ge=1, description="Most pixels of an image of a question."
    )
    max_images: int = Field(default=4, ge=0, description="Most images of one question.")
    fetch_private_hosts: str = Field(
        default="",
        description="Hosts of an intranet whose images may be fetched, separated by commas:"
        " `intranet.example`, `10.1.0.0/16`.",
    )
    requests_per_minute: int = Field(
        default=0, ge=0, description="Per API token that has no limit of its own; 0: no limit."
    )
    visitor_requests_per_minute: int = Field(
        default=60, ge=1, description="Per visitor of the web page."
    )
    image_bytes_per_hour: int = Field(
        default=2 << 30,
        ge=0,
        description="Bytes of images per API token, sent or carried in a request; 0: no limit.",
    )
    visitor_image_bytes_per_hour: int = Field(
        default=200 << 20,
        ge=0,
        description="Bytes of images per visitor of the web page; 0: no limit.",
    )
    streams: int = Field(default=1_000, ge=1, description="Open streams per API token.")
    visitor_streams: int = Field(default=8, ge=1, description="Open streams per visitor.")
    stream_patience_s: float = Field(
        default=30.0,
        gt=0,
        description="Seconds in which who follows events must read something; it may come back.",
    )
    overload_lag: int = Field(
        default=1_000,
        ge=1,
        description="Events that may wait for a stage before new questions get 503.",
    )
    archive_pause_s: float = Field(
        default=0.2, ge=0, description="Seconds in which facts gather before they go to SQL."
    )

    @field_validator("audio_key")
    @classmethod
    def _is_a_seed(cls, given: SecretStr) -> SecretStr:
        try:
            seed = base64.b64decode(given.get_secret_value(), validate=True)
        except ValueError:
            seed = b"?"
        if len(seed) not in (0, 32):
            raise ValueError("must be 32 bytes in base64: make one with `openssl rand -base64 32`")
        return given
