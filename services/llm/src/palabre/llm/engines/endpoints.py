"""The OpenAI-compatible endpoints of the settings."""

from collections.abc import Mapping

from palabre.llm.engines import Engine
from palabre.llm.settings import Settings


def build(settings: Settings) -> Mapping[str, Engine]:
    """The SDK takes half a second and 60 MiB: it is loaded only where it is used."""
    if not settings.endpoints:
        return {}
    from palabre.llm.engines.openai import OpenAi, Patience

    patience = Patience(
        settings.llm_connect_timeout_s,
        settings.llm_first_token_timeout_s,
        settings.llm_between_tokens_timeout_s,
    )
    return {name: OpenAi(name, endpoint, patience) for name, endpoint in settings.endpoints.items()}
