"""Answers to commands: by the interaction's token while it is good, then as any message of ours."""

import time
from collections.abc import Callable

from palabre.discord.calls import Gone, Refused
from palabre.discord.interactions import Replies
from palabre.discord.messages import Body, Message, Place
from palabre.discord.posts import said_at
from palabre.discord.sending import PAGE, Discord

# A token is good for a quarter of an hour: what is begun by then is not broken off.
GOOD_S = 14 * 60.0


class ByToken:
    """The port to Discord for one answer. What is private is Gone with its token.

    `interaction` is the id of what was asked, which tells when.
    """

    def __init__(
        self,
        discord: Discord,
        replies: Replies,
        interaction: int,
        *,
        private: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._discord, self._replies, self._private = discord, replies, private
        self._until, self._clock = said_at(interaction) + GOOD_S, clock

    @property
    def user(self) -> int:
        return self._discord.user

    async def send(
        self, channel: int, body: Body, *, nonce: str, reply_to: int | None = None
    ) -> int:
        """With its nonce where it may be: what goes by a token may be there twice."""
        if not self._private:
            try:
                return await self._discord.send(channel, body, nonce=nonce, reply_to=reply_to)
            except Refused:
                if not self._is_good:
                    raise
        self._check()
        return await self._replies.add(body, private=self._private)

    async def edit(self, channel: int, message: int, body: Body) -> None:
        if self._is_good:
            await self._replies.edit(message, body)
        else:
            self._check()
            await self._discord.edit(channel, message, body)

    async def delete(self, channel: int, message: int) -> None:
        if self._is_good:
            await self._replies.delete(message)
        else:
            self._check()
            await self._discord.delete(channel, message)

    async def message(self, channel: int, message: int) -> Message:
        return await self._discord.message(channel, message)

    async def history(
        self,
        channel: int,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = PAGE,
    ) -> list[Message]:
        return await self._discord.history(channel, before=before, after=after, limit=limit)

    async def place(self, channel: int, *, fresh: bool = False) -> Place:
        return await self._discord.place(channel, fresh=fresh)

    async def direct(self, person: int) -> int:
        return await self._discord.direct(person)

    async def tag(self, post: int, name: str, *, on: bool = True) -> None:
        await self._discord.tag(post, name, on=on)

    async def archived(self, forum: int, most: int) -> list[Place]:
        return await self._discord.archived(forum, most)

    def posts(self, since: float = 0.0) -> list[Place]:
        return self._discord.posts(since)

    def lacking(self, channel: int) -> tuple[str, ...]:
        return () if self._is_good else self._discord.lacking(channel)

    @property
    def _is_good(self) -> bool:
        return self._clock() < self._until

    def _check(self) -> None:
        if self._private and not self._is_good:
            raise Gone("a private answer cannot be changed any more")
