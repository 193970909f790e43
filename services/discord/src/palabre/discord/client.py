"""A bot's connection: what Discord's gateway says, as plain values. Nobody else knows payloads."""

import asyncio
import contextlib
import dataclasses
import time
from typing import Any, Protocol

import aiohttp
import nextcord
import structlog
from nextcord.http import Route

from palabre.discord import calls, permissions
from palabre.discord.interactions import Interaction, Replies
from palabre.discord.messages import File, Kind, Message, Person, Place
from palabre.discord.permissions import Overwrite, permitted
from palabre.discord.posts import said_at
from palabre.discord.replying import NextcordReplies, interaction_of

log = structlog.get_logger()

SPOKEN = (nextcord.MessageType.default, nextcord.MessageType.reply)
COMMANDED = (nextcord.MessageType.chat_input_command, nextcord.MessageType.context_menu_command)
READY_S = 0.3  # without a further server, until those that we are on are known
ROLES_S = 60.0  # how long a person's roles are believed, where Discord does not tell them
Channel = Any  # of nextcord's channels one that has messages


class Listener(Protocol):
    """What a connection tells. An exception ends only the event that it came from."""

    async def ready(self) -> None:
        """Everything that was not told meanwhile may have been missed."""

    async def said(self, message: Message) -> None:
        """Somebody spoke; it may come twice, late, or out of order."""

    async def opened(self, post: Place) -> None:
        """A post of a forum; its first message may come before, after or never."""

    async def edited(self, channel: int, message: int) -> None:
        """A person changed their message."""

    async def deleted(self, channel: int, message: int | None) -> None:
        """A message is gone; None: all that was there."""

    async def asked(self, interaction: Interaction, replies: Replies) -> None:
        """Somebody used a command, button or form: three seconds are left. It may come twice."""

    async def changed(self, place: Place) -> None:
        """A post or thread has other tags, or was locked, archived or opened again."""


class Fenced(aiohttp.TCPConnector):
    """Opens nothing, and hands out no connection, once `may_act` says no.

    Every request and the gateway go through it: a process that was stopped and wakes up does
    nothing that the next holder of its lease is doing.
    """

    def __init__(self, may_act: "MayAct") -> None:
        super().__init__()
        self._may_act = may_act

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        if not self._may_act():
            raise aiohttp.ClientConnectionError("the lease is not ours any more")
        return await super().connect(*args, **kwargs)


class _Unshared(dict[str, Any]):
    """Rate limits by Discord's name for them, which nextcord shares among all that have the same.

    The name says nothing of the channel (X-RateLimit-Bucket is "non-inclusive of top-level
    resources", https://docs.discord.com/developers/topics/rate-limits), so that five edits in one
    channel would stop those in all others for five seconds. Kept out of here, each route of each
    channel has its own.
    """

    def __setitem__(self, name: str, limit: Any) -> None:
        """Forgets it."""


class MayAct(Protocol):
    def __call__(self) -> bool: ...


def point_at(api: str) -> None:
    """Where Discord is, for all clients of this process."""
    Route.BASE = api


def intents(*, reads: bool) -> nextcord.Intents:
    """What the gateway is asked for; `reads` is privileged: what people write."""
    wanted = nextcord.Intents.none()
    wanted.guilds = wanted.guild_messages = wanted.dm_messages = True
    wanted.message_content = reads
    return wanted


class Client(nextcord.Client):
    """`reads`: it may read what people write where they do not name it."""

    heard_by: Listener  # set before it is started

    def __init__(self, name: str, may_act: MayAct, *, reads: bool) -> None:
        super().__init__(
            intents=intents(reads=reads),
            connector=Fenced(may_act),
            max_messages=None,
            guild_ready_timeout=READY_S,
            allowed_mentions=nextcord.AllowedMentions.none(),
            rollout_delete_unknown=False,
        )
        self.http._buckets = _Unshared()
        self.name, self.reads = name, reads
        self._away_since: float | None = time.monotonic()
        self._roles: dict[int, tuple[float, tuple[int, ...]]] = {}

    @property
    def away_s(self) -> float:
        """For how long the gateway has not told us anything; 0 while it does."""
        return 0.0 if self._away_since is None else time.monotonic() - self._away_since

    # What the gateway says

    async def on_connect(self) -> None:
        """Not nextcord's own, which writes commands at each connection (see commands/)."""
        self._away_since = None

    async def on_resumed(self) -> None:
        self._away_since = None

    async def on_disconnect(self) -> None:
        self._away_since = self._away_since or time.monotonic()

    async def on_error(self, event_method: str, *args: Any, **kwargs: Any) -> None:
        log.exception("an event of Discord failed", bot=self.name, handler=event_method)

    async def on_ready(self) -> None:
        await self.heard_by.ready()

    async def on_guild_available(self, guild: nextcord.Guild) -> None:
        """One that came late, or is back; not nextcord's own, which writes commands."""
        await self.heard_by.ready()

    async def on_message(self, message: nextcord.Message) -> None:
        if message.type not in SPOKEN or message.author == self.user:
            return
        try:
            said = await calls.insist(lambda: self.message_of(message), self.name)
        except (calls.Gone, calls.Refused):
            return  # nobody can answer it
        await self.heard_by.said(said)

    async def on_interaction(self, interaction: nextcord.Interaction[Any]) -> None:
        """Not nextcord's own, which knows only commands that were added to it (see commands/)."""
        if asked := interaction_of(interaction):
            await self.heard_by.asked(asked, self.replies(asked.id, asked.token))

    async def on_thread_create(self, thread: nextcord.Thread) -> None:
        await self.heard_by.opened(self.place_of(thread))

    async def on_thread_update(self, before: nextcord.Thread, after: nextcord.Thread) -> None:
        await self.heard_by.changed(self.place_of(after))

    async def on_thread_join(self, thread: nextcord.Thread) -> None:
        """Also one that was archived when we came, and changed now."""
        await self.heard_by.changed(self.place_of(thread))

    async def on_raw_message_edit(self, payload: nextcord.RawMessageUpdateEvent) -> None:
        """Discord tells as an edit, too, that it found a preview for a link."""
        data: Any = payload.data
        author = data.get("author") or {}
        if data.get("edited_timestamp") and not author.get("bot"):
            await self.heard_by.edited(payload.channel_id, payload.message_id)

    async def on_raw_message_delete(self, payload: nextcord.RawMessageDeleteEvent) -> None:
        await self.heard_by.deleted(payload.channel_id, payload.message_id)

    async def on_raw_bulk_message_delete(self, payload: nextcord.RawBulkMessageDeleteEvent) -> None:
        for message in payload.message_ids:
            await self.heard_by.deleted(payload.channel_id, message)

    async def on_thread_delete(self, thread: nextcord.Thread) -> None:
        await self.heard_by.deleted(thread.id, None)

    async def on_guild_channel_delete(self, channel: nextcord.abc.GuildChannel) -> None:
        await self.heard_by.deleted(channel.id, None)

    def replies(self, interaction: int, token: str) -> NextcordReplies:
        """To an interaction of this application; after a restart as before."""
        session = getattr(self.http, "_HTTPClient__session")  # noqa: B009 - it has no other name
        return NextcordReplies(session, self.application_id or 0, self.name, interaction, token)

    # As plain values

    async def situation(self, asked: Interaction, *, at_once: bool) -> tuple[Place, Person]:
        """Where it was asked, and by whom; `at_once`: from what is known, without a call."""
        where: Channel = self.get_channel(asked.channel)
        if at_once or where:
            place = self._place(where, asked)
        else:
            with contextlib.suppress(calls.Gone, calls.Refused):
                where = await calls.insist(lambda: self.fetch_channel(asked.channel), self.name)
            place = self._place(where, asked)
        if place.kind == "direct" and not at_once:
            roles = await self._roles_of(asked.person.id)
            return place, dataclasses.replace(asked.person, roles=roles)
        return place, asked.person

    def _place(self, where: Channel, asked: Interaction) -> Place:
        """People may use commands where we see nothing else."""
        if where:
            return self.place_of(where)
        return Place("text" if asked.server else "direct", asked.channel, asked.server)

    async def channel(self, channel: int) -> Channel:
        """From what is known, else asked for. Raises what nextcord raises."""
        return self.get_channel(channel) or await self.fetch_channel(channel)

    async def message_of(self, message: nextcord.Message) -> Message:
        """With the place and the author's roles, asked for where they did not come along."""
        where = message.channel
        if isinstance(where, nextcord.PartialMessageable):
            where = await self.channel(where.id)
        return self.plain(message, self.place_of(where), await self._person(message, where))

    def plain(
        self, message: nextcord.Message, place: Place, author: Person | None = None
    ) -> Message:
        reference = message.reference if message.type is nextcord.MessageType.reply else None
        resolved = reference.resolved if reference else None
        replied = resolved.author.id if isinstance(resolved, nextcord.Message) else None
        return Message(
            id=message.id,
            place=place,
            author=author or _person(message.author, message),
            text=message.content,
            sent_at=message.created_at,
            files=tuple(_file(attachment) for attachment in message.attachments),
            mentions=tuple(user.id for user in message.mentions),
            replies_to=reference.message_id if reference else None,
            replies_to_author=replied,
            is_edited=message.edited_at is not None,
            is_system=message.type not in (*SPOKEN, *COMMANDED),
            opened=self._opened(message),
        )

    def _opened(self, message: nextcord.Message) -> Place | None:
        thread = message.thread if message.flags.has_thread else None
        if message.type is nextcord.MessageType.thread_created and message.guild:
            told = message.reference.channel_id if message.reference else 0
            thread = message.guild.get_thread(told)
        return self.place_of(thread) if thread and thread.parent else None

    def place_of(self, channel: Channel) -> Place:
        server = getattr(channel, "guild", None)
        if not isinstance(server, nextcord.Guild):
            return Place("direct", channel.id)
        thread = channel if isinstance(channel, nextcord.Thread) else None
        root = thread.parent if thread else channel
        return Place(
            kind=_kind(thread, root),
            channel=channel.id,
            server=server.id,
            parent=thread.parent_id if thread else None,
            category=getattr(root, "category_id", None),
            name=channel.name,
            tags=tuple(tag.name for tag in (thread.applied_tags or ())) if thread else (),
            owner=thread.owner_id if thread else None,
            is_public=_is_public(server, thread, root),
            is_locked=thread.locked if thread else False,
        )

    def posts(self, since: float = 0.0) -> list[Place]:
        """Open posts of forums in which something was said since then (Unix time)."""
        threads = [thread for server in self.guilds for thread in server.threads]
        active = [t for t in threads if said_at(max(t.id, t.last_message_id or 0)) > since]
        return [place for place in map(self.place_of, active) if place.kind == "post"]

    def lacking(self, channel: int) -> tuple[str, ...]:
        """Permissions that answering there needs and we lack; none where nobody can tell."""
        where: Any = self.get_channel(channel)
        server = getattr(where, "guild", None)
        root = where.parent if isinstance(where, nextcord.Thread) else where
        if root is None or server is None or server.me is None:
            return ()
        needed = permissions.to_answer(in_threads=root is not where)
        have = _permitted(root, server.me)
        return tuple(permission.name for permission in permissions.lacking(have, needed))

    async def _person(self, message: nextcord.Message, where: Channel) -> Person:
        author: Any = message.author
        server = getattr(where, "guild", None)
        if isinstance(server, nextcord.Guild) and message.webhook_id is None:
            author = (
                author if isinstance(author, nextcord.Member) else await _member(server, author)
            )
            return _person(author, message, where)
        plain = _person(author, message)
        roles = () if plain.is_bot or server else await self._roles_of(author.id)
        return Person(plain.id, plain.name, roles, plain.is_bot)

    async def _roles_of(self, user: int) -> tuple[int, ...]:
        """On all servers that the person shares with us, for a direct message."""
        taken, roles = self._roles.get(user, (0.0, ()))
        if time.monotonic() - taken > ROLES_S:
            since = time.monotonic() - ROLES_S
            self._roles = {u: known for u, known in self._roles.items() if known[0] > since}
            asked = [_member(server, nextcord.Object(user)) for server in self.guilds]
            members = await asyncio.gather(*asked)
            found = [m for m in members if isinstance(m, nextcord.Member)]
            roles = tuple(role.id for member in found for role in member.roles)
            self._roles[user] = (time.monotonic(), roles)
        return roles


async def _member(server: nextcord.Guild, user: Any) -> Any:
    """The member, or what was given where there is none."""
    try:
        return server.get_member(user.id) or await server.fetch_member(user.id)
    except (nextcord.NotFound, nextcord.Forbidden):
        return user


def _person(author: Any, message: nextcord.Message, where: Channel = None) -> Person:
    is_member = isinstance(author, nextcord.Member)
    root = where.parent if isinstance(where, nextcord.Thread) else where
    may = nextcord.Permissions.none()
    if is_member and root is not None and hasattr(root, "permissions_for"):
        may = root.permissions_for(author)
    return Person(
        id=author.id,
        name=author.display_name,
        roles=tuple(role.id for role in author.roles) if is_member else (),
        is_bot=author.bot or message.webhook_id is not None,
        manages_messages=may.manage_messages,
        manages_threads=may.manage_threads,
    )


def _kind(thread: nextcord.Thread | None, root: Any) -> Kind:
    if thread is None:
        return "text"
    return "post" if isinstance(root, nextcord.ForumChannel) else "thread"


def _is_public(server: nextcord.Guild, thread: nextcord.Thread | None, root: Any) -> bool:
    if root is None or (thread is not None and thread.is_private()):
        return False
    return bool(root.permissions_for(server.default_role).view_channel)


def _permitted(root: Any, member: nextcord.Member) -> int:
    """nextcord's own `permissions_for` takes embeds from who may open no posts."""
    overwrites = {
        who.id: Overwrite(*(each.value for each in both.pair()))
        for who, both in root.overwrites.items()
    }
    roles = [role.id for role in member.roles]
    base = member.guild_permissions.value
    return permitted(base, overwrites, root.guild.id, roles, member.id)


def _file(attachment: nextcord.Attachment) -> File:
    return File(
        id=attachment.id,
        name=attachment.filename,
        url=attachment.url,
        size=attachment.size,
        media_type=attachment.content_type or "",
    )
