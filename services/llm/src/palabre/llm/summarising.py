"""LlmService.Summarise between gRPC's messages and a summary."""

import datetime as dt
from collections.abc import Iterable, Sequence

from palabre.contracts.v1 import llm_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm import languages
from palabre.llm.ladder import Ladder
from palabre.llm.prompts import Prompting
from palabre.llm.salience import Point
from palabre.llm.summaries import CALLS, CHARACTERS, POINTS, Line, Summary, Tally, Wanted

MOST_MESSAGES, MOST_POINTS, MOST_CHARACTERS, MOST_CALLS = 5_000, 40, 1_000, 500
_ADDED = (
    "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "cost_micros",
)  # fmt: skip
SAMPLE = 20_000  # characters that tell a thread's language


def objection(request: pb.SummariseRequest) -> str:
    """What is wrong with it and what to do, or empty."""
    ids = [message.id for message in request.messages]
    if not ids:
        return "messages: there are none to summarise"
    if len(ids) > MOST_MESSAGES:
        return f"messages: {len(ids)}, above {MOST_MESSAGES}: send the newest ones"
    if not all(ids) or len(set(ids)) < len(ids):
        return "messages: each needs an id of its own"
    for name, most in (
        ("max_points", MOST_POINTS),
        ("max_characters", MOST_CHARACTERS),
        ("max_calls", MOST_CALLS),
    ):
        if getattr(request, name) > most:
            return f"{name}: at most {most}"
    return ""


def summary(
    request: pb.SummariseRequest, ladder: Ladder, models: Sequence[str], spoken: tuple[str, ...]
) -> Summary:
    """Ready to be made."""
    text = "\n".join(message.text for message in request.messages)[:SAMPLE]
    theirs = languages.choose(text, "", spoken)
    language = request.language or theirs
    wanted = Wanted(
        language=language,
        points=request.max_points or POINTS,
        characters=request.max_characters or CHARACTERS,
        paragraph=request.style == pb.SUMMARY_STYLE_PARAGRAPH,
        focus=request.focus,
        calls=request.max_calls or CALLS,
        same_language=language.split("-")[0] == theirs.split("-")[0],
    )
    lines = [_line(message) for message in request.messages]
    return Summary(ladder, Prompting(), ladder.judges(models), lines, wanted)


def told(request: pb.SummariseRequest, point: Point) -> pb.SummaryPoint:
    sources = [request.messages[place].id for place in point.sources]
    return pb.SummaryPoint(text=point.text, sources=sources)


def end(tally: Tally, calls: Iterable[Usage]) -> pb.SummaryEnd:
    return pb.SummaryEnd(
        usage=_added(calls),
        parts=tally.parts,
        parts_without_model=tally.parts_without_model,
        calls=tally.calls,
        calls_at_most=tally.calls_at_most,
        tokens_at_most=tally.tokens_at_most,
        dropped=tally.dropped,
    )


def _line(message: pb.ThreadMessage) -> Line:
    sent = ""
    if message.HasField("sent_at"):
        sent = f"{message.sent_at.ToDatetime(dt.UTC):%Y-%m-%d %H:%M}"
    return Line(message.id, message.author, message.text, sent)


def _added(calls: Iterable[Usage]) -> list[Usage]:
    """One for each engine and model. The price is known, and counts are measured, if all are."""
    sums: dict[tuple[str, str, str], Usage] = {}
    for call in calls:
        key = (call.engine, call.model, call.currency)
        if key not in sums:
            sums[key] = Usage()
            sums[key].CopyFrom(call)
            sums[key].ClearField("call")
            continue
        for name in _ADDED:
            setattr(sums[key], name, getattr(sums[key], name) + getattr(call, name))
        sums[key].cost_known = sums[key].cost_known and call.cost_known
        sums[key].measured = sums[key].measured and call.measured
    return list(sums.values())
