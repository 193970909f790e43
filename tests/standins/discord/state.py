"""What exists: servers ("guilds"), people, channels, messages. Ids are numbers, in JSON strings."""

from dataclasses import dataclass, field
from typing import Any

type Json = dict[str, Any]

TEXT, DM, CATEGORY, FORUM = 0, 1, 4, 15
PUBLIC_THREAD, PRIVATE_THREAD = 11, 12
HAS_THREAD = 1 << 5
LOADING, EPHEMERAL, SUPPRESS_NOTIFICATIONS, COMPONENTS_V2 = 1 << 7, 1 << 6, 1 << 12, 1 << 15
DEFAULT_TYPE, RECIPIENT_ADD, NAME_CHANGE = 0, 1, 4
THREAD_CREATED, REPLY, CHAT_INPUT_COMMAND, THREAD_STARTER = 18, 19, 20, 21


@dataclass(eq=False, slots=True)
class User:
    id: int
    name: str
    bot: bool = False
    locale: str = "fr"

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(eq=False, slots=True)
class Role:
    id: int
    name: str
    permissions: int = 0
    position: int = 1
    mentionable: bool = False
    of_bot: int | None = None

    @property
    def mention(self) -> str:
        return f"<@&{self.id}>"


@dataclass(eq=False, slots=True)
class Member:
    user: User
    roles: list[Role]
    joined_at: float
    nick: str | None = None


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What a channel allows or denies to a role, or to one member."""

    target: int
    of_member: bool = False
    allow: int = 0
    deny: int = 0


@dataclass(eq=False, slots=True)
class Tag:
    id: int
    name: str
    moderated: bool = False


@dataclass(eq=False, slots=True)
class Guild:
    id: int
    name: str
    owner: User
    created_at: float
    locale: str = "fr"
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channels: dict[int, "Channel"] = field(default_factory=dict)
    threads: dict[int, "Thread"] = field(default_factory=dict)

    @property
    def everyone(self) -> Role:
        return self.roles[self.id]


@dataclass(eq=False, slots=True)
class Channel:
    """A channel of a server, or a conversation between two (`recipients`)."""

    id: int
    kind: int
    name: str = ""
    guild: Guild | None = None
    parent: "Channel | None" = None
    position: int = 0
    topic: str | None = None
    nsfw: bool = False
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    tags: list[Tag] = field(default_factory=list)
    require_tag: bool = False
    recipients: list[User] = field(default_factory=list)
    messages: dict[int, "Message"] = field(default_factory=dict)
    last_message_id: int | None = None
    nonces: dict[tuple[int, str], "tuple[float, Message]"] = field(default_factory=dict)

    @property
    def mention(self) -> str:
        return f"<#{self.id}>"

    def history(self) -> list["Message"]:
        """Oldest first; a starter that came late still comes first."""
        return [self.messages[key] for key in sorted(self.messages)]


@dataclass(eq=False, slots=True)
class Thread(Channel):
    owner: User = field(kw_only=True)
    created_at: float = field(kw_only=True)
    archive_changed_at: float = field(kw_only=True)
    archived: bool = False
    locked: bool = False
    pinned: bool = False
    invitable: bool = True
    auto_archive_minutes: int = 4320
    slowmode: int = 0
    started: bool = True  # a post is, once its author has written the first message
    applied: list[Tag] = field(default_factory=list)
    members: dict[int, float] = field(default_factory=dict)  # user id: since when
    written: int = 0  # messages ever, the starter not counted

    @property
    def private(self) -> bool:
        return self.kind == PRIVATE_THREAD

    @property
    def in_forum(self) -> bool:
        return self.parent is not None and self.parent.kind == FORUM


@dataclass(frozen=True, slots=True)
class Attachment:
    id: int
    filename: str
    content_type: str
    data: bytes
    url: str
    description: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """What a message showed from some moment on."""

    at: float
    content: str
    embeds: list[Json]


@dataclass(eq=False, slots=True)
class Message:
    """`pinged` holds the ids of all who would have been notified of it."""

    id: int
    channel: Channel
    author: User
    created_at: float
    content: str = ""
    kind: int = DEFAULT_TYPE
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    edited_at: float | None = None
    reference: int | None = None
    nonce: str | int | None = None
    mentions: list[User] = field(default_factory=list)
    mention_roles: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    pinged: set[int] = field(default_factory=set)
    reactions: dict[str, set[int]] = field(default_factory=dict)
    application_id: int | None = None  # sent through an interaction
    asked_by: User | None = None
    interaction: Json | None = None  # its metadata
    thread: Thread | None = None  # that was opened below it
    opened: Thread | None = None  # that Discord tells of with it
    versions: list[Version] = field(default_factory=list)

    @property
    def referred(self) -> "tuple[Channel, Message | None] | None":
        """Where the message is that this one replies to or begins with, and that if it is there."""
        if self.reference is None:
            return None
        place = self.channel
        if self.kind == THREAD_STARTER and place.parent:
            place = place.parent
        return place, place.messages.get(self.reference)

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """« … is thinking »."""
        return bool(self.flags & LOADING)

    @property
    def jump_url(self) -> str:
        guild = self.channel.guild.id if self.channel.guild else "@me"
        return f"https://discord.com/channels/{guild}/{self.channel.id}/{self.id}"

    @property
    def shown(self) -> str:
        """Everything that a person reads in it, a line each."""
        lines = [self.content]
        for embed in self.embeds:
            lines += _read(embed)
        lines += [attachment.filename for attachment in self.attachments]
        lines += [f"[{label}]" for label in self.buttons]
        return "\n".join(filter(None, lines))

    @property
    def buttons(self) -> dict[str, Json]:
        """By label, or emoji where there is none."""
        found = {}
        for component in walk(self.components):
            if component["type"] == 2:
                emoji = (component.get("emoji") or {}).get("name", "")
                found[component.get("label") or emoji] = component
        return found


def walk(components: list[Json]) -> list[Json]:
    """All of them, also those in rows and containers."""
    found = []
    for component in components:
        found.append(component)
        found += walk(component.get("components") or [])
        inner = [component.get("accessory"), component.get("component")]
        found += walk([one for one in inner if one])
    return found


def _read(embed: Json) -> list[str]:
    fields = [text for entry in embed.get("fields", ()) for text in (entry["name"], entry["value"])]
    author, footer = embed.get("author") or {}, embed.get("footer") or {}
    title, description = embed.get("title") or "", embed.get("description") or ""
    return [author.get("name", ""), title, description, *fields, footer.get("text", "")]
