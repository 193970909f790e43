"""Settings of the retriever."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, field_validator

from palabre.chassis.settings import ServiceSettings

# The settings that shape dense vectors.
_RECIPE = {
    "embedding_engine",
    "embedding_model",
    "embedding_path",
    "embedding_pooling",
    "embedding_base_url",
    "embedding_dimensions",
    "embedding_question_prefix",
    "embedding_passage_prefix",
    "embedding_tokens",
}

# Title and headings take half of them.
_FEWEST_TOKENS = 32


class RetrieverSettings(ServiceSettings):
    qdrant_url: str = Field(
        default="",
        description="Address of a Qdrant server; empty: Qdrant Edge, in the process.",
    )
    qdrant_api_key: SecretStr = Field(default=SecretStr(""), description="Key of that server.")
    max_document_bytes: int = Field(
        default=20 << 20, ge=1 << 10, description="Larger documents are refused."
    )
    max_archive_bytes: int = Field(
        default=200 << 20, ge=1 << 10, description="Larger .zip archives are refused."
    )
    max_archive_unpacked_bytes: int = Field(
        default=1 << 30, ge=1 << 10, description="Archives that unpack to more are refused."
    )
    max_archive_documents: int = Field(
        default=5_000, ge=1, le=100_000, description="Archives with more files are refused."
    )
    reading_memory_mib: int = Field(
        default=1_024, ge=128, description="Memory of a process that reads a PDF, Word file, book."
    )
    reading_seconds: int = Field(
        default=120, ge=1, le=3_600, description="A document that takes longer to read is refused."
    )
    reading_at_once: int = Field(
        default=2, ge=1, le=64, description="Processes of a replica that read documents at once."
    )
    document_versions: int = Field(
        default=5, ge=1, le=50, description="Versions of a document that are kept."
    )
    retriever_concurrency: int = Field(
        default=32, ge=1, le=1_000, description="Turns that a replica searches for at once."
    )
    embedding_engine: str = Field(
        default="",
        description="What makes dense vectors: fastembed, openai, words; empty: openai where an"
        " address is set, fastembed where a model is, else none.",
    )
    embedding_model: str = Field(default="", description="Name of the model of embeddings.")
    embedding_path: Path | None = Field(
        default=None, description="Folder with an ONNX model of embeddings and its tokenizer."
    )
    embedding_pooling: Literal["", "mean", "cls", "last_token", "disabled"] = Field(
        default="",
        description="How that model's tokens become one vector; empty: as its folder says.",
    )
    engine_threads: int = Field(
        default=2, ge=1, le=64, description="Threads of each model in the process."
    )
    embedding_base_url: str = Field(
        default="", description="Address of an API with /embeddings, as OpenAI has it."
    )
    embedding_api_key: SecretStr = Field(default=SecretStr(""), description="Its key.")
    embedding_dimensions: int = Field(
        default=0, ge=0, le=8_192, description="Numbers in a vector of that API's model."
    )
    embedding_question_prefix: str | None = Field(
        default=None, description="Put before a question; unset: what the model is known to want."
    )
    embedding_passage_prefix: str | None = Field(
        default=None, description="Put before a passage; unset: what the model is known to want."
    )
    embedding_tokens: int | None = Field(
        default=None,
        description="Tokens of a passage that the model reads: longer ones are parted; 0: nothing"
        " is parted; unset: as its folder says, and for an API nothing is.",
    )
    embedding_timeout_s: float = Field(
        default=2.0, gt=0, description="How long a question's vector may take at that API."
    )
    reranker_engine: str = Field(
        default="",
        description="What judges the best passages: fastembed, endpoint, words; empty: endpoint"
        " where an address is set, fastembed where a model is, else none.",
    )
    reranker_model: str = Field(default="", description="Name of the cross-encoder.")
    reranker_path: Path | None = Field(
        default=None, description="Folder with an ONNX cross-encoder and its tokenizer."
    )
    reranker_base_url: str = Field(
        default="", description="Address of an API with /rerank, without that word."
    )
    reranker_api_key: SecretStr = Field(default=SecretStr(""), description="Its key.")
    reranker_api: Literal["cohere", "tei"] = Field(
        default="cohere",
        description="Whose form that API has: cohere (also Jina, vLLM, LiteLLM, Infinity) or tei.",
    )
    reranker_candidates: int = Field(
        default=20, ge=1, le=100, description="Passages that are judged, the best of the search."
    )
    reranker_timeout_s: float = Field(
        default=0.3, gt=0, description="Later than this, passages stay in the order of the search."
    )
    reranker_floor: float = Field(
        default=0.3, ge=0, le=1, description="Score that the best passage must reach."
    )
    ocr_model: str = Field(
        default="",
        description="Vision model that reads scanned pages and pictures; empty: none does.",
    )
    ocr_base_url: str = Field(
        default="", description="Address of its OpenAI-compatible API; empty: OpenAI's."
    )
    ocr_api_key: SecretStr = Field(default=SecretStr(""), description="Its key.")
    ocr_pages_at_once: int = Field(
        default=4, ge=1, le=64, description="Pages that a replica gives it at the same time."
    )
    ocr_max_pages: int = Field(
        default=100, ge=1, le=5_000, description="Pages of one document that it reads at most."
    )
    ocr_timeout_s: float = Field(default=60.0, gt=0, description="How long a page may take.")
    allow_downloads: bool = Field(
        default=False, description="May fetch models that are named and missing from the Internet."
    )

    @field_validator("embedding_tokens")
    @classmethod
    def _enough(cls, tokens: int | None) -> int | None:
        if tokens and tokens < _FEWEST_TOKENS:
            raise ValueError(f"choose 0, or at least {_FEWEST_TOKENS}")
        return tokens

    @property
    def embedding_recipe(self) -> dict[str, Any]:
        """What makes these dense vectors, without the key."""
        return self.model_dump(mode="json", include=_RECIPE)

    def with_embedding(self, recipe: Mapping[str, Any]) -> Self:
        """These settings with that embedder. The key only goes to the address it was given for.

        Raises ValidationError.
        """
        there = recipe.get("embedding_base_url", "")
        key = self.embedding_api_key if there == self.embedding_base_url else SecretStr("")
        said = {name: value for name, value in recipe.items() if name in _RECIPE}
        return self.model_validate(self.model_dump() | said | {"embedding_api_key": key})

    @property
    def embeds(self) -> str:
        """The model of embeddings, by name or folder; empty without one."""
        return self.embedding_model or (self.embedding_path.name if self.embedding_path else "")

    @property
    def reranks(self) -> str:
        """The same of the cross-encoder."""
        return self.reranker_model or (self.reranker_path.name if self.reranker_path else "")
