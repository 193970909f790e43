"""Settings of the retriever."""

from pydantic import Field, SecretStr

from palabre.chassis.settings import ServiceSettings


class RetrieverSettings(ServiceSettings):
    qdrant_url: str = Field(
        default="",
        description="Address of a Qdrant server; empty: Qdrant Edge, in the process.",
    )
    qdrant_api_key: SecretStr = Field(default=SecretStr(""), description="Key of that server.")
    max_document_bytes: int = Field(
        default=20 << 20, ge=1 << 10, description="Larger documents are refused."
    )
    retriever_concurrency: int = Field(
        default=32, ge=1, le=1_000, description="Turns that a replica searches for at once."
    )
