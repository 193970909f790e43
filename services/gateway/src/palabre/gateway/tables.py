"""The tables. No foreign keys: the archive takes facts in any order."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
)
from sqlalchemy.dialects.mysql import DATETIME, MEDIUMTEXT
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine


class Utc(TypeDecorator[dt.datetime]):
    """Times in UTC with their zone; SQLite and MariaDB forget it, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """MariaDB keeps whole seconds unless it is told otherwise."""
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        return value and value.astimezone(dt.UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        if not isinstance(value, dt.datetime):
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


Long = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")


class Table(DeclarativeBase):
    """What Alembic compares the database with."""


class TokenRow(Table):
    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    spaces: Mapped[list[str]] = mapped_column(JSON)
    groups: Mapped[list[str]] = mapped_column(JSON)
    requests_per_minute: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Utc)


class ConversationRow(Table):
    __tablename__ = "conversations"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    space: Mapped[str] = mapped_column(String(40), index=True)
    channel: Mapped[str] = mapped_column(String(40))
    owner: Mapped[str] = mapped_column(String(128), index=True)
    persona: Mapped[str] = mapped_column(String(40), default="")
    language: Mapped[str] = mapped_column(String(35), default="")
    created_at: Mapped[dt.datetime] = mapped_column(Utc)


class TurnRow(Table):
    __tablename__ = "turns"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    space: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(40))
    conversation: Mapped[str] = mapped_column(String(40))
    # Who asked; null in rows of old, whose conversation's owner did.
    person: Mapped[str | None] = mapped_column(String(128))
    question: Mapped[str | None] = mapped_column(Long)
    attachments: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    answer: Mapped[str | None] = mapped_column(Long)
    status: Mapped[str] = mapped_column(String(12))
    mode: Mapped[str | None] = mapped_column(String(16))
    sources: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    usage: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    cost_micros: Mapped[int | None] = mapped_column(Integer)
    language: Mapped[str | None] = mapped_column(String(35))
    persona: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(String(40))
    message: Mapped[str | None] = mapped_column(Text)
    asked_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    __table_args__ = (
        Index("turns_of_conversation", "conversation", "asked_at"),
        Index("turns_of_person", "person"),
    )


class CallRow(Table):
    """A call of an engine; `day` is the space's own. An unknown cost is null, never 0."""

    __tablename__ = "calls"

    turn: Mapped[str] = mapped_column(String(40), primary_key=True)
    call: Mapped[str] = mapped_column(String(64), primary_key=True)
    day: Mapped[dt.date] = mapped_column(Date)
    space: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(40))
    conversation: Mapped[str] = mapped_column(String(40), index=True)
    persona: Mapped[str] = mapped_column(String(40))
    person: Mapped[str] = mapped_column(String(128))
    engine: Mapped[str] = mapped_column(String(40))
    model: Mapped[str] = mapped_column(String(200))
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    cached_tokens: Mapped[int] = mapped_column(BigInteger)
    image_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    reasoning_tokens: Mapped[int] = mapped_column(BigInteger)
    cost_micros: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    measured: Mapped[bool] = mapped_column(Boolean)
    price_source: Mapped[str] = mapped_column(String(80))

    __table_args__ = (Index("calls_of_days", "day", "space"),)


class FeedbackRow(Table):
    __tablename__ = "feedback"

    turn: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str] = mapped_column(String(128), primary_key=True)
    conversation: Mapped[str] = mapped_column(String(40), index=True)
    score: Mapped[int] = mapped_column(SmallInteger)
    comment: Mapped[str | None] = mapped_column(Text)
    given_at: Mapped[dt.datetime] = mapped_column(Utc)


class ErasedRow(Table):
    """Conversations that must not come back when the archive reads old facts again."""

    __tablename__ = "erased"

    conversation: Mapped[str] = mapped_column(String(40), primary_key=True)
    erased_at: Mapped[dt.datetime] = mapped_column(Utc)
