"""Which events a session asked for.

https://docs.discord.com/developers/events/gateway#list-of-intents
"""

from enum import IntFlag


class Intents(IntFlag):
    """Those of the documentation; a session that asks for another bit is closed with 4013."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25


NO_INTENTS = Intents(0)
PRIVILEGED = Intents.GUILD_MEMBERS | Intents.GUILD_PRESENCES | Intents.MESSAGE_CONTENT
VALID = sum(Intents)
# What an application of less than 10,000 users shows of them: its "limited" flags.
FLAGS = {
    Intents.GUILD_PRESENCES: 1 << 13,
    Intents.GUILD_MEMBERS: 1 << 15,
    Intents.MESSAGE_CONTENT: 1 << 19,
}
_IN_GUILDS = {
    "GUILD_": Intents.GUILDS,
    "CHANNEL_": Intents.GUILDS,
    "THREAD_": Intents.GUILDS,
    "THREAD_MEMBERS_": Intents.GUILD_MEMBERS,
    "MESSAGE_": Intents.GUILD_MESSAGES,
    "MESSAGE_REACTION_": Intents.GUILD_MESSAGE_REACTIONS,
    "TYPING_": Intents.GUILD_MESSAGE_TYPING,
    "GUILD_MEMBER_": Intents.GUILD_MEMBERS,
    "PRESENCE_": Intents.GUILD_PRESENCES,
}
_DIRECT = {
    "MESSAGE_": Intents.DIRECT_MESSAGES,
    "MESSAGE_REACTION_": Intents.DIRECT_MESSAGE_REACTIONS,
    "TYPING_": Intents.DIRECT_MESSAGE_TYPING,
}


def needed(event: str, *, direct: bool) -> Intents:
    """The intent without which this event is not sent; none for INTERACTION_CREATE and the like."""
    table = _DIRECT if direct else _IN_GUILDS
    prefixes = [prefix for prefix in table if event.startswith(prefix)]
    return table[max(prefixes, key=len)] if prefixes else NO_INTENTS
