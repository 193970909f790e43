"""What the native API takes and gives, for validation and for /docs."""

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FutureDatetime, PastDatetime

from palabre.gateway.tokens import Scope

Name = Field(default="", max_length=40)
LanguageTag = Field(default="", max_length=35, pattern=r"^([a-zA-Z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewConversation(_Shape):
    persona: str = Name
    language: str = LanguageTag


class Attached(_Shape):
    """An image that was sent to `…/blobs` before."""

    blob: str = Field(max_length=64)
    name: str = Field(default="", max_length=200)


class Blob(BaseModel):
    blob: str = Field(description="SHA-256 of what was sent.")
    media_type: str
    size_bytes: int
    width: int
    height: int


class NewUtterance(_Shape):
    text: str = ""
    attachments: list[Attached] = []
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


class NewConsent(_Shape):
    given_by: str = Field(min_length=1, max_length=200)
    given_at: PastDatetime
    words: str = Field(min_length=1, max_length=8_000, description="What was agreed to, verbatim.")


class NewVoice(_Shape):
    """A record of the voice registry; its proof and recordings come as files beside it."""

    id: str = Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")
    name: str = Field(min_length=1, max_length=80)
    owner: str = Field(min_length=1, max_length=200, description="Who the voice belongs to.")
    kind: Literal["synthetic", "cloned", "licensed"]
    engine: str = Field(default="", max_length=40)
    voice: str = Field(default="", max_length=80, description="One of the engine's; empty: all.")
    uses: list[Literal["answers", "debate", "phone", "files"]] = Field(min_length=1)
    channels: list[str] = Field(default=[], description="Empty: every channel.")
    languages: list[str] = Field(default=[], description="Empty: every language.")
    expires_at: FutureDatetime | None = None
    consent: NewConsent | None = None


class Revoke(_Shape):
    reason: str = Field(min_length=1, max_length=500)


class NewToken(_Shape):
    name: str = Field(min_length=1, max_length=80)
    scopes: list[Scope] = Field(min_length=1)
    spaces: list[str] = Field(min_length=1, description='Ids of spaces; "*" for all.')
    groups: list[str] = Field(default=[], description="Tiers and groups that it may read.")
    requests_per_minute: int = Field(default=0, ge=0)
    expires_at: dt.datetime | None = None


class Shown(BaseModel):
    """An image of a turn, drawn anew: `…/conversations/{conversation}/images/{blob}`."""

    blob: str
    name: str
    width: int
    height: int


class Turn(BaseModel):
    id: str
    question: str | None = None
    attachments: list[Shown] = []
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


class Wanted(_Shape):
    """Turns by their ids."""

    turns: list[str] = Field(max_length=500)


class Accepted(BaseModel):
    turn: str
    conversation: str
