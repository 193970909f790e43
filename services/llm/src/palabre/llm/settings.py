"""Settings of the llm service."""

from base64 import b64encode
from typing import Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from palabre.chassis.settings import ServiceSettings
from palabre.chassis.spaces import Price
from palabre.llm import presets

FIRST = "openai"  # the endpoint of a model that names none


class Endpoint(BaseModel):
    """An OpenAI-compatible server. `concurrency` is of calls at the same time; 0: the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = ""
    api_key: SecretStr = SecretStr("")
    preset: str = ""
    concurrency: int = Field(default=0, ge=0)

    def resolved(self, name: str, connections: int) -> Self:
        """With everything filled in that its name or its address tells. Raises ValueError."""
        if self.preset and self.preset not in (*presets.PRESETS, presets.COMPATIBLE):
            known = ", ".join([*presets.PRESETS, presets.COMPATIBLE])
            raise ValueError(f"{name}: no preset {self.preset!r} (there are: {known})")
        own = name if name in presets.PRESETS else presets.at(self.base_url)
        preset = self.preset or own or presets.COMPATIBLE
        base_url = self.base_url or presets.of(preset).base_url
        if not base_url:
            known = ", ".join(presets.PRESETS)
            raise ValueError(f"{name}: set base_url, or preset to one of {known}")
        concurrency = self.concurrency or connections
        found = {"base_url": base_url, "preset": preset, "concurrency": concurrency}
        return self.model_copy(update=found)

    @property
    def address(self) -> str:
        """Without user and password."""
        parts = urlsplit(self.base_url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def login(self) -> dict[str, str]:
        """The header of HTTP that says user and password, where the address has them."""
        login, found, _ = urlsplit(self.base_url).netloc.rpartition("@")
        told = b64encode(unquote(login).encode()).decode()
        return {"Authorization": f"Basic {told}"} if found else {}


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
        description='Further endpoints by name, JSON: {"mistral": {"api_key": …}, "own":'
        ' {"base_url": …, "preset": "vllm", "concurrency": 8}}.',
    )
    llm_comprehend_model: str = Field(
        default="", description="Model that comprehends; empty: the one that answers."
    )
    llm_comprehend_timeout_s: float = Field(
        default=0.8, gt=0, description="How long comprehension may take."
    )
    llm_vision_model: str = Field(
        default="",
        description="Model that describes images; empty: the first that takes them; `none`:"
        " no image goes to any model.",
    )
    llm_vision_timeout_s: float = Field(
        default=20.0, gt=0, description="How long describing an image may take."
    )
    llm_image_detail: Literal["low", "high", "auto"] = Field(
        default="high", description="How closely a model looks at an image: `low` costs less."
    )
    llm_guard_timeout_s: float = Field(
        default=2.0, gt=0, description="How long the first token waits for a guard model."
    )
    llm_grounding_model: str = Field(
        default="",
        description="Model that reads whether cited passages say what an answer says, once it is"
        " written; empty: words alone are compared.",
    )
    llm_grounding_timeout_s: float = Field(
        default=3.0, gt=0, description="How long the end of an answer waits for it."
    )
    llm_prices: dict[str, Price] = Field(
        default={},
        description="Prices per million tokens where the table has none or others, JSON:"
        ' {"model@endpoint": {"input": 0.1, "cached": 0.05, "output": 0.3, "currency": "EUR"}}.'
        " A space's own go before them.",
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
    llm_turn_budget_s: float = Field(
        default=60.0,
        gt=0,
        description="Until an answer has begun, or begun again, all engines tried together.",
    )
    llm_connections: int = Field(
        default=1_024,
        ge=1,
        description="Calls to one endpoint at the same time, per replica; further ones wait.",
    )
    llm_concurrency: int = Field(
        default=1_024, ge=1, description="Answers that are written at the same time, per replica."
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
                " or PALABRE_LLM_BASE_URL for a server of your own, or write model@endpoint"
            )
        self._check_endpoints()
        return self

    def _check_endpoints(self) -> None:
        try:
            known = self.endpoints
        except ValueError as error:
            raise ValueError(f"PALABRE_LLM_ENDPOINTS: {error}") from None
        lost = [name for name in self.models if name.rpartition("@")[2] not in known]
        if lost and "openai" not in known:
            names = ", ".join(known) or "none"
            raise ValueError(
                f"PALABRE_LLM_MODEL: {lost[0]} names no endpoint of PALABRE_LLM_ENDPOINTS"
                f" (there are: {names})"
            )

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(filter(None, (name.strip() for name in self.llm_model.split(","))))

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """By name, filled in; `openai` is the first one's, absent when no model is set up."""
        connections = self.llm_connections
        found = {name: e.resolved(name, connections) for name, e in self.llm_endpoints.items()}
        if self.llm_base_url or self.llm_api_key.get_secret_value():
            base_url = self.llm_base_url or presets.of("openai").base_url
            first = Endpoint(base_url=base_url, api_key=self.llm_api_key)
            found[FIRST] = first.resolved("", connections)
        return found
