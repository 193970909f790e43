"""What is known of servers that speak OpenAI's chat completions: addresses, quirks, features.

Read in what their makers publish, and tried against none of them: `source` says where. A server
that refuses a parameter all the same is asked again without it (`engines/openai.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

# How a JSON object is asked for, the strictest first; each falls back on those after it.
Structured = Literal["json_schema", "object_schema", "json_object", "words"]


@dataclass(frozen=True, slots=True)
class Preset:
    """`renamed` is our name of a parameter to theirs; an empty one: they have no such thing.

    `hottest` is the highest temperature, `system` the role of a system message. `counted` says
    whether a stream counts its tokens by itself or has to be asked to (`stream_options`). `images`
    means that some models take them.
    """

    base_url: str = ""
    source: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    hottest: float = 2.0
    system: str = "system"
    structured: Structured = "json_schema"
    counted: Literal["when asked", "always"] = "when asked"
    images: bool = True


PRESETS: Mapping[str, Preset] = {
    "openai": Preset(
        "https://api.openai.com/v1",
        "platform.openai.com/docs/api-reference/chat: max_tokens is deprecated",
        renamed={"max_tokens": "max_completion_tokens"},
    ),
    "mistral": Preset(
        "https://api.mistral.ai/v1",
        "github.com/mistralai/platform-docs-public, openapi.yaml; what is unknown gets status 422",
        renamed={"seed": "random_seed"},
        hottest=1.0,
        counted="always",
    ),
    "anthropic": Preset(
        "https://api.anthropic.com/v1",
        "platform.claude.com, OpenAI SDK compatibility: response_format and seed are ignored",
        renamed={"seed": ""},
        hottest=1.0,
        structured="words",
    ),
    "google": Preset(
        "https://generativelanguage.googleapis.com/v1beta/openai",
        "ai.google.dev/gemini-api/docs/openai",
    ),
    "cohere": Preset(
        "https://api.cohere.ai/compatibility/v1",
        "docs.cohere.com/docs/compatibility-api",
        system="developer",
        structured="object_schema",
        images=False,
    ),
    "albert": Preset(
        "https://albert.api.etalab.gouv.fr/v1",
        "github.com/etalab-ia/OpenGateLLM, api/schemas/chat.py",
        renamed={"max_tokens": "max_completion_tokens"},
    ),
    "groq": Preset(
        "https://api.groq.com/openai/v1",
        "console.groq.com/docs/openai; some models refuse schemas",
        renamed={"max_tokens": "max_completion_tokens"},
    ),
    "ollama": Preset(
        "http://127.0.0.1:11434/v1",
        "docs.ollama.com/api/openai-compatibility; images as data: addresses alone",
    ),
    "vllm": Preset(
        "http://127.0.0.1:8000/v1",
        "docs.vllm.ai, OpenAI-compatible server",
    ),
}
# Any other server: asked as OpenAI is documented, and again without what it refuses.
COMPATIBLE = "compatible"
_COMPATIBLE = Preset()


def of(name: str) -> Preset:
    """The one of this name; of none, what any server is expected to understand."""
    return PRESETS.get(name, _COMPATIBLE)


def at(base_url: str) -> str:
    """The name of the preset whose server this address is; empty when it is nobody's."""
    place = _place(base_url)
    return next((name for name, known in PRESETS.items() if _place(known.base_url) == place), "")


def _place(base_url: str) -> str:
    return urlsplit(base_url).netloc.rpartition("@")[2].replace("localhost", "127.0.0.1")
