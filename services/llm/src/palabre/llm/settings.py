"""Settings of the llm service."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from palabre.chassis.settings import ServiceSettings

OPENAI = "https://api.openai.com/v1"


class Endpoint(BaseModel):
    """An OpenAI-compatible server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = OPENAI
    api_key: SecretStr = SecretStr("")


class Settings(ServiceSettings):
    """With no model named, the extractive engine answers."""

    llm_base_url: str = Field(
        default="", description="Address of an OpenAI-compatible API; empty: OpenAI's."
    )
    llm_api_key: SecretStr = Field(default=SecretStr(""), description="Its key.")
    llm_model: str = Field(
        default="",
        description="Models in the order in which they are tried, separated by commas;"
        " `model@name` asks the endpoint of that name.",
    )
    llm_endpoints: dict[str, Endpoint] = Field(
        default={},
        description='Further endpoints by name, JSON: {"albert": {"base_url": …, "api_key": …}}.',
    )
    llm_comprehend_model: str = Field(
        default="", description="Model that comprehends; empty: the one that answers."
    )
    llm_comprehend_timeout_s: float = Field(
        default=0.8, gt=0, description="How long comprehension may take."
    )
    llm_guard_timeout_s: float = Field(
        default=2.0, gt=0, description="How long the first token waits for a guard model."
    )
    llm_connect_timeout_s: float = Field(
        default=3.0, gt=0, description="To connect to a model's server."
    )
    llm_first_token_timeout_s: float = Field(
        default=20.0, gt=0, description="From the request to the first token."
    )
    llm_between_tokens_timeout_s: float = Field(
        default=10.0, gt=0, description="Between two tokens."
    )
    llm_connections: int = Field(
        default=256, ge=1, description="Connections to one endpoint, per replica."
    )
    llm_concurrency: int = Field(
        default=128, ge=1, description="Answers that are written at the same time, per replica."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        endpoint = self.llm_base_url or self.llm_api_key.get_secret_value()
        if endpoint and not self.models:
            raise ValueError(
                "PALABRE_LLM_MODEL is not set: name the model to ask, such as mistral-small-latest"
            )
        if not endpoint and any("@" not in model for model in self.models):
            raise ValueError(
                "PALABRE_LLM_MODEL names a model of no endpoint: set PALABRE_LLM_API_KEY,"
                " or PALABRE_LLM_BASE_URL for a server of your own"
            )
        return self

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(filter(None, (name.strip() for name in self.llm_model.split(","))))

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """By name; `openai` is the first one's, and absent when no model is set up."""
        found = dict(self.llm_endpoints)
        if self.llm_base_url or self.llm_api_key.get_secret_value():
            first = Endpoint(base_url=self.llm_base_url or OPENAI, api_key=self.llm_api_key)
            found["openai"] = first
        return found
