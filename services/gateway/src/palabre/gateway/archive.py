"""The stage `archive`: facts become rows, many in one transaction, each as often as it likes."""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from nats.errors import Error as NatsError
from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from palabre.channels import answers
from palabre.channels.phrases import reason_name
from palabre.chassis import events, replays
from palabre.chassis.bus import Bus
from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.gateway import ledger, metrics
from palabre.gateway.database import upsert, writing
from palabre.gateway.ledger import Zone
from palabre.gateway.metrics import News
from palabre.gateway.tables import ConversationRow, ErasedRow, TurnRow

log = structlog.get_logger()

Row = dict[str, Any]
_Waiting = tuple[pb.Event, asyncio.Future[None]]
WANTED = frozenset({"utterance_received", "spending_recorded", *events.ENDINGS})
_BATCH = 500
UTC = ZoneInfo("UTC")


class Archive:
    """Gathers facts for `pause_s`, then writes them; a fact is acknowledged when it is stored."""

    def __init__(
        self, engine: AsyncEngine, pause_s: float = 0.05, zone: Zone = lambda space: UTC
    ) -> None:
        self._engine, self._pause_s, self._zone = engine, pause_s, zone
        self._waiting: list[_Waiting] = []
        self._more = asyncio.Event()

    async def handle(self, event: pb.Event) -> AsyncIterator[pb.Event]:
        """Yields nothing; ends when the fact is in SQL.

        Raises Unavailable when SQL is away, and for what only a newer version stores: the durable
        brings nothing else that is not stored here.
        """
        if events.body_name(event) not in WANTED:
            raise Unavailable("only a newer version stores it", retry_after=60)
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((event, stored))
        self._more.set()
        await stored
        return
        yield  # what makes this a generator

    async def write(self, stop: asyncio.Event) -> None:
        """Writes what gathers, until `stop` and then until nothing is left."""
        while not (stop.is_set() and not self._waiting):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._more.wait(), 1)
            await asyncio.sleep(self._pause_s)
            self._more.clear()
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            if batch:
                await self._store_and_tell(batch)
            if self._waiting:
                self._more.set()

    async def _store_and_tell(self, batch: list[_Waiting]) -> None:
        """A fact that the database refuses keeps no other from being stored."""
        failure = None
        try:
            async with writing(self._engine) as connection:
                news = await store(connection, [event for event, _ in batch], self._zone)
            metrics.count(news)
        except (OperationalError, OSError):
            failure = Unavailable("the database does not answer", retry_after=2)
        except DBAPIError as error:
            if len(batch) > 1:
                for each in batch:
                    await self._store_and_tell([each])
                return
            log.warning("fact not stored", turn=batch[0][0].turn, reason=type(error).__name__)
            failure = Unavailable("the database does not take it", retry_after=60)
        for _, stored in batch:
            if stored.done():
                continue
            if failure:
                stored.set_exception(failure)
            else:
                stored.set_result(None)


async def caught_up(bus: Bus, patience_s: float) -> None:
    """Waits until the archive has every fact that there is now. Raises Unavailable."""
    until = time.monotonic() + patience_s
    try:
        newest = (await bus.js.stream_info("TURNS")).state.last_seq
        while not await _has(bus, newest):
            if time.monotonic() > until:
                raise Unavailable("the archive is behind: try again in a minute", retry_after=60)
            await asyncio.sleep(0.1)
    except NatsError as error:
        raise Unavailable("JetStream does not answer") from error


async def _has(bus: Bus, sequence: int) -> bool:
    archived = await bus.js.consumer_info("TURNS", "archive")
    floor = archived.ack_floor.stream_seq if archived.ack_floor else 0
    is_idle = not archived.num_pending and not archived.num_ack_pending
    return is_idle or floor >= sequence


async def store(
    connection: AsyncConnection, facts: Iterable[pb.Event], zone: Zone = lambda space: UTC
) -> News:
    """Facts come twice or in any order: the utterance and the ending fill different columns.

    Of a replay only what it cost is kept: nobody asked it, and no list shows it.
    """
    erased = await _erased(connection, {event.conversation for event in facts})
    paid = [event for event in facts if event.conversation not in erased]
    kept = [event for event in paid if not replays.is_replay(event)]
    received = [e for e in kept if e.HasField("utterance_received")]
    completed = [e for e in kept if e.HasField("answer_completed")]
    broken = [e for e in kept if e.HasField("turn_failed") or e.HasField("turn_cancelled")]
    told = [*received, *completed]
    asked, ended = await _known(connection, [*told, *broken])
    await upsert(connection, ConversationRow, _unique(told, _conversation))
    await upsert(connection, TurnRow, _unique(received, _asked), _ASKED)
    await upsert(connection, TurnRow, _unique(completed, _answered), _ANSWERED)
    await upsert(connection, TurnRow, _unique(broken, _broken), _BROKEN)
    calls = await ledger.store(connection, paid, zone)
    return News(_new(received, asked), _new([*completed, *broken], ended), calls)


def as_rows(facts: Iterable[pb.Event]) -> list[Row]:
    """The turns that these facts make, in the order of their first fact, as the table has them."""
    rows: dict[str, Row] = {}
    for event in facts:
        make = _ROWS.get(events.body_name(event))
        if make is not None:
            row = make(event)
            before = rows.get(event.turn, {})
            known = {name: value for name, value in row.items() if value is not None}
            status = before.get("status", "running")
            rows[event.turn] = row | before | known
            if status != "running":
                rows[event.turn]["status"] = status
    return list(rows.values())


def _identity(event: pb.Event) -> Row:
    return {
        "id": event.turn,
        "space": event.space,
        "channel": event.channel,
        "conversation": event.conversation,
    }


def _conversation(event: pb.Event) -> Row:
    utterance = _utterance(event)
    return {
        "id": event.conversation,
        "space": event.space,
        "channel": event.channel,
        "owner": utterance.author.id,
        "persona": utterance.persona,
        "language": utterance.language,
        "created_at": _time(event.occurred_at),
    }


def _asked(event: pb.Event) -> Row:
    utterance = event.utterance_received.utterance
    return _identity(event) | {
        "status": "running",
        "person": utterance.author.id,
        "question": utterance.text,
        "attachments": _images(utterance),
        "asked_at": _time(event.occurred_at),
    }


def _answered(event: pb.Event) -> Row:
    body = event.answer_completed
    return _identity(event) | {
        "status": "completed",
        "person": body.utterance.author.id,
        "question": body.utterance.text,
        "attachments": _images(body.utterance),
        "answer": body.text,
        "mode": answers.mode(body),
        "sources": answers.sources(body),
        "usage": answers.usage(body),
        "cost_micros": answers.cost(body)[0],
        "language": body.language,
        "persona": body.persona,
        "ended_at": _time(event.occurred_at),
    }


def _broken(event: pb.Event) -> Row:
    failed = event.HasField("turn_failed")
    reason = reason_name(event.turn_failed.reason) if failed else event.turn_cancelled.reason
    return _identity(event) | {
        "status": "failed" if failed else "cancelled",
        "answer": event.turn_failed.shown or None,
        "reason": reason,
        "message": event.turn_failed.message or None,
        "ended_at": _time(event.occurred_at),
    }


_ROWS: dict[str, Callable[[pb.Event], Row]] = {
    "utterance_received": _asked,
    "answer_completed": _answered,
    "turn_failed": _broken,
    "turn_cancelled": _broken,
}
_ASKED = ("person", "question", "attachments", "asked_at")
_ANSWERED = (
    "status", "answer", "mode", "sources", "usage", "cost_micros", "language", "persona",
    "ended_at",
)  # fmt: skip
_BROKEN = ("status", "answer", "reason", "message", "ended_at")
# Made once: each time anew, their parameters would lie in circles of references.
_BEGUN = (
    select(TurnRow.id, TurnRow.asked_at, TurnRow.ended_at)
    .where(TurnRow.id.in_(bindparam("turns", expanding=True)))
    .order_by(TurnRow.id)
    .with_for_update()
)
_ERASED = select(ErasedRow.conversation).where(
    ErasedRow.conversation.in_(bindparam("conversations", expanding=True))
)


def _images(said: turns_pb2.Utterance) -> list[Row]:
    """What the page needs to show them again; `blob` without its space."""
    return [
        {
            "blob": image.blob.rpartition("/")[2],
            "name": image.name,
            "width": image.width,
            "height": image.height,
        }
        for image in said.attachments
    ]


def _utterance(event: pb.Event) -> Any:
    if event.HasField("utterance_received"):
        return event.utterance_received.utterance
    return event.answer_completed.utterance


def _unique(facts: Iterable[pb.Event], make: Callable[[pb.Event], Row]) -> list[Row]:
    rows = (make(event) for event in facts)
    return list({row["id"]: row for row in rows}.values())


async def _known(
    connection: AsyncConnection, facts: Iterable[pb.Event]
) -> tuple[set[str], set[str]]:
    """The turns that were asked before, and those that had ended.

    Each has its row now, locked until the end of the transaction: who stores the same facts
    elsewhere waits, and then finds them known. In order, so that two never wait for each other.
    """
    rows = {e.turn: _identity(e) | {"status": "running"} for e in facts}
    await upsert(connection, TurnRow, [rows[turn] for turn in sorted(rows)])
    found = (await connection.execute(_BEGUN, {"turns": list(rows)})).all()
    return {r.id for r in found if r.asked_at}, {r.id for r in found if r.ended_at}


def _new(facts: Iterable[pb.Event], known: set[str]) -> list[pb.Event]:
    """One of each turn that is not known."""
    return list({e.turn: e for e in facts if e.turn not in known}.values())


async def _erased(connection: AsyncConnection, conversations: set[str]) -> set[str]:
    found = await connection.execute(_ERASED, {"conversations": list(conversations)})
    return set(found.scalars())


def _time(stamp: Timestamp) -> dt.datetime:
    return stamp.ToDatetime(dt.UTC)
