"""What a call took: as the provider says, whatever its names for it, or estimated.

Names as the extractors of genai-prices 0.2.3 have them for chat completions: OpenAI and most others
`prompt_tokens_details.cached_tokens`, Anthropic `cached_tokens` and `cache_read_input_tokens`,
DeepSeek `prompt_cache_hit_tokens`. Google and xAI count reasoning beside the completion: only
their total has it.
"""

from collections.abc import Mapping
from typing import Any

from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm import tokens
from palabre.llm.engines import Completion

MOST = 2**32
_CACHED = (
    ("prompt_tokens_details", "cached_tokens"),
    ("cached_tokens",),
    ("cache_read_input_tokens",),
    ("prompt_cache_hit_tokens",),
)
_REASONING = (("completion_tokens_details", "reasoning_tokens"), ("reasoning_tokens",))
_IMAGES = (("prompt_tokens_details", "image_tokens"),)


def estimate(engine: str, asked: Completion, characters: int) -> Usage:
    """What nobody has counted, by the length of the texts."""
    return Usage(
        engine=engine,
        model=asked.model,
        prompt_tokens=tokens.estimate(*(message.content for message in asked.messages))
        + tokens.IMAGE * sum(len(message.images) for message in asked.messages),
        completion_tokens=tokens.estimate("x" * characters),
    )


def is_usage(reported: Any) -> bool:
    """Some servers send nulls, words or negative numbers."""
    if not isinstance(reported, dict):
        return False
    return all(
        _count(reported, (name,)) is not None for name in ("prompt_tokens", "completion_tokens")
    )


def take(usage: Usage, reported: Mapping[str, Any]) -> None:
    """Fills in the counts of what `is_usage`."""
    prompt, written = reported["prompt_tokens"], reported["completion_tokens"]
    total = _count(reported, ("total_tokens",)) or 0
    beside = max(0, total - prompt - written)
    usage.prompt_tokens = prompt
    usage.completion_tokens = written + beside
    usage.cached_tokens = min(_first(reported, _CACHED), prompt)
    usage.reasoning_tokens = min(_first(reported, _REASONING) or beside, written + beside)
    usage.image_tokens = min(_first(reported, _IMAGES), prompt)
    usage.measured = True


def _first(reported: Mapping[str, Any], paths: tuple[tuple[str, ...], ...]) -> int:
    return next((count for path in paths if (count := _count(reported, path))), 0)


def _count(reported: Any, path: tuple[str, ...]) -> int | None:
    """None for what is no count."""
    for name in path:
        reported = reported.get(name) if isinstance(reported, dict) else None
    good = isinstance(reported, int) and not isinstance(reported, bool) and 0 <= reported < MOST
    return reported if good else None
