"""What the native API takes and gives, for validation and for /docs."""

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from palabre.gateway.tokens import Scope

Name = Field(default="", max_length=40)
LanguageTag = Field(default="", max_length=35, pattern=r"^([a-zA-Z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewConversation(_Shape):
    persona: str = Name
    language: str = LanguageTag


class NewUtterance(_Shape):
    text: str
    language: str = LanguageTag
    persona: str = Name
    speech: bool = False
    interrupt: bool = False


class Cancel(_Shape):
    heard: int = Field(default=0, ge=0, description="Code points of the answer that were heard.")


class Feedback(_Shape):
    score: Literal[-1, 1]
    comment: str | None = Field(default=None, max_length=2_000)


class Question(_Shape):
    """`model` is `space/persona` or a space alone, as in the OpenAI API."""

    query: str
    model: str = Field(default="", max_length=81)
    context: str | list[str] | None = Field(
        default=None, description="What was said before; the question may refer to it."
    )


class NewToken(_Shape):
    name: str = Field(min_length=1, max_length=80)
    scopes: list[Scope] = Field(min_length=1)
    spaces: list[str] = Field(min_length=1, description='Ids of spaces; "*" for all.')
    groups: list[str] = Field(default=[], description="Tiers and groups that it may read.")
    requests_per_minute: int = Field(default=0, ge=0)
    expires_at: dt.datetime | None = None


class Turn(BaseModel):
    id: str
    question: str | None = None
    status: Literal["running", "completed", "failed", "cancelled"]
    answer: str | None = None
    mode: str | None = None
    sources: list[dict[str, Any]] = []
    usage: dict[str, Any] | None = None
    language: str | None = None
    persona: str | None = None
    asked_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    reason: str | None = None
    message: str | None = None


class ConversationShape(BaseModel):
    id: str
    space: str
    persona: str
    created_at: dt.datetime


class ConversationWithTurns(ConversationShape):
    turns: list[Turn]


class Accepted(BaseModel):
    turn: str
    conversation: str
