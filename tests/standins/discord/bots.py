"""An application with its bot user, and its sessions on the gateway."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tests.standins.discord.intents import FLAGS, NO_INTENTS, PRIVILEGED, Intents, needed
from tests.standins.discord.state import DM, Guild, Json, Message, User

REMEMBERED = 2_000  # events that a session can be replayed


class Wire(Protocol):
    """One connection of a bot."""

    def send(self, op: int, data: object, event: str | None = None, seq: int | None = None) -> None:
        """In order; returns at once."""

    def close(self, code: int) -> None:
        """After what was sent; 0 breaks the connection without a word."""


@dataclass(eq=False, slots=True)
class Session:
    """What IDENTIFY begins, and RESUME goes on with over another connection."""

    id: str
    bot: "Bot"
    intents: Intents
    shard: tuple[int, int] = (0, 1)
    wire: Wire | None = None
    seq: int = 0
    events: deque[tuple[int, str, Json]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def wants(self, event: str, guild: Guild | None) -> bool:
        intent = needed(event, direct=guild is None)
        number = (guild.id >> 22) % self.shard[1] if guild else 0
        return intent in self.intents and number == self.shard[0]

    def reads(self, message: Message) -> bool:
        return Intents.MESSAGE_CONTENT in self.intents or self.bot.may_always_read(message)

    def deliver(self, event: str, data: Json) -> None:
        """Kept for a RESUME when nobody is connected now."""
        self.seq += 1
        self.events.append((self.seq, event, data))
        if self.wire:
            self.wire.send(0, data, event, self.seq)


@dataclass(eq=False, slots=True)
class Bot:
    """`privileged`: the intents that its application may use."""

    token: str
    user: User
    privileged: Intents
    changed: Callable[[], None]
    sessions: list[Session] = field(default_factory=list)
    commands: dict[int, Json] = field(default_factory=dict)
    guild_commands: dict[int, dict[int, Json]] = field(default_factory=dict)
    command_creates: list[float] = field(default_factory=list)  # when
    starts_left: int = 1_000
    identified: deque[float] = field(default_factory=deque)  # when
    presence: Json | None = None

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def application_id(self) -> int:
        return self.user.id

    @property
    def flags(self) -> int:
        return sum(flag for intent, flag in FLAGS.items() if intent in self.privileged)

    @property
    def online(self) -> bool:
        return any(session.wire for session in self.sessions)

    def may_always_read(self, message: Message) -> bool:
        """Its own messages, those that mention it, and direct ones need no intent."""
        own = message.author is self.user or message.application_id == self.application_id
        return own or message.channel.kind == DM or self.user in message.mentions

    def reads(self, message: Message) -> bool:
        """Over REST, where no session is known."""
        return Intents.MESSAGE_CONTENT in self.privileged or self.may_always_read(message)

    def drop(self, code: int = 0) -> None:
        """Closes its connections, without a word or with a code; sessions can be resumed."""
        for session in self.sessions:
            if session.wire:
                session.wire.close(code)
                session.wire = None
        self.changed()

    def ask_to_reconnect(self) -> None:
        """Opcode 7."""
        for session in self.sessions:
            if session.wire:
                session.wire.send(7, None)

    def invalidate(self, *, resumable: bool = False) -> None:
        """Opcode 9; a session that is not resumable is forgotten."""
        for session in self.sessions:
            if session.wire:
                session.wire.send(9, resumable)
        if not resumable:
            self.sessions.clear()

    def allowed(self, intents: Intents) -> bool:
        return intents & PRIVILEGED & ~self.privileged == NO_INTENTS
