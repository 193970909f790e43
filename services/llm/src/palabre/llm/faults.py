"""The status of a response, in our words."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from palabre.llm import limits
from palabre.llm.errors import (
    Broken,
    EngineError,
    OutOfQuota,
    Overloaded,
    Refused,
    UnknownModel,
    WrongKey,
)

# Codes and types that mean money, not haste. Google says "quota" also when it means haste.
_SPENT = frozenset({
    "insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached",
    "billing_not_active", "billing_error", "enforced_spend_limit_reached",
})  # fmt: skip
_SPENT_SENTENCE = "credit balance is too low"  # Anthropic's, with status 400
_UNKNOWN_MODEL = frozenset({"model_not_found", "invalid_model"})
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_RETRY_DELAY = re.compile(r'"retryDelay":\s*"([\d.]+)s"')  # google.rpc.RetryInfo


def of_status(status: int, body: str, headers: Mapping[str, str], now: dt.datetime) -> EngineError:
    """From status, body (JSON or not) and headers (lower case) of a response that is no answer."""
    codes = _codes(body)
    message = ", ".join([f"status {status}", *codes])
    if status == 402 or _SPENT & {*codes} or _SPENT_SENTENCE in body:
        return OutOfQuota(message)
    if status in (401, 403):
        return WrongKey(message)
    if _UNKNOWN_MODEL & {*codes} or (status == 404 and "model" in body):
        return UnknownModel(message)
    if status in (429, 503, 529):
        return Overloaded(message, _pause(body, headers, now))
    if status < 500 and status not in (408, 409):
        return Refused(message)
    return Broken(message)


def of_event(error: Any) -> EngineError:
    """An error that came in the stream, after status 200."""
    codes = _named(error) if isinstance(error, dict) else []
    return Broken(", ".join(["error in the stream", *codes]))


def _pause(body: str, headers: Mapping[str, str], now: dt.datetime) -> float:
    delay = _RETRY_DELAY.search(body)
    said = limits.retry_after(headers, now) or (float(delay[1]) if delay else 0.0)
    return said or limits.closed_for(headers, now)


def _codes(body: str) -> list[str]:
    """Read with a pattern: bodies are JSON of many shapes, HTML, or cut."""
    return [
        *dict.fromkeys(re.findall(r'"(?:code|type)":\s*"([A-Za-z0-9_.-]{1,60})"', body[:2_000]))
    ]


def _named(error: dict[str, Any]) -> list[str]:
    found = (str(error.get(key) or "") for key in ("code", "type"))
    return [code for code in found if _CODE.fullmatch(code)]
