"""What a bot has to be allowed on a server, and what for.

Sources: https://docs.discord.com/developers/topics/permissions,
…/topics/oauth2#bot-authorization-flow
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

ADMINISTRATOR = 1 << 3
_ALL = (1 << 53) - 1


@dataclass(frozen=True, slots=True)
class Permission:
    """`name` as nextcord has it; `label` as Discord's English settings show it."""

    name: str
    bit: int
    label: str
    why: str


class Overwrite(NamedTuple):
    """Bits that a channel gives to, or takes from, a role or a person."""

    allow: int = 0
    deny: int = 0


VIEW = Permission("view_channel", 1 << 10, "View Channels", "to see forums, posts and channels")
HISTORY = Permission(
    "read_message_history",
    1 << 16,
    "Read Message History",
    "to find what was asked before a restart, and what a reply is about",
)
IN_THREADS = Permission(
    "send_messages_in_threads", 1 << 38, "Send Messages in Threads", "to answer posts and threads"
)
SEND = Permission(
    "send_messages", 1 << 11, "Send Messages", "to answer in channels; forums do not need it"
)
EMBED = Permission("embed_links", 1 << 14, "Embed Links", "to show answers with their sources")
ATTACH = Permission("attach_files", 1 << 15, "Attach Files", "to send very long answers whole")
MANAGE = Permission(
    "manage_threads",
    1 << 34,
    "Manage Threads",
    "to tag posts as solved; only where a forum has a solved_tag",
)
NEEDED = (VIEW, HISTORY, IN_THREADS, SEND, EMBED, ATTACH)


def to_answer(*, in_threads: bool) -> tuple[Permission, ...]:
    """Those without which nothing is said in a channel, or in its posts and threads."""
    return VIEW, HISTORY, IN_THREADS if in_threads else SEND, EMBED


def wanted(*, marks: bool) -> tuple[Permission, ...]:
    """Those that an invitation asks for; `marks`: the bot tags solved posts."""
    return (*NEEDED, MANAGE) if marks else NEEDED


def invitation(application: int, *, marks: bool = False) -> str:
    """The address at which who manages a server lets the bot in."""
    asked = {
        "client_id": application,
        "scope": "bot applications.commands",
        "permissions": bits(wanted(marks=marks)),
    }
    return f"https://discord.com/oauth2/authorize?{urlencode(asked)}"


def bits(permissions: Iterable[Permission]) -> int:
    return sum(permission.bit for permission in permissions)


def lacking(have: int, needed: Iterable[Permission]) -> tuple[Permission, ...]:
    return tuple(permission for permission in needed if not have & permission.bit)


def permitted(
    base: int, overwrites: Mapping[int, Overwrite], everyone: int, roles: Iterable[int], member: int
) -> int:
    """What a member with these roles may do in a channel; `base` is what they may on its server.

    Not what one permission implies of another: who may not send messages in a forum opens no
    posts, but may show embeds in those of others.
    """
    if base & ADMINISTRATOR:
        return _ALL
    none = Overwrite()
    theirs = [overwrites.get(role, none) for role in {*roles} - {everyone}]
    return applied(base, overwrites.get(everyone, none), theirs, overwrites.get(member, none))


def applied(base: int, everyone: Overwrite, roles: Iterable[Overwrite], own: Overwrite) -> int:
    """As Discord computes them: @everyone's overwrite, then the roles', then the person's own."""
    allowed = denied = 0
    for each in roles:
        allowed, denied = allowed | each.allow, denied | each.deny
    for each in (everyone, Overwrite(allowed, denied), own):
        base = base & ~each.deny | each.allow
    return base
