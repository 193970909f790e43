"""What the service does on Discord: a port, and the one thing behind it that really does it."""

import hashlib
from collections.abc import Sequence
from typing import Any, Protocol

import nextcord
from nextcord.http import Route

from palabre.discord import calls, metrics, payloads
from palabre.discord.calls import Gone
from palabre.discord.client import Client
from palabre.discord.messages import Body, Message, Place

PAGE = 100


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

    async def place(self, channel: int) -> Place:
        """Where this is."""

    async def direct(self, person: int) -> int:
        """The channel of direct messages with somebody; whether they take any, sending tells."""

    async def tag(self, post: int, name: str) -> None:
        """Puts a tag of the forum on a post; nothing happens where it has it, or there is none."""

    def posts(self) -> list[tuple[Place, int | None]]:
        """Open posts of forums, each with the id of its last message, where that is known."""

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

    async def place(self, channel: int) -> Place:
        async def fetch() -> Place:
            return self._client.place_of(await self._client.channel(channel))

        return await self._insist(channel, fetch)

    async def direct(self, person: int) -> int:
        route, body = Route("POST", "/users/@me/channels"), {"recipient_id": str(person)}
        made = await self._insist(0, lambda: self._client.http.request(route, json=body))
        return int(made["id"])

    async def tag(self, post: int, name: str) -> None:
        async def put() -> None:
            thread = await self._client.channel(post)
            if not isinstance(thread, nextcord.Thread):
                return
            forum = thread.parent
            known = forum.available_tags if isinstance(forum, nextcord.ForumChannel) else []
            wanted = [tag for tag in known if tag.name.casefold() == name.casefold()]
            applied = thread.applied_tags or []
            if wanted and wanted[0] not in applied:
                await thread.edit(applied_tags=[*applied, wanted[0]])

        await self._insist(post, put)

    def posts(self) -> list[tuple[Place, int | None]]:
        return self._client.posts()

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

        return await self._insist(channel, write)

    async def _insist[T](self, channel: int, call: calls.Call[T]) -> T:
        return await calls.insist(call, self._client.name, lambda: self._client.lacking(channel))


def _snowflake(id_: int | None) -> nextcord.Object | None:
    return nextcord.Object(id_) if id_ else None
