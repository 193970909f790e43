"""How each vendor says no, and how much is left: headers and bodies as they document them."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

# The code that goes with a status, as OpenAI has it.
CODES = {
    401: "invalid_api_key",
    402: "insufficient_quota",
    404: "model_not_found",
    429: "rate_limit_exceeded",
}
PAGE = b"<!doctype html><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
NOTHING_LEFT = ("openai", "groq", "mistral", "anthropic")


def nothing_left(vendor: str, seconds: int) -> dict[str, str]:
    """Headers, also of a response that is none of a refusal."""
    match vendor:
        case "openai":
            name, value = "x-ratelimit-{}-requests", f"{seconds // 60}m{seconds % 60}s"
        case "groq":
            name, value = "x-ratelimit-{}-tokens", f"{seconds - 0.34:.2f}s"
        case "mistral":
            name, value = "ratelimitbysize-{}", str(seconds)
        case _:
            reset = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
            name, value = "anthropic-ratelimit-requests-{}", reset.isoformat(timespec="seconds")
    return {name.format("remaining"): "0", name.format("reset"): value}


def busy(vendor: str, seconds: int) -> dict[str, str]:
    """Headers of status 429; a vendor that is none of these sends Retry-After alone."""
    if vendor == "openai":
        return nothing_left(vendor, seconds) | {"retry-after-ms": str(seconds * 1000)}
    told = nothing_left(vendor, seconds) if vendor in NOTHING_LEFT else {}
    return {} if vendor == "google" else told | {"retry-after": str(seconds)}


def error(status: int, flags: frozenset[str], seconds: int) -> dict[str, Any]:
    """The body of a refusal."""
    code = "insufficient_quota" if "quota" in flags else CODES.get(status, "mock_error")
    found: dict[str, Any] = {"message": "as the model's name says", "type": code, "code": code}
    if "google" in flags:
        delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds}s"}
        found = {"code": status, "status": "RESOURCE_EXHAUSTED", "details": [delay]}
    return {"error": found | {"param": None}}


def wrong(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Counts that cannot be."""
    return {name: -1 if name == "prompt_tokens" else "many" for name in usage}
