"""A recorded conversation on the terminal: what was asked, understood, found and answered."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from palabre.cli.replay.identity import Row, Verdict
from palabre.cli.replay.recorded import Turn
from palabre.cli.replay.sides import Side, money
from palabre.cli.screen import console, errors
from palabre.contracts.v1.turns_pb2 import Passage

FORGOTTEN = "(the log keeps this for a day)"
_MOST_SHOWN = 20  # differences


def show(turns: Sequence[Turn]) -> None:
    first = turns[0].any
    head = f"{first.conversation}  {first.space}, {first.channel}, {len(turns)} turns"
    console.print(head, style="bold", highlight=False, markup=False)
    for number, turn in enumerate(turns, 1):
        console.print(f"\n{number}  {turn.id}  {turn.asked_at:%Y-%m-%d %H:%M:%S} UTC", style="dim")
        _lines(_told(turn))


def show_archived(kept: Row) -> None:
    """What is left once the log has forgotten it."""
    head = f"{kept['id']}  {kept['space']}, {kept['channel']}, {len(kept['turns'])} turns"
    console.print(head, style="bold", highlight=False, markup=False)
    errors.print("The log has forgotten it: this is what the archive kept.")
    for number, row in enumerate(kept["turns"], 1):
        console.print(f"\n{number}  {row['id']}  {row.get('asked_at') or ''}", style="dim")
        _lines([("asked", row.get("question") or ""), *_became(Side.archived(row))])


def show_verdict(verdict: Verdict) -> None:
    """One line, or those that differ."""
    if verdict.identical:
        text = f"identical: {verdict.turns} turns rebuilt from the log are as the archive has them"
        errors.print(f"\n{text}", style="green", highlight=False)
        return
    errors.print("\nThe archive differs from the log:", style="red")
    for line in verdict.differences[:_MOST_SHOWN]:
        errors.print(f"  {line}", markup=False, highlight=False)
    if (more := len(verdict.differences) - _MOST_SHOWN) > 0:
        errors.print(f"  and {more} more")


def _told(turn: Turn) -> Iterator[tuple[str, str]]:
    yield "asked", turn.utterance.text or FORGOTTEN
    yield "understood", _understood(turn)
    yield "found", _found(turn)
    yield from _became(Side.of(turn))
    if turn.deliveries > 1:
        yield "attempts", f"the answering stage was given it {turn.deliveries} times"


def _understood(turn: Turn) -> str:
    understood = turn.understanding
    if understood is None:
        return FORGOTTEN
    by = understood.engine or "no model"
    said = f"{understood.language}, {understood.duration_ms:.0f} ms, {by}: {understood.question}"
    queries = f"also {' · '.join(understood.queries)}" if understood.queries else ""
    guard = f"guard {', '.join(understood.guard)}" if understood.guard else ""
    return "; ".join(filter(None, [said, queries, guard]))


def _found(turn: Turn) -> str:
    if turn.retrieved is None:
        return FORGOTTEN
    found = turn.retrieved.passages_retrieved
    counted = (
        f"{len(found.passages)} passages in {found.search_ms:.0f} ms,"
        f" {found.below_floor} below the floor"
    )
    return "; ".join([counted, *(_passage(passage) for passage in found.passages[:4])])


def _passage(passage: Passage) -> str:
    return f"{passage.title or passage.document} ({passage.relevance:.2f})"


def _became(side: Side) -> Iterator[tuple[str, str]]:
    what = ", ".join(filter(None, [side.mode or side.status, side.reason, side.model]))
    yield "answered", f"{what}: {side.text}" if side.text else what
    for source in side.sources:
        yield "source", f"[{source.number}] {source.path} ({source.document})"
    yield "cost", f"{money(side.cost, side.currency)}, {side.tokens} tokens"
    if side.seconds is not None:
        yield "time", f"{side.seconds:.2f} s"


def _lines(told: Iterable[tuple[str, str]]) -> None:
    for name, value in told:
        line = Text(f"   {name:<11}", style="bold").append(printable(value), style="not bold")
        console.print(line)


def printable(text: str) -> str:
    """Without what a terminal would obey, or what turns the direction of reading."""
    return "".join(char if _is_harmless(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def _is_harmless(char: str) -> bool:
    return char in "\n\N{ZERO WIDTH JOINER}" or not unicodedata.category(char).startswith("C")
