"""What the rest of the service knows of Discord: plain values, made by `client.py` alone.

All ids are Discord's own.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Kind = Literal["post", "thread", "text", "direct"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on a server, or in a direct message; another bot or a webhook too.

    `roles` are those of the server, its @everyone (the server's own id) included; in a direct
    message those on every server that the person shares with our bots, empty when nobody knows.
    """

    id: int
    name: str
    roles: tuple[int, ...] = ()
    is_bot: bool = False
    # Permissions in the place where it was said.
    manages_messages: bool = False
    manages_threads: bool = False
    manages_server: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is said: a post of a forum, another thread, a text channel, or direct."""

    kind: Kind
    channel: int  # the post's or thread's own id, else the channel's
    server: int | None = None
    parent: int | None = None  # the forum or channel of a post or thread
    category: int | None = None
    name: str = ""
    tags: tuple[str, ...] = ()  # of a post, as people see them
    owner: int | None = None  # who opened the post or thread
    is_public: bool = False  # everybody on the server may read it
    is_locked: bool = False

    @property
    def link(self) -> str:
        return f"https://discord.com/channels/{self.server or '@me'}/{self.channel}"


@dataclass(frozen=True, slots=True)
class File:
    """An attachment, where Discord keeps it."""

    id: int
    name: str
    url: str
    size: int  # bytes
    media_type: str  # as Discord believes, may be empty


@dataclass(frozen=True, slots=True)
class Message:
    id: int
    place: Place
    author: Person
    text: str
    sent_at: dt.datetime
    files: tuple[File, ...] = ()
    mentions: tuple[int, ...] = ()  # users that it names or pings by replying, ourselves included
    replies_to: int | None = None  # a message of the same place
    replies_to_author: int | None = None  # who wrote that, where it is known
    is_edited: bool = False
    is_system: bool = False  # Discord's own words: that somebody came, or that something is pinned
    opened: Place | None = None  # the thread that was opened with it, or that it tells of

    @property
    def is_starter(self) -> bool:
        """The first message of a post has the post's own id."""
        return self.place.kind == "post" and self.id == self.place.channel

    @property
    def link(self) -> str:
        return f"{self.place.link}/{self.id}"


@dataclass(frozen=True, slots=True)
class Field:
    """A titled block of an embed: 256 and 1,024 characters at most."""

    name: str
    value: str
    is_inline: bool = False


@dataclass(frozen=True, slots=True)
class Embed:
    """A framed block below the content; 4,096 characters of text, 6,000 with all else."""

    text: str = ""
    title: str = ""
    colour: int = 0  # 0xRRGGBB
    footer: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Button:
    """`id` comes back with the click, also after a restart: at most 100 characters."""

    id: str
    label: str = ""
    emoji: str = ""
    is_danger: bool = False
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Body:
    """What one message of ours shows. Nobody is ever mentioned by it."""

    content: str = ""  # 2,000 characters at most
    embeds: tuple[Embed, ...] = ()
    buttons: tuple[Button, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()  # names and contents
