"""Everything that exists, and how it is told to bots."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from tests.standins.discord import payloads
from tests.standins.discord.bots import Bot, Session
from tests.standins.discord.calls import Call
from tests.standins.discord.clock import Clock, Snowflakes
from tests.standins.discord.faults import Deliveries, Faults
from tests.standins.discord.intents import Intents
from tests.standins.discord.interactions import Interaction
from tests.standins.discord.limits import Limits
from tests.standins.discord.permissions import permissions
from tests.standins.discord.state import DM, Attachment, Channel, Guild, Json, Message, Thread, User

FILE_LIMIT = 10 << 20


@dataclass(slots=True, repr=False)
class World:
    clock: Clock = field(default_factory=Clock)
    users: dict[int, User] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)  # threads and direct ones too
    bots: dict[str, Bot] = field(default_factory=dict)  # by token
    files: dict[str, Attachment] = field(default_factory=dict)  # by path on the CDN
    interactions: dict[str, Interaction] = field(default_factory=dict)  # by token
    calls: list[Call] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    deliveries: Deliveries = field(default_factory=Deliveries)
    refuse_direct: set[int] = field(default_factory=set)  # people who take no direct messages
    file_limit: int = FILE_LIMIT
    heartbeat_s: float = 41.25
    identify_every_s: float = 0.0  # Discord: 5; here tests may restart a bot at once
    url: str = ""  # of the stand-in, without a path
    ids: Snowflakes = field(init=False)
    limits: Limits = field(init=False)
    _waiting: list[tuple[Callable[[], object], asyncio.Future[object]]] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        self.ids, self.limits = Snowflakes(self.clock), Limits(self.clock)

    @property
    def gateway_url(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/gateway/"

    async def until[T](self, condition: Callable[[], T], timeout: float = 5.0) -> T:
        """The first true value, looked at after each change. Raises TimeoutError (seconds)."""
        if value := condition():
            return value
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        waiting = (condition, future)
        self._waiting.append(waiting)
        try:
            async with asyncio.timeout(timeout):
                return await future  # type: ignore[return-value]
        finally:
            self._waiting.remove(waiting)

    def changed(self) -> None:
        for condition, future in self._waiting:
            if not future.done() and (value := condition()):
                future.set_result(value)

    def dispatch(
        self,
        event: str,
        make: Callable[[Session], Json],
        *,
        channel: Channel | None = None,
        guild: Guild | None = None,
        only: Iterable[Bot] | None = None,
    ) -> None:
        """Tells the bots that may know: members of the server who can see the channel."""
        guild = channel.guild if channel else guild
        bots = self.bots.values() if only is None else only
        told = [
            (session, make(session))
            for bot in bots
            if only is not None or _concerns(bot, guild, channel)
            for session in bot.sessions
            if session.wants(event, guild)
        ]

        def send() -> None:
            for session, data in told:
                session.deliver(event, data)

        self.deliveries.deliver(event, send)
        self.changed()

    def tell_itself(self, user: User, event: str, body: Json) -> None:
        """The sessions of this bot that the members intent kept out."""
        bot = self.bot_of(user)
        for session in bot.sessions if bot else ():
            if Intents.GUILD_MEMBERS not in session.intents and Intents.GUILDS in session.intents:
                session.deliver(event, body)

    def tell_message(self, event: str, message: Message) -> None:
        """MESSAGE_CREATE or MESSAGE_UPDATE; what is ephemeral stays between those concerned."""
        if not message.ephemeral:
            self.dispatch(
                event,
                lambda session: payloads.in_event(message, session.reads),
                channel=message.channel,
            )
        self.changed()

    def tell_thread(self, event: str, thread: Thread, **more: object) -> None:
        self.dispatch(
            event,
            lambda session: payloads.thread(thread, session.bot.user) | more,
            channel=thread,
        )

    def keep_file(
        self, name: str, data: bytes, content_type: str, description: str | None = None
    ) -> Attachment:
        key = self.ids.new()
        path = f"attachments/{key}/{name}"
        width, height = _image_size(data)
        url = f"{self.url}/cdn/{path}"
        kept = Attachment(key, name, content_type, data, url, description, width, height)
        self.files[path] = kept
        return kept

    def direct(self, bot: Bot, user: User) -> Channel:
        """The conversation of these two; made when there is none."""
        for channel in self.channels.values():
            if channel.kind == DM and {*channel.recipients} == {bot.user, user}:
                return channel
        channel = Channel(self.ids.new(), DM, recipients=[bot.user, user])
        self.channels[channel.id] = channel
        return channel

    def bot_of(self, user: User) -> Bot | None:
        return next((bot for bot in self.bots.values() if bot.user is user), None)


def _concerns(bot: Bot, guild: Guild | None, channel: Channel | None) -> bool:
    if guild and bot.id not in guild.members:
        return False
    return channel is None or bool(permissions(bot.user, channel))


def _image_size(data: bytes) -> tuple[int | None, int | None]:
    """Of a PNG; others are shown without one."""
    if data[:8] != b"\x89PNG\r\n\x1a\n" or len(data) < 24:
        return None, None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
