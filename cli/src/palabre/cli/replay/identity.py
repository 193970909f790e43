"""Whether the archive has what the log tells: rows made anew from facts, beside those it keeps."""

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import Any

import httpx

from palabre.chassis.bus import Bus
from palabre.cli.replay.recorded import Turn
from palabre.cli.server import Trouble, checked
from palabre.contracts.v1.turns_pb2 import Exchange
from palabre.gateway import archive

Row = dict[str, Any]
Rows = Callable[[Sequence[str]], Mapping[str, Row]]  # the archive's, by turn

AT_ONCE = 500  # turns that the archive is asked for
CATCH_UP_S = 20.0
_WORDS = frozenset({"question", "answer", "message", "sources", "attachments", "person"})
_TIMES = ("asked_at", "ended_at")


@dataclass(slots=True)
class Verdict:
    """How many turns were compared, and what differs: a line for each."""

    turns: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        return not self.differences


def kept(client: httpx.Client, conversation: str) -> Row | None:
    """The conversation with its turns, as the archive keeps it; None when it has none."""
    response = client.get(f"/api/v1/archive/conversations/{conversation}")
    if response.status_code == httpx.codes.NOT_FOUND:
        return None
    found: Row = checked(response).json()
    return found


def rows(client: httpx.Client, turns: Sequence[str]) -> dict[str, Row]:
    """Those that the archive has of at most AT_ONCE turns."""
    response = checked(client.post("/api/v1/archive/turns", json={"turns": list(turns)}))
    return {row["id"]: row for row in response.json()["turns"]}


async def current(bus: Bus) -> None:
    """Waits until the archive has what the log has. Raises Unavailable."""
    await archive.caught_up(bus, CATCH_UP_S)


def compare(turns: Iterable[Turn], of: Rows, verdict: Verdict) -> None:
    """Adds to the verdict what these turns tell."""
    for some in batched(turns, AT_ONCE):
        archived = of([turn.id for turn in some])
        for turn in some:
            verdict.turns += 1
            verdict.differences += differences(turn, archived.get(turn.id))


async def compare_all(pages: AsyncIterator[list[Turn]], of: Rows) -> AsyncIterator[Verdict]:
    """The verdict as it grows, after each page."""
    verdict = Verdict()
    async for turns in pages:
        compare((turn for turn in turns if turn.told), of, verdict)
        yield verdict


def differences(turn: Turn, archived: Row | None) -> list[str]:
    """A line for each column in which the archive differs from what the log makes of it.

    A column whose fact the log has forgotten is not compared.
    """
    rebuilt = archive.as_rows(turn.told)
    if not rebuilt:
        return []
    if archived is None:
        return [f"turn {turn.id}: the archive does not have it"]
    made, have = _plain(rebuilt[0]), _plain(archived)
    return [
        f"turn {turn.id}: {name} is {_brief(name, have.get(name))},"
        f" in the log {_brief(name, value)}"
        for name, value in made.items()
        if have.get(name) != value
    ]


async def histories(bus: Bus, conversation: str, told: Iterable[Exchange]) -> list[str]:
    """Where the bucket that new turns read differs from what the log tells of whole answers."""
    words = {each.turn: (each.question, each.answer) for each in told if not each.partial}
    query = {"multi_last": [f"$KV.histories.{conversation}.*"]}
    entries = [Exchange.FromString(e.data) for e in await bus.raw("KV_histories", query)]
    return [
        f"turn {kept.turn}: the history has other words than the log"
        for kept in entries
        if not kept.partial and words.get(kept.turn) not in (None, (kept.question, kept.answer))
    ]


def erased(bus: Bus, conversation: str) -> None:
    """Raises Trouble for one that is to be forgotten."""
    if conversation in bus.erased:
        raise Trouble(f"{conversation} was erased: nobody can replay it")


def _plain(row: Row) -> Row:
    """As JSON tells it, and times that can be compared."""
    plain: Row = json.loads(json.dumps(row, default=lambda time: time.isoformat()))
    for name in _TIMES:
        if plain.get(name):
            plain[name] = dt.datetime.fromisoformat(plain[name])
    return plain


def _brief(name: str, value: Any) -> str:
    """Not a person's words: an operator who wants them looks at the conversation."""
    if name in _WORDS and value is not None:
        return f"otherwise ({len(value)} long)"
    return str(value)
