"""A server as its owner arranges it; bots that are connected are told."""

from collections.abc import Sequence

from tests.standins.discord import payloads
from tests.standins.discord.bots import Bot
from tests.standins.discord.errors import Json
from tests.standins.discord.intents import Intents
from tests.standins.discord.people import Person
from tests.standins.discord.permissions import DEFAULT, Permissions
from tests.standins.discord.state import (
    CATEGORY,
    FORUM,
    TEXT,
    Channel,
    Guild,
    Member,
    Overwrite,
    Role,
    Tag,
    User,
)
from tests.standins.discord.world import World

NONE = Permissions(0)


class Server:
    """`guild` is its state. The owner may do everything."""

    def __init__(self, world: World, guild: Guild) -> None:
        self.world, self.guild = world, guild
        self.owner = Person(world, guild.owner)

    @property
    def id(self) -> int:
        return self.guild.id

    @property
    def everyone(self) -> Role:
        return self.guild.everyone

    def role(
        self, name: str, permissions: Permissions = NONE, *, mentionable: bool = False
    ) -> Role:
        key, position = self.world.ids.new(), len(self.guild.roles)
        role = Role(key, name, permissions, position, mentionable)
        self.guild.roles[role.id] = role
        self._tell("GUILD_ROLE_CREATE", {"role": payloads.role(role)})
        return role

    def person(self, name: str, *roles: Role, locale: str = "fr") -> Person:
        """Somebody new, who joins."""
        user = User(self.world.ids.new(), name, locale=locale)
        self.world.users[user.id] = user
        person = Person(self.world, user)
        self.join(person, *roles)
        return person

    def join(
        self, who: Person | Bot, *roles: Role, permissions: Permissions | None = None
    ) -> Member:
        """`permissions`: those of the invitation of a bot, which get it a role of its own."""
        joined = list(roles)
        if permissions is not None:
            role = self.role(who.user.name, permissions)
            role.of_bot = who.id
            joined.append(role)
        member = Member(who.user, joined, self.world.clock.now())
        self.guild.members[who.id] = member
        self._tell("GUILD_MEMBER_ADD", payloads.member(member))
        if isinstance(who, Bot):
            self._welcome(who)
        return member

    def leave(self, who: Person | Bot) -> None:
        self._tell("GUILD_MEMBER_REMOVE", {"user": payloads.user(who.user)})
        del self.guild.members[who.id]
        if isinstance(who, Bot):
            body = {"id": str(self.id), "unavailable": False}
            self.world.dispatch("GUILD_DELETE", lambda _: body, guild=self.guild, only=[who])

    def go_down(self) -> None:
        """An outage: the server is unavailable, which is no leaving."""
        body = {"id": str(self.id), "unavailable": True}
        self.world.dispatch("GUILD_DELETE", lambda _: body, guild=self.guild)

    def come_back(self) -> None:
        for bot in self.world.bots.values():
            if bot.id in self.guild.members:
                self._welcome(bot)

    def set_roles(self, who: Person | Bot, *roles: Role) -> None:
        member = self.guild.members[who.id]
        member.roles = list(roles)
        body = payloads.member(member) | {"guild_id": str(self.id)}
        self.world.dispatch("GUILD_MEMBER_UPDATE", lambda _: body, guild=self.guild)
        self.world.tell_itself(who.user, "GUILD_MEMBER_UPDATE", body)

    def category(self, name: str) -> Channel:
        return self._channel(CATEGORY, name, None)

    def text(self, name: str, parent: Channel | None = None, *, nsfw: bool = False) -> Channel:
        return self._channel(TEXT, name, parent, nsfw=nsfw)

    def forum(
        self,
        name: str,
        tags: Sequence[str] = (),
        parent: Channel | None = None,
        *,
        moderated: Sequence[str] = (),
        require_tag: bool = False,
    ) -> Channel:
        """`moderated`: those among the tags that only moderators may apply."""
        made = [Tag(self.world.ids.new(), tag, tag in moderated) for tag in tags]
        return self._channel(FORUM, name, parent, tags=made, require_tag=require_tag)

    def allow(self, channel: Channel, who: Role | Person | Bot, what: Permissions) -> None:
        """In this channel; what was denied before is not any more."""
        self._overwrite(channel, who, what, NONE)

    def deny(self, channel: Channel, who: Role | Person | Bot, what: Permissions) -> None:
        self._overwrite(channel, who, NONE, what)

    def set_permissions(self, role: Role, permissions: Permissions) -> None:
        role.permissions = permissions
        self._tell("GUILD_ROLE_UPDATE", {"role": payloads.role(role)})

    def _overwrite(
        self, channel: Channel, who: Role | Person | Bot, allow: Permissions, deny: Permissions
    ) -> None:
        old = channel.overwrites.get(who.id, Overwrite(who.id))
        channel.overwrites[who.id] = Overwrite(
            who.id,
            not isinstance(who, Role),
            (old.allow | allow) & ~deny,
            (old.deny | deny) & ~allow,
        )
        body = payloads.channel(channel)
        self.world.dispatch("CHANNEL_UPDATE", lambda _: body, guild=self.guild)

    def _channel(
        self,
        kind: int,
        name: str,
        parent: Channel | None,
        *,
        tags: list[Tag] | None = None,
        require_tag: bool = False,
        nsfw: bool = False,
    ) -> Channel:
        """It begins with the overwrites of its category."""
        channel = Channel(
            id=self.world.ids.new(),
            kind=kind,
            name=name,
            guild=self.guild,
            parent=parent,
            position=len(self.guild.channels),
            nsfw=nsfw,
            overwrites=dict(parent.overwrites) if parent else {},
            tags=tags or [],
            require_tag=require_tag,
        )
        self.guild.channels[channel.id] = self.world.channels[channel.id] = channel
        self._tell("CHANNEL_CREATE", payloads.channel(channel))
        return channel

    def _welcome(self, bot: Bot) -> None:
        for session in bot.sessions:
            everybody = Intents.GUILD_PRESENCES in session.intents
            body = payloads.guild_create(self.guild, bot.user, everybody=everybody)
            session.deliver("GUILD_CREATE", body)

    def _tell(self, event: str, body: Json) -> None:
        told = body | {"guild_id": str(self.id)}
        self.world.dispatch(event, lambda _: told, guild=self.guild)


def found(world: World, name: str, locale: str) -> Server:
    """A server, its owner and @everyone with what Discord gives to everyone."""
    owner = User(world.ids.new(), f"{name}-owner", locale=locale)
    world.users[owner.id] = owner
    now = world.clock.now()
    guild = Guild(world.ids.new(), name, owner, now, locale)
    guild.roles[guild.id] = Role(guild.id, "@everyone", DEFAULT, 0)
    guild.members[owner.id] = Member(owner, [], now)
    world.guilds[guild.id] = guild
    return Server(world, guild)
