"""What is counted of turns, money and verdicts: facts that were new to the archive, once each."""

from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter, Gauge

from palabre.channels import answers
from palabre.channels.phrases import reason_name
from palabre.contracts.v1 import events_pb2 as pb

RECEIVED = Counter(
    "palabre_turns_received_total", "Questions that the archive has taken", ["space", "channel"]
)
TURNS = Counter(
    "palabre_turns_total",
    "Turns that have ended: grounded, no_knowledge, refused, story, asks, cancelled or failed",
    ["space", "channel", "outcome"],
)
FAILURES = Counter(
    "palabre_turn_failures_total",
    "Turns that failed, by their reason",
    ["space", "channel", "reason"],
)
COST = Counter(
    "palabre_cost_total",
    "Money that calls of engines cost, as the ledger has it",
    ["space", "channel", "currency"],
)
UNPRICED = Counter(
    "palabre_calls_unpriced_total", "Calls of engines whose price is not known", ["space"]
)
FEEDBACK = Counter(
    "palabre_feedback_total",
    "Verdicts that people gave on answers, or changed: good, bad or withdrawn",
    ["space", "verdict"],
)
STREAMS = Gauge(
    "palabre_http_streams", "Responses that are being written as they come: events, chunks, sound"
)
REFUSALS = Counter(
    "palabre_http_refusals_total",
    "Requests that would be taken at another time: overloaded, quota, streams, images, budget,"
    " busy, voices, unavailable",
    ["reason"],
)
for _reason in (
    "overloaded",
    "quota",
    "streams",
    "images",
    "budget",
    "busy",
    "voices",
    "unavailable",
):
    REFUSALS.labels(_reason)  # from 0 on: the first one would be no increase

OVERLOAD_LAG = Gauge(
    "palabre_overload_lag", "Events that may wait for a stage before questions are refused"
)

VERDICTS = {1: "good", -1: "bad", 0: "withdrawn"}


@dataclass(frozen=True, slots=True)
class News:
    """What the archive did not have before: questions, endings, and rows of the ledger."""

    received: Sequence[pb.Event]
    ended: Sequence[pb.Event]
    calls: Sequence[dict[str, Any]]


def count(news: News) -> None:
    """Only once the news are committed: otherwise they will come again."""
    _add(RECEIVED, ((e.space, e.channel) for e in news.received))
    for event in news.received:  # from 0, too: who fails first may be the only one
        TURNS.labels(event.space, event.channel, "failed")
    _add(TURNS, ((e.space, e.channel, outcome(e)) for e in news.ended))
    failed = (e for e in news.ended if e.HasField("turn_failed"))
    _add(FAILURES, ((e.space, e.channel, reason_name(e.turn_failed.reason)) for e in failed))
    _add(UNPRICED, ((row["space"],) for row in news.calls if row["cost_micros"] is None))
    for row in news.calls:
        if row["cost_micros"]:
            COST.labels(row["space"], row["channel"], row["currency"]).inc(row["cost_micros"] / 1e6)


def outcome(ending: pb.Event) -> str:
    """How a turn ended; an answer by its mode."""
    if ending.HasField("answer_completed"):
        return answers.mode(ending.answer_completed)
    return "failed" if ending.HasField("turn_failed") else "cancelled"


def _add(counter: Counter, labels: Iterable[tuple[str, ...]]) -> None:
    """One by one costs ten times as much, and a batch has few labels."""
    for values, number in Tally(labels).items():
        counter.labels(*values).inc(number)
