"""A message that somebody wants to send: its body checked, its files taken in.

https://docs.discord.com/developers/resources/message#create-message
"""

from dataclasses import dataclass, field
from typing import Any

from tests.standins.discord import components, embeds, mentions
from tests.standins.discord.errors import Form, Refusal
from tests.standins.discord.state import COMPONENTS_V2, Attachment, Json

LONGEST, LONGEST_NONCE, MOST_FILES = 2_000, 25, 10
# What a sender may set among the flags.
SETTABLE = 1 << 2 | 1 << 6 | 1 << 12 | 1 << 15


@dataclass(slots=True)
class Upload:
    """A file of a request: its number in `attachments`, or its place."""

    number: int
    filename: str
    content_type: str
    data: bytes


@dataclass(slots=True)
class Draft:
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    reference: Json | None = None
    allowed_mentions: Json | None = None
    nonce: str | int | None = None
    enforce_nonce: bool = False
    tags: list[int] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.content or self.embeds or self.components or self.attachments)


def check(body: Json, flags: int = 0) -> None:
    """Raises Refusal 50035. `flags`: those that the message has already."""
    form = Form()
    v2 = bool((body.get("flags") or flags) & COMPONENTS_V2)
    form.length("content", body.get("content"), LONGEST)
    nonce = body.get("nonce")
    form.length("nonce", nonce if isinstance(nonce, str) else "", LONGEST_NONCE)
    embeds.check(form, body.get("embeds") or [])
    components.check(form, body.get("components") or [], v2=v2)
    mentions.check(form, body.get("allowed_mentions"))
    form.length("attachments", body.get("attachments"), MOST_FILES)
    for name in ("content", "embeds"):
        message = f'The "{name}" field cannot be used when using MessageFlags.IS_COMPONENTS_V2'
        right = not (v2 and body.get(name))
        form.require(right, name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)
    form.check()


def draft(body: Json, attachments: list[Attachment]) -> Draft:
    """Raises Refusal: 50035 when a limit is passed, 50006 when there is nothing to send."""
    check(body)
    made = Draft(
        content=stripped(body.get("content")),
        embeds=[embeds.stored(each) for each in body.get("embeds") or []],
        components=components.stored(body.get("components") or []),
        attachments=attachments,
        flags=(body.get("flags") or 0) & SETTABLE,
        reference=body.get("message_reference"),
        allowed_mentions=body.get("allowed_mentions"),
        nonce=body.get("nonce"),
        enforce_nonce=bool(body.get("enforce_nonce")),
    )
    if made.empty:
        raise Refusal(50006)
    return made


def stripped(content: Any) -> str:
    """Discord keeps no white space around a message."""
    return str(content).strip() if content else ""
