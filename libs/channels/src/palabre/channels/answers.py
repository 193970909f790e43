"""An ended turn as plain data: the same on the wire, in SQL and in `GET /conversations`."""

import datetime as dt
from decimal import Decimal
from typing import Any

from palabre.channels.phrases import phrase, reason_name
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2

MODES = {
    turns_pb2.ANSWER_MODE_UNSPECIFIED: "grounded",
    turns_pb2.ANSWER_MODE_GROUNDED: "grounded",
    turns_pb2.ANSWER_MODE_NO_KNOWLEDGE: "no_knowledge",
    turns_pb2.ANSWER_MODE_REFUSED: "refused",
    turns_pb2.ANSWER_MODE_STORY: "story",
    turns_pb2.ANSWER_MODE_ASKS: "asks",
}


def mode(completed: pb.AnswerCompleted) -> str:
    return MODES.get(completed.mode, "grounded")


def sources(completed: pb.AnswerCompleted) -> list[dict[str, Any]]:
    return [
        {"number": s.number} | passage(s.passage) | {"quote": s.quote or None}
        for s in completed.sources
    ]


def passage(found: turns_pb2.Passage) -> dict[str, Any]:
    return {
        "document": found.document,
        "title": found.title,
        "heading_path": list(found.heading_path),
        "text": found.text,
        "url": found.url or None,
        "score": found.score,
        "relevance": found.relevance,
        "language": found.language,
        "page": found.page or None,
        "also_in": list(found.also_in),
    }


def named(source: dict[str, Any]) -> str:
    """Title and page; answers that were stored long ago have no page."""
    page = source.get("page")
    return f"{source['title']}, p. {page}" if page else str(source["title"])


def usage(completed: pb.AnswerCompleted) -> dict[str, Any]:
    """The tokens of the answer's own call; the money of all calls of the turn.

    Money is a decimal string, null where the price of one of them is not known.
    """
    counted = completed.usage
    micros, currency = cost(completed)
    return {
        "prompt_tokens": counted.prompt_tokens,
        "completion_tokens": counted.completion_tokens,
        "cached_tokens": counted.cached_tokens,
        "reasoning_tokens": counted.reasoning_tokens,
        "engine": counted.engine,
        "model": counted.model,
        "measured": counted.measured,
        "cost": None if micros is None else money(micros),
        "currency": currency,
        "price_source": counted.price_source or None,
    }


def cost(completed: pb.AnswerCompleted) -> tuple[int | None, str | None]:
    """Of the whole turn, in millionths; None where a price is unknown, or currencies differ."""
    calls = completed.calls or [completed.usage]
    currencies = {call.currency for call in calls if call.cost_micros}
    if not all(call.cost_known for call in calls) or len(currencies) > 1:
        return None, None
    return sum(call.cost_micros for call in calls), next(iter(currencies), calls[0].currency)


def money(micros: int) -> str:
    return format(Decimal(micros).scaleb(-6).normalize(), "f")


def completed(event: pb.Event) -> dict[str, Any]:
    """Data of the event `completed`."""
    body = event.answer_completed
    return {
        "turn": event.turn,
        "text": body.text,
        "mode": mode(body),
        "sources": sources(body),
        "usage": usage(body),
        "language": body.language,
        "persona": body.persona,
    }


def _opens(body: pb.TurnFailed) -> str | None:
    return body.retry_at.ToDatetime(dt.UTC).isoformat() if body.HasField("retry_at") else None


def failed(event: pb.Event, language: str) -> dict[str, Any]:
    """Data of the event `failed`. There is always a message for the person."""
    body = event.turn_failed
    reason = reason_name(body.reason)
    return {
        "turn": event.turn,
        "reason": reason,
        "message": body.message or phrase(reason, language),
        "retryable": body.retryable,
        "retry_at": _opens(body),
        "shown": body.shown,
    }
