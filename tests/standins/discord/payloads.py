"""State as Discord writes it, with every field that its documentation does not call optional.

https://docs.discord.com/developers/resources/message, …/channel, …/guild, …/user
"""

from collections.abc import Callable

from tests.standins.discord.clock import iso
from tests.standins.discord.permissions import permissions
from tests.standins.discord.state import (
    CATEGORY,
    COMPONENTS_V2,
    DM,
    FORUM,
    HAS_THREAD,
    Attachment,
    Channel,
    Guild,
    Json,
    Member,
    Message,
    Overwrite,
    Role,
    Tag,
    Thread,
    User,
)

type Reads = Callable[[Message], bool]  # whether an application may read its content


def everything(_: Message) -> bool:
    return True


def user(of: User) -> Json:
    return {
        "id": str(of.id),
        "username": of.name.lower(),
        "discriminator": f"{of.id % 10_000:04}" if of.bot else "0",
        "global_name": None if of.bot else of.name,
        "avatar": None,
        "avatar_decoration_data": None,
        "primary_guild": None,
        "bot": of.bot,
        "public_flags": 0,
        "flags": 0,
    }


def own_user(of: User) -> Json:
    more = {"verified": True, "mfa_enabled": True, "bio": "", "locale": "en-US"}
    return user(of) | more | {"email": None, "banner": None, "accent_color": None}


def role(of: Role) -> Json:
    tags = {"tags": {"bot_id": str(of.of_bot)}} if of.of_bot else {}
    return {
        "id": str(of.id),
        "name": of.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": of.position,
        "permissions": str(int(of.permissions)),
        "managed": of.of_bot is not None,
        "mentionable": of.mentionable,
        "flags": 0,
        **tags,
    }


def member(of: Member, *, with_user: bool = True) -> Json:
    """Messages carry it without the user, who is their author."""
    who = {"user": user(of.user)} if with_user else {}
    return {
        **who,
        "nick": of.nick,
        "avatar": None,
        "banner": None,
        "roles": [str(role.id) for role in of.roles],
        "joined_at": iso(of.joined_at),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
        "avatar_decoration_data": None,
    }


def overwrite(of: Overwrite) -> Json:
    allow, deny = str(int(of.allow)), str(int(of.deny))
    return {"id": str(of.target), "type": int(of.of_member), "allow": allow, "deny": deny}


def tag(of: Tag) -> Json:
    named = {"id": str(of.id), "name": of.name, "moderated": of.moderated}
    return named | {"emoji_id": None, "emoji_name": None}


def channel(of: Channel, *, with_guild: bool = True) -> Json:
    """GUILD_CREATE carries them without the guild's id."""
    if isinstance(of, Thread):
        return thread(of)
    last = str(of.last_message_id) if of.last_message_id else None
    body: Json = {"id": str(of.id), "type": of.kind, "flags": 0}
    if of.kind == DM:
        person = next(who for who in of.recipients if not who.bot)
        return body | {"last_message_id": last, "recipients": [user(person)]}
    body |= {
        "name": of.name,
        "position": of.position,
        "permission_overwrites": [overwrite(each) for each in of.overwrites.values()],
        "parent_id": str(of.parent.id) if of.parent else None,
        "nsfw": of.nsfw,
    }
    if of.kind != CATEGORY:
        body |= {"topic": of.topic, "rate_limit_per_user": 0, "last_message_id": last}
    if of.kind == FORUM:
        body |= _forum(of)
    if with_guild and of.guild:
        body["guild_id"] = str(of.guild.id)
    return body


def _forum(of: Channel) -> Json:
    return {
        "flags": 1 << 4 if of.require_tag else 0,
        "available_tags": [tag(each) for each in of.tags],
        "default_reaction_emoji": None,
        "default_sort_order": None,
        "default_forum_layout": 0,
        "template": "",
    }


def thread(of: Thread, viewer: User | None = None) -> Json:
    """With `member` when it is sent to somebody who has joined it."""
    assert of.guild
    assert of.parent
    joined = viewer and viewer.id in of.members
    return {
        "id": str(of.id),
        "type": of.kind,
        "guild_id": str(of.guild.id),
        "parent_id": str(of.parent.id),
        "owner_id": str(of.owner.id),
        "name": of.name,
        "last_message_id": str(of.last_message_id) if of.last_message_id else None,
        "rate_limit_per_user": of.slowmode,
        "message_count": max(of.written, 0),
        "total_message_sent": max(of.written, 0),
        "member_count": min(len(of.members), 50),
        "flags": 1 << 1 if of.pinned else 0,
        "thread_metadata": _thread_metadata(of),
        **({"applied_tags": [str(each.id) for each in of.applied]} if of.in_forum else {}),
        **({"member": thread_member(of, viewer.id)} if viewer and joined else {}),
    }


def _thread_metadata(of: Thread) -> Json:
    return {
        "archived": of.archived,
        "auto_archive_duration": of.auto_archive_minutes,
        "archive_timestamp": iso(of.archive_changed_at),
        "locked": of.locked,
        "create_timestamp": iso(of.created_at),
        **({"invitable": of.invitable} if of.private else {}),
    }


def thread_member(of: Thread, user_id: int) -> Json:
    ids = {"id": str(of.id), "user_id": str(user_id)}
    return ids | {"join_timestamp": iso(of.members[user_id]), "flags": 1}


def attachment(of: Attachment) -> Json:
    size = {"width": of.width, "height": of.height} if of.width else {}
    described = {"description": of.description} if of.description else {}
    return {
        "id": str(of.id),
        "filename": of.filename,
        "size": len(of.data),
        "url": of.url,
        "proxy_url": of.url,
        "content_type": of.content_type,
        **size,
        **described,
    }


def message(of: Message, reads: Reads = everything, *, nested: bool = True) -> Json:
    """As REST gives it: what an application may not read is empty."""
    readable = reads(of)
    body: Json = {
        "id": str(of.id),
        "type": of.kind,
        "channel_id": str(of.channel.id),
        "author": user(of.author),
        "content": of.content if readable else "",
        "embeds": of.embeds if readable else [],
        "attachments": [attachment(each) for each in of.attachments] if readable else [],
        "components": of.components if readable else [],
        "timestamp": iso(of.created_at),
        "edited_timestamp": iso(of.edited_at) if of.edited_at else None,
        "mentions": [user(each) for each in of.mentions],
        "mention_roles": [str(each) for each in of.mention_roles],
        "mention_everyone": of.mention_everyone,
        "pinned": False,
        "tts": False,
        "flags": of.flags & ~(0 if readable else COMPONENTS_V2),
    }
    body |= _origin(of)
    if of.reactions:
        body["reactions"] = [reaction(emoji, ids) for emoji, ids in of.reactions.items()]
    if of.thread:
        body["thread"] = thread(of.thread)
        body["flags"] |= HAS_THREAD
    if of.opened and of.opened.guild:
        ids = {"channel_id": str(of.opened.id), "guild_id": str(of.opened.guild.id)}
        body["message_reference"] = {"type": 0, **ids}
    if of.referred:
        body |= _reference(of.referred, of.reference, reads, nested=nested)
    return body


def _origin(of: Message) -> Json:
    body: Json = {}
    if of.nonce is not None:
        body["nonce"] = of.nonce
    if of.application_id:
        body |= {"application_id": str(of.application_id), "webhook_id": str(of.application_id)}
    if of.interaction:
        body["interaction_metadata"] = of.interaction
    return body


def _reference(
    referred: tuple[Channel, Message | None], message_id: int | None, reads: Reads, *, nested: bool
) -> Json:
    """The message replied to is null once it is deleted; its own is not nested further."""
    place, found = referred
    ids = {"type": 0, "message_id": str(message_id), "channel_id": str(place.id)}
    ids |= {"guild_id": str(place.guild.id)} if place.guild else {}
    told = {"referenced_message": found and message(found, reads, nested=False)} if nested else {}
    return {"message_reference": ids, **told}


def reaction(emoji: str, ids: set[int]) -> Json:
    return {
        "count": len(ids),
        "count_details": {"burst": 0, "normal": len(ids)},
        "me": False,
        "me_burst": False,
        "emoji": {"id": None, "name": emoji},
        "burst_colors": [],
    }


def in_event(of: Message, reads: Reads = everything) -> Json:
    """As the gateway sends it: with the server, and the author's member there."""
    body = message(of, reads)
    if guild := of.channel.guild:
        body["guild_id"] = str(guild.id)
        if of.author.id in guild.members and not of.application_id:
            body["member"] = member(guild.members[of.author.id], with_user=False)
    return body


def guild(of: Guild) -> Json:
    return {
        "id": str(of.id),
        "name": of.name,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "banner": None,
        "description": None,
        "owner_id": str(of.owner.id),
        "application_id": None,
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "safety_alerts_channel_id": None,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "mfa_level": 0,
        "nsfw": False,
        "nsfw_level": 0,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "premium_progress_bar_enabled": False,
        "preferred_locale": of.locale,
        "vanity_url_code": None,
        "max_presences": None,
        "max_members": 500_000,
        "max_video_channel_users": 25,
        "max_stage_video_channel_users": 50,
        "features": ["COMMUNITY"],
        "roles": [role(each) for each in of.roles.values()],
        "emojis": [],
        "stickers": [],
        "incidents_data": None,
    }


def guild_create(of: Guild, bot: User, *, everybody: bool) -> Json:
    """The server as a bot sees it at login: members only with the presences intent, else itself."""
    seen = of.members.values() if everybody else [of.members[bot.id]]
    threads = [each for each in of.threads.values() if not each.archived]
    return guild(of) | {
        "joined_at": iso(of.members[bot.id].joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(of.members),
        "voice_states": [],
        "members": [member(each) for each in seen],
        "channels": [channel(each, with_guild=False) for each in of.channels.values()],
        "threads": [thread(each, bot) for each in threads if permissions(bot, each)],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }
