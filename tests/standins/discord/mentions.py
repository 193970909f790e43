"""Who is told of a message: mentions as they are parsed, within what the sender allows.

https://docs.discord.com/developers/resources/message#allowed-mentions-object
Stricter than Discord in one thing: a mention within a block of code counts too.
"""

import re

from tests.standins.discord.errors import Form
from tests.standins.discord.permissions import Permissions, may
from tests.standins.discord.state import SUPPRESS_NOTIFICATIONS, Json, Message, User

KINDS = ("users", "roles", "everyone")


def check(form: Form, allowed: Json | None) -> None:
    for key in ("users", "roles"):
        both = key in ((allowed or {}).get("parse") or ()) and (allowed or {}).get(key)
        code, message = "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", f'parse:["{key}"] and {key}: '
        form.require(
            not both, "allowed_mentions", code, f"{message}[ids...] are mutually exclusive."
        )
        form.length(f"allowed_mentions.{key}", (allowed or {}).get(key), 100)


def mention(message: Message, allowed: Json | None, *, notify: bool = True) -> None:
    """Fills in what the message mentions and, when it is new and not ephemeral, who is pinged."""
    rules = {"parse": KINDS, "replied_user": True} if allowed is None else allowed
    users = _users(message, rules)
    message.mentions = users
    message.mention_roles = _roles(message, rules)
    message.mention_everyone = _everyone(message, rules)
    silent = message.ephemeral or message.flags & SUPPRESS_NOTIFICATIONS
    if notify and not silent:
        ids = {user.id for user in users} | _notified(message)
        message.pinged |= ids - {message.author.id}


def _permitted(rules: Json, key: str, found: set[int]) -> set[int]:
    if key in (rules.get("parse") or ()):
        return found
    return found & {int(each) for each in rules.get(key) or ()}


def _ids(pattern: str, content: str) -> set[int]:
    return {int(each) for each in re.findall(pattern, content)}


def _users(message: Message, rules: Json) -> list[User]:
    channel = message.channel
    known = {user.id: user for user in channel.recipients}
    if channel.guild:
        known = {key: member.user for key, member in channel.guild.members.items()}
    found = _permitted(rules, "users", _ids(r"<@!?(\d+)>", message.content))
    replied = channel.messages.get(message.reference or 0)
    if replied and rules.get("replied_user"):
        known[replied.author.id] = replied.author
        found = found | {replied.author.id}
    return [known[each] for each in sorted(found) if each in known]


def _roles(message: Message, rules: Json) -> list[int]:
    guild = message.channel.guild
    if not guild:
        return []
    found = _permitted(rules, "roles", _ids(r"<@&(\d+)>", message.content))
    everybody = may(message.author, message.channel, Permissions.MENTION_EVERYONE)
    roles = [guild.roles[each] for each in sorted(found) if each in guild.roles]
    return [role.id for role in roles if role.mentionable or everybody]


def _everyone(message: Message, rules: Json) -> bool:
    if "everyone" not in (rules.get("parse") or ()) or not message.channel.guild:
        return False
    called = re.search(r"@(everyone|here)\b", message.content)
    return bool(called) and may(message.author, message.channel, Permissions.MENTION_EVERYONE)


def _notified(message: Message) -> set[int]:
    guild = message.channel.guild
    if not guild:
        return set()
    members = [
        member
        for member in guild.members.values()
        if message.mention_everyone or {role.id for role in member.roles} & {*message.mention_roles}
    ]
    seen = Permissions.VIEW_CHANNEL
    return {each.user.id for each in members if may(each.user, message.channel, seen)}
