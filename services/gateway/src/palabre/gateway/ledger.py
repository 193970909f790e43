"""The ledger: a row for each call of an engine, and sums of them.

A fact that is told twice makes the same rows. When a conversation is erased its rows stay, so that
sums and bills agree, but nothing in them leads to the person, the conversation or the turn.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from palabre.chassis import replays
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.gateway.database import insert_new
from palabre.gateway.tables import CallRow

Row = dict[str, Any]
Zone = Callable[[str], ZoneInfo]  # of a space
Key = Literal["day", "space", "channel", "persona", "person", "engine", "model", "price_source"]
COUNTS = (
    "prompt_tokens", "cached_tokens", "image_tokens", "completion_tokens", "reasoning_tokens",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Query:
    """Days are the spaces' own, both included; no spaces means all of them.

    `channel` and `person` are those whose calls count; empty: everybody's.
    """

    since: dt.date
    until: dt.date
    by: Sequence[Key] = ()
    spaces: frozenset[str] | None = None
    channel: str = ""
    person: str = ""


async def store(connection: AsyncConnection, facts: Iterable[pb.Event], zone: Zone) -> list[Row]:
    """The calls that these facts tell; those that are known stay as they are. The new ones."""
    told = [row for event in facts for row in rows_of(event, zone)]
    rows = {(row["turn"], row["call"]): row for row in told}
    new = await insert_new(connection, CallRow, list(rows.values()))
    return [row for key, row in rows.items() if key in new]


def rows_of(event: pb.Event, zone: Zone) -> list[Row]:
    if event.HasField("answer_completed"):
        body = event.answer_completed
        # Without any call it is still a turn, which cost nothing.
        calls = body.calls or [body.usage]
        return [_row(event, body.persona, body.utterance.author, c, zone) for c in calls]
    if event.HasField("spending_recorded"):
        told = event.spending_recorded
        return [_row(event, told.persona, told.author, call, zone) for call in told.calls]
    return []


async def forget(connection: AsyncConnection, conversation: str) -> None:
    """Takes the person, the conversation and the turns out of its rows."""
    query = select(CallRow.turn).where(CallRow.conversation == conversation).distinct()
    for turn in (await connection.execute(query)).scalars().all():
        await connection.execute(
            update(CallRow)
            .where(CallRow.turn == turn)
            .values(turn=str(uuid.uuid4()), conversation="", person="")
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """For reading; the archive writes."""

    engine: AsyncEngine

    async def report(self, query: Query) -> tuple[list[Row], Row]:
        """The sums by the keys of the query, in their order, and the total."""
        keys = [getattr(CallRow, name) for name in query.by]
        async with self.engine.connect() as connection:
            groups = await _sums(connection, query, keys)
            [total] = await _sums(connection, query, [])
        return groups, total


async def _sums(
    connection: AsyncConnection, query: Query, keys: list[ColumnElement[Any]]
) -> list[Row]:
    where = [CallRow.day >= query.since, CallRow.day <= query.until]
    if query.spaces is not None:
        where.append(CallRow.space.in_(query.spaces))
    if query.channel:
        where.append(CallRow.channel == query.channel)
    if query.person:
        where.append(CallRow.person == query.person)
    counted = select(*keys, *_AGGREGATES).where(*where).group_by(*keys).order_by(*keys)
    money = (
        select(*keys, CallRow.currency, func.sum(CallRow.cost_micros).label("micros"))
        .where(*where, CallRow.cost_micros > 0)
        .group_by(*keys, CallRow.currency)
    )
    names = [key.name for key in keys]
    costs: dict[tuple[Any, ...], dict[str, int]] = {}
    for paid in (await connection.execute(money)).mappings():
        at = tuple(paid[name] for name in names)
        costs.setdefault(at, {})[paid["currency"]] = int(paid["micros"])
    rows = [dict(row) for row in (await connection.execute(counted)).mappings()]
    for row in rows:
        row |= {name: int(row[name] or 0) for name in _NUMBERS}
        row["micros"] = costs.get(tuple(row[name] for name in names), {})
    return rows


_TOKENS = CallRow.prompt_tokens + CallRow.completion_tokens
# A call that is known to cost nothing is nobody's estimate.
_IS_ESTIMATED = and_(CallRow.measured.is_(False), func.coalesce(CallRow.cost_micros, 1) > 0)
_AGGREGATES = (
    func.count(CallRow.turn.distinct()).label("turns"),
    func.count().label("calls"),
    *(func.sum(getattr(CallRow, name)).label(name) for name in COUNTS),
    func.sum(case((_IS_ESTIMATED, _TOKENS), else_=0)).label("estimated_tokens"),
    func.sum(case((CallRow.cost_micros.is_(None), 1), else_=0)).label("calls_of_unknown_cost"),
)
_NUMBERS = ("turns", "calls", *COUNTS, "estimated_tokens", "calls_of_unknown_cost")


def _row(
    event: pb.Event, persona: str, author: turns_pb2.Author, call: turns_pb2.Usage, zone: Zone
) -> Row:
    day = event.occurred_at.ToDatetime(dt.UTC).astimezone(zone(event.space)).date()
    return {
        "turn": event.turn,
        "call": call.call or "answer",
        "day": day,
        "space": event.space,
        "channel": event.channel,
        "conversation": event.conversation,
        "persona": persona,
        "person": "" if replays.is_replay(event) else author.id,
        "engine": call.engine,
        "model": call.model,
        **{name: getattr(call, name) for name in COUNTS},
        "cost_micros": call.cost_micros if call.cost_known else None,
        "currency": call.currency if call.cost_micros else "",
        "measured": call.measured,
        "price_source": call.price_source,
    }
