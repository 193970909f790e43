"""Endpoints by the name of whoever offers them."""

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr, ValidationError

from palabre.llm import presets
from palabre.llm.settings import Endpoint, Settings


def one(name: str, **endpoint: Any) -> Endpoint:
    settings = Settings(llm_model=f"m@{name}", llm_endpoints={name: Endpoint(**endpoint)})
    return settings.endpoints[name]


@pytest.mark.parametrize("name", presets.PRESETS)
def test_the_name_of_a_preset_and_a_key_are_enough(name: str) -> None:
    found = one(name, api_key=SecretStr("k"))
    assert found.base_url == presets.PRESETS[name].base_url
    assert found.preset == name
    assert found.concurrency == Settings().llm_connections


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_presets_address_is_known_again_and_says_where_it_was_read(name: str) -> None:
    preset = presets.PRESETS[name]
    assert presets.at(f"{preset.base_url}/") == name
    assert urlsplit(preset.base_url).scheme == ("http" if name in ("ollama", "vllm") else "https")
    assert re.match(r"[a-z]+(\.[a-z]+)+", preset.source)


def test_an_endpoint_of_any_name_may_name_its_preset() -> None:
    found = one("own", base_url="http://10.0.0.5:8000/v1", preset="vllm", concurrency=8)
    assert (found.base_url, found.preset, found.concurrency) == (
        "http://10.0.0.5:8000/v1", "vllm", 8
    )  # fmt: skip
    assert one("second", preset="groq").base_url == "https://api.groq.com/openai/v1"


def test_the_first_endpoints_address_tells_its_preset() -> None:
    def preset(base_url: str) -> str:
        settings = Settings(llm_model="m", llm_base_url=base_url, llm_api_key=SecretStr("k"))
        return settings.endpoints["openai"].preset

    assert preset("") == "openai"
    assert preset("https://api.mistral.ai/v1") == "mistral"
    assert preset("http://localhost:11434/v1") == "ollama"
    assert preset("https://models.example.org/v1") == presets.COMPATIBLE


@pytest.mark.parametrize(
    ("endpoint", "remedy"),
    [
        ({"preset": "mistrall"}, "own: no preset 'mistrall'.*openai, mistral"),
        ({"api_key": SecretStr("k")}, "own: set base_url, or preset to one of openai"),
    ],
)
def test_an_endpoint_that_leads_nowhere_is_refused_with_the_remedy(
    endpoint: dict[str, Any], remedy: str
) -> None:
    with pytest.raises(ValidationError, match=remedy):
        one("own", **endpoint)


def test_a_model_at_an_endpoint_that_is_not_set_up_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValidationError, match=r"m@mistrall names no endpoint.*are: mistral"):
        Settings(llm_model="m@mistrall", llm_endpoints={"mistral": Endpoint()})
