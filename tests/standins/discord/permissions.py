"""Permissions, computed as Discord computes them.

https://docs.discord.com/developers/topics/permissions
"""

from enum import IntFlag

from tests.standins.discord.state import Channel, Guild, Thread, User


class Permissions(IntFlag):
    """Those that matter to text; the others are in the sum `ALL`."""

    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    CHANGE_NICKNAME = 1 << 26
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    USE_EXTERNAL_STICKERS = 1 << 37
    SEND_MESSAGES_IN_THREADS = 1 << 38
    MODERATE_MEMBERS = 1 << 40
    SEND_POLLS = 1 << 49
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51
    BYPASS_SLOWMODE = 1 << 52


P = Permissions
ALL = (1 << 53) - 1
NONE = P(0)
DEFAULT = (
    P.CREATE_INSTANT_INVITE | P.ADD_REACTIONS | P.VIEW_CHANNEL | P.SEND_MESSAGES | P.EMBED_LINKS
    | P.ATTACH_FILES | P.READ_MESSAGE_HISTORY | P.USE_EXTERNAL_EMOJIS | P.CONNECT | P.SPEAK
    | P.CHANGE_NICKNAME | P.USE_APPLICATION_COMMANDS | P.CREATE_PUBLIC_THREADS
    | P.CREATE_PRIVATE_THREADS | P.USE_EXTERNAL_STICKERS | P.SEND_MESSAGES_IN_THREADS
    | P.SEND_POLLS | P.USE_EXTERNAL_APPS
)  # fmt: skip
# In a conversation between two, nobody can take anything away.
DIRECT = DEFAULT
NEEDS_SENDING = P.MENTION_EVERYONE | P.SEND_TTS_MESSAGES | P.ATTACH_FILES | P.EMBED_LINKS


def permissions(user: User, channel: Channel) -> Permissions:
    """What this user may do in this channel or thread."""
    if channel.guild is None:
        return DIRECT if user in channel.recipients else NONE
    member = channel.guild.members.get(user.id)
    if member is None:
        return NONE
    base = in_guild(user, channel.guild)
    if P.ADMINISTRATOR in base:
        return P(ALL)
    roles = {role.id for role in member.roles}
    allowed = _overwritten(base, user, channel, roles)
    return _implied(allowed, user, channel)


def in_guild(user: User, guild: Guild) -> Permissions:
    """Before any channel has its say."""
    if user is guild.owner:
        return P(ALL)
    value = guild.everyone.permissions
    for role in guild.members[user.id].roles:
        value |= role.permissions
    return P(ALL) if value & P.ADMINISTRATOR else P(value)


def may(user: User, channel: Channel, wanted: Permissions) -> bool:
    return wanted in permissions(user, channel)


def _overwritten(base: Permissions, user: User, channel: Channel, roles: set[int]) -> int:
    assert channel.guild
    place = channel.parent if isinstance(channel, Thread) else channel
    assert place
    value = int(base)
    everyone = place.overwrites.get(channel.guild.id)
    if everyone:
        value = value & ~everyone.deny | everyone.allow
    of_roles = [place.overwrites[role] for role in roles if role in place.overwrites]
    denied = allowed = 0
    for overwrite in of_roles:
        denied |= overwrite.deny
        allowed |= overwrite.allow
    value = value & ~denied | allowed
    own = place.overwrites.get(user.id)
    return value & ~own.deny | own.allow if own else value


def _implied(value: int, user: User, channel: Channel) -> Permissions:
    """What cannot be done without something else that is missing."""
    if not value & P.VIEW_CHANNEL:
        return NONE
    sending = P.SEND_MESSAGES
    if isinstance(channel, Thread):
        sending = P.SEND_MESSAGES_IN_THREADS
        hidden = channel.private and user.id not in channel.members
        if hidden and not value & P.MANAGE_THREADS:
            return NONE
    if not value & sending:
        value &= ~NEEDS_SENDING
    return P(value)
