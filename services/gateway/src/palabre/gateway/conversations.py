"""Conversations and their turns, as SQL and this replica's memory know them."""

import asyncio
import datetime as dt
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from palabre.channels.admission import Thread
from palabre.chassis import replays
from palabre.chassis.ids import uuid7
from palabre.gateway import ledger, metrics
from palabre.gateway.callers import Caller
from palabre.gateway.database import upsert, writing
from palabre.gateway.problems import Problem
from palabre.gateway.tables import CallRow, ConversationRow, ErasedRow, FeedbackRow, TurnRow

_REMEMBERED = 5_000
# The archive may be this much behind: a turn that is not yet there is looked for again.
_PATIENCE_S = (0.0, 0.1, 0.3, 0.6)


@dataclass(frozen=True, slots=True)
class Conversation:
    id: str
    space: str
    channel: str
    owner: str
    persona: str
    language: str
    created_at: dt.datetime

    @property
    def thread(self) -> Thread:
        return Thread(self.space, self.channel, self.id)


class Conversations:
    """Another's conversation does not exist: Problem 404."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: OrderedDict[str, Conversation] = OrderedDict()
        self._turns: OrderedDict[str, Conversation] = OrderedDict()

    async def create(self, caller: Caller, space: str, persona: str, language: str) -> Conversation:
        now = dt.datetime.now(dt.UTC)
        made = Conversation(uuid7(), space, caller.channel, caller.id, persona, language, now)
        row = {name: getattr(made, name) for name in made.__dataclass_fields__}
        async with writing(self._engine) as connection:
            await upsert(connection, ConversationRow, [row])
        _remember(self._known, made.id, made)
        return made

    async def find(
        self, conversation_id: str, caller: Caller, *, for_administrators: bool = False
    ) -> Conversation:
        found = self._known.get(conversation_id) or await self._read(conversation_id)
        if found is None or not (
            (found.channel, found.owner) == (caller.channel, caller.id)
            or (for_administrators and caller.administers(found.space))
        ):
            raise Problem(404, "You have no such conversation: begin one in a space.")
        _remember(self._known, found.id, found)
        return found

    def admitted(self, turn: str, conversation: Conversation) -> None:
        """Remembers a turn that the archive does not know yet."""
        _remember(self._turns, turn, conversation)

    async def of_turn(self, turn: str, caller: Caller) -> Conversation:
        """The turn's conversation; waits a moment for the archive."""
        if turn in self._turns:
            return await self.find(self._turns[turn].id, caller)
        for pause in _PATIENCE_S:
            await asyncio.sleep(pause)
            if row := await self.turn(turn):
                return await self.find(row["conversation"], caller)
        raise Problem(404, "You have no such turn.")

    async def of_person(self, channel: str, person: str, space: str = "") -> list[Conversation]:
        """Those in which the person asked, oldest first."""
        asked = select(TurnRow.conversation).where(
            TurnRow.person == person, TurnRow.channel == channel
        )
        query = (
            select(*ConversationRow.__table__.columns)
            .where(ConversationRow.channel == channel)
            .where(or_(ConversationRow.owner == person, ConversationRow.id.in_(asked)))
            .order_by(ConversationRow.created_at, ConversationRow.id)
        )
        if space:
            query = query.where(ConversationRow.space == space)
        async with self._engine.connect() as connection:
            return [Conversation(**r) for r in (await connection.execute(query)).mappings()]

    async def paid_for(self, channel: str, person: str, space: str = "") -> list[Conversation]:
        """Where the person had something done without a question: a thread summed up, say."""
        known = select(ConversationRow.id)
        query = (
            select(CallRow.conversation, CallRow.space)
            .where(CallRow.channel == channel, CallRow.person == person)
            .where(CallRow.conversation != "", CallRow.conversation.not_in(known))
            .distinct()
        )
        if space:
            query = query.where(CallRow.space == space)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        now = dt.datetime.now(dt.UTC)
        return [Conversation(id_, of, channel, person, "", "", now) for id_, of in rows]

    async def asked_in(self, turn: str, channel: str, person: str) -> Conversation:
        """Where this person asked this turn; waits a moment for the archive. Raises Problem 404."""
        for pause in _PATIENCE_S:
            await asyncio.sleep(pause)
            row = await self.turn(turn)
            found = await self._read(row["conversation"]) if row else None
            if row and found:
                if (found.channel, row["person"] or found.owner) == (channel, person):
                    return found
                break
        raise Problem(404, "You have no such turn.")

    async def turn(self, turn: str) -> dict[str, Any] | None:
        """The turn's row, whoever owns it."""
        query = select(*TurnRow.__table__.columns).where(TurnRow.id == turn)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        return dict(row) if row else None

    async def turns(self, conversation_id: str) -> list[dict[str, Any]]:
        """Oldest first."""
        query = (
            select(*TurnRow.__table__.columns)
            .where(TurnRow.conversation == conversation_id)
            .order_by(TurnRow.asked_at, TurnRow.id)
        )
        async with self._engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]

    async def turns_of(self, ids: Collection[str]) -> list[dict[str, Any]]:
        """The rows of these turns, whoever owns them, in no order."""
        query = select(*TurnRow.__table__.columns).where(TurnRow.id.in_(ids))
        async with self._engine.connect() as connection:
            return [dict(row) for row in (await connection.execute(query)).mappings()]

    async def rate(
        self, turn: str, given: Conversation, person: str, score: int, comment: str | None
    ) -> None:
        """A person's last word on an answer; a score of 0 takes it back.

        The same score without a comment says nothing new: a click may arrive after the form that
        it opened.
        """
        row = {
            "turn": turn,
            "owner": person,
            "conversation": given.id,
            "score": score,
            "comment": comment,
            "given_at": dt.datetime.now(dt.UTC),
        }
        async with writing(self._engine) as connection:
            changed = await _rate(connection, row)
        if changed:
            metrics.FEEDBACK.labels(given.space, metrics.VERDICTS[score]).inc()

    async def ratings(self, conversation: str, person: str) -> dict[str, tuple[int, str]]:
        """The person's scores and comments, by turn."""
        query = select(FeedbackRow.turn, FeedbackRow.score, FeedbackRow.comment).where(
            FeedbackRow.conversation == conversation, FeedbackRow.owner == person
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return {turn: (score, comment or "") for turn, score, comment in rows}

    async def mark_erased(self, conversation: str) -> None:
        """From now on the archive takes nothing of it, nor of what is replayed of it."""
        both = conversation, replays.conversation_of(conversation)
        now = dt.datetime.now(dt.UTC)
        async with writing(self._engine) as connection:
            marks = [{"conversation": each, "erased_at": now} for each in both]
            await upsert(connection, ErasedRow, marks)

    async def erase(self, conversation: Conversation) -> None:
        """Removes every row, and keeps old facts from bringing them back."""
        await self.mark_erased(conversation.id)
        async with writing(self._engine) as connection:
            for each in (conversation.id, replays.conversation_of(conversation.id)):
                await ledger.forget(connection, each)
            for table in (TurnRow, FeedbackRow):
                await connection.execute(delete(table).where(table.conversation == conversation.id))
            await connection.execute(
                delete(ConversationRow).where(ConversationRow.id == conversation.id)
            )
        await self._forget_bytes()
        self._known.pop(conversation.id, None)
        for turn in [t for t, c in self._turns.items() if c.id == conversation.id]:
            del self._turns[turn]

    async def _forget_bytes(self) -> None:
        """SQLite overwrites what is deleted (see `database.py`) but keeps it in its log."""
        if self._engine.dialect.name == "sqlite":
            async with self._engine.connect() as connection:
                await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    async def _read(self, conversation_id: str) -> Conversation | None:
        query = select(*ConversationRow.__table__.columns).where(
            ConversationRow.id == conversation_id
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).mappings().first()
        return Conversation(**row) if row else None


async def _rate(connection: AsyncConnection, row: dict[str, Any]) -> bool:
    """Whether the person said anything else before; a second click is none."""
    mine = (FeedbackRow.turn == row["turn"], FeedbackRow.owner == row["owner"])
    before: int | None = await connection.scalar(select(FeedbackRow.score).where(*mine))
    if row["score"]:
        says_more = row["comment"] is not None or row["score"] != before
        update = ["score", "comment", "given_at"] if says_more else []
        await upsert(connection, FeedbackRow, [row], update)
    else:
        await connection.execute(delete(FeedbackRow).where(*mine))
    return bool(row["score"] != (before or 0))


def _remember[T](known: OrderedDict[str, T], key: str, value: T) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > _REMEMBERED:
        known.popitem(last=False)
