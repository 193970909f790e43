"""What the service does on Discord: a port, and the one thing behind it that really does it."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import nextcord
from nextcord.http import Route

from palabre.chassis import tracing
from palabre.discord import calls, metrics, payloads
from palabre.discord.calls import Gone
from palabre.discord.client import Client
from palabre.discord.messages import Body, Message, Place

PAGE = 100
_TAGS_MOST = 5  # of one post


class Discord(Protocol):
    """One bot's view of Discord. Ids are Discord's own.

    Every call may raise Gone, Refused and Unreachable. Each may be made again: `send` with the
    same nonce, within minutes, gives the same message.
    """

    @property
    def user(self) -> int:
        """Our own id."""

    async def send(
        self, channel: int, body: Body, *, nonce: str, reply_to: int | None = None
    ) -> int:
        """Makes a message and returns its id. Raises Invalid. Nobody is pinged."""

    async def edit(self, channel: int, message: int, body: Body) -> None:
        """Makes our message show just this; opens an archived post for it. Raises Invalid."""

    async def delete(self, channel: int, message: int) -> None:
        """Takes our message down; one that is gone is no error."""

    async def message(self, channel: int, message: int) -> Message:
        """With its author's roles."""

    async def history(
        self,
        channel: int,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = PAGE,
    ) -> list[Message]:
        """Oldest first: those next to `before` or `after`, else the newest; roles are unknown."""

    async def place(self, channel: int, *, fresh: bool = False) -> Place:
        """Where this is; `fresh`: as Discord has it now, not as the gateway told us last."""

    async def direct(self, person: int) -> int:
        """The channel of direct messages with somebody; whether they take any, sending tells."""

    async def tag(self, post: int, name: str, *, on: bool = True) -> None:
        """Puts a tag of the forum on a post, or takes it off; archived posts are opened for it.

        Nothing happens where it is so already, or there is no such tag.
        """

    async def archived(self, forum: int, most: int) -> list[Place]:
        """Its archived posts, those that were archived last first."""

    def posts(self, since: float = 0.0) -> list[Place]:
        """Open posts of forums in which something was said since then (Unix time)."""

    def lacking(self, channel: int) -> tuple[str, ...]:
        """Permissions that answering there needs and we lack, as far as is known."""


def nonce(bot: str, message: int, place: str) -> str:
    """Of one message of ours: at most 25 characters, the same on every replica."""
    return hashlib.sha256(f"{bot}/{message}/{place}".encode()).hexdigest()[:25]


class NextcordDiscord:
    """Over a client's own connection, and under the limits that it keeps."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def user(self) -> int:
        return self._client.user.id if self._client.user else 0

    async def send(
        self, channel: int, body: Body, *, nonce: str, reply_to: int | None = None
    ) -> int:
        route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel)
        payload = payloads.created(body, nonce, channel, reply_to)
        made = await self._write(channel, route, payload, body.files)
        return int(made["id"])

    async def edit(self, channel: int, message: int, body: Body) -> None:
        route = Route(
            "PATCH",
            "/channels/{channel_id}/messages/{message_id}",
            channel_id=channel,
            message_id=message,
        )
        await self._write(channel, route, payloads.shown(body), body.files)
        metrics.EDITS.labels(self._client.name).inc()

    async def delete(self, channel: int, message: int) -> None:
        try:
            await self._insist(channel, lambda: self._client.http.delete_message(channel, message))
        except Gone:
            return

    async def message(self, channel: int, message: int) -> Message:
        async def fetch() -> Message:
            where = await self._client.channel(channel)
            return await self._client.message_of(await where.fetch_message(message))

        return await self._insist(channel, fetch)

    async def history(
        self,
        channel: int,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = PAGE,
    ) -> list[Message]:
        async def fetch() -> list[Message]:
            where = await self._client.channel(channel)
            found = where.history(
                limit=min(limit, PAGE), before=_snowflake(before), after=_snowflake(after)
            )
            place = self._client.place_of(where)
            return [self._client.plain(message, place) async for message in found]

        return sorted(await self._insist(channel, fetch), key=lambda message: message.id)

    async def place(self, channel: int, *, fresh: bool = False) -> Place:
        async def fetch() -> Place:
            known = self._client.fetch_channel if fresh else self._client.channel
            return self._client.place_of(await known(channel))

        return await self._insist(channel, fetch)

    async def direct(self, person: int) -> int:
        route, body = Route("POST", "/users/@me/channels"), {"recipient_id": str(person)}
        made = await self._insist(0, lambda: self._client.http.request(route, json=body))
        return int(made["id"])

    async def tag(self, post: int, name: str, *, on: bool = True) -> None:
        await self._insist(post, lambda: self._tag(post, name, on))

    async def _tag(self, post: int, name: str, on: bool) -> None:
        thread = await self._client.fetch_channel(post)
        if not isinstance(thread, nextcord.Thread):
            return
        forum = thread.parent
        known = forum.available_tags if isinstance(forum, nextcord.ForumChannel) else []
        wanted = next((tag for tag in known if tag.name.casefold() == name.casefold()), None)
        applied = thread.applied_tags or []
        if wanted is None or (wanted in applied) == on:
            return
        tags = [*applied, wanted] if on else [tag for tag in applied if tag != wanted]
        if thread.archived:
            await thread.edit(archived=False)
        await thread.edit(applied_tags=tags[-_TAGS_MOST:])

    async def archived(self, forum: int, most: int) -> list[Place]:
        where = await self._insist(forum, lambda: self._client.channel(forum))
        found: list[nextcord.Thread] = []
        while isinstance(where, nextcord.ForumChannel) and len(found) < most:
            before = found[-1].archive_timestamp if found else None
            page = await self._insist(forum, partial(_archived, where, before))
            found += page
            if len(page) < PAGE:
                break
        return [self._client.place_of(thread) for thread in found[:most]]

    def posts(self, since: float = 0.0) -> list[Place]:
        return self._client.posts(since)

    def lacking(self, channel: int) -> tuple[str, ...]:
        return self._client.lacking(channel)

    async def _write(
        self,
        channel: int,
        route: Route,
        payload: dict[str, Any],
        files: Sequence[tuple[str, bytes]],
    ) -> Any:
        body: dict[str, Any] = (
            {"form": payloads.form(payload, files)} if files else {"json": payload}
        )

        async def write() -> Any:
            try:
                return await self._client.http.request(route, **body)
            except nextcord.HTTPException as error:
                if error.code != calls.ARCHIVED:
                    raise
                await self._client.http.edit_channel(channel, archived=False)
                return await self._client.http.request(route, **body)

        values = {"http.request.method": route.method, "url.template": route.path}
        with tracing.step("write on Discord", tracing.CLIENT, values):  # waits for limits included
            return await self._insist(channel, write)

    async def _insist[T](self, channel: int, call: calls.Call[T]) -> T:
        return await calls.insist(call, self._client.name, lambda: self._client.lacking(channel))


async def _archived(forum: nextcord.ForumChannel, before: dt.datetime | None) -> list[Any]:
    """A page: nextcord's own way through several of them asks for more than Discord gives."""
    page = [thread async for thread in forum.archived_threads(limit=PAGE, before=before)]
    return sorted(page, key=lambda thread: thread.archive_timestamp, reverse=True)


def _snowflake(id_: int | None) -> nextcord.Object | None:
    return nextcord.Object(id_) if id_ else None
