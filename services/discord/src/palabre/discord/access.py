"""What a person may do in a place of Discord, asked for anew each time."""

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import nextcord
from nextcord.http import Route

from palabre.discord import audience, calls
from palabre.discord.audience import CONNECT, HISTORY, MANAGE_THREADS, VIEW, Overwrites
from palabre.discord.calls import Gone, Refused, Unreachable
from palabre.discord.client import Channel, Client
from palabre.discord.messages import Place
from palabre.discord.permissions import Overwrite

_AT_ONCE, _NAMES_S = 5, 2.0
_VOICE = (nextcord.VoiceChannel, nextcord.StageChannel)


@dataclass(frozen=True, slots=True)
class Standing:
    """`lacking` are permissions that reading there needs and we have not.

    `holds_messages`: it is no forum or category, whose posts and channels have them.
    """

    place: Place
    roles: tuple[int, ...]  # the person's on that server
    reads: bool
    speaks: bool
    manages_messages: bool
    lacking: tuple[str, ...]
    holds_messages: bool
    is_for_adults: bool


class Access:
    """By one bot's connection, on servers alone."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def standing(self, person: int, channel: int) -> Standing:
        """Raises Gone for what is not there, or in no server; Refused, Unreachable."""

        async def look() -> Standing:
            where, server = await self._where(channel)
            member = await _member(server, person)
            may = _root(where).permissions_for(member) if member else nextcord.Permissions.none()
            can = bool(may.value & _needed(where) == _needed(where))
            return Standing(
                place=self._client.place_of(where),
                roles=tuple(role.id for role in member.roles) if member else (),
                reads=can and (may.manage_threads or await self._is_in(where, person)),
                speaks=_speaks(where, may),
                manages_messages=may.manage_messages,
                lacking=_lacking(where, server),
                holds_messages=isinstance(where, nextcord.abc.Messageable),
                is_for_adults=_is_for_adults(where),
            )

        return await self._insist(look)

    async def names(self, server: int, people: Sequence[int]) -> dict[int, str]:
        """What people are called on a server; those whom it cannot tell of are left out."""
        guild, slots = self._client.get_guild(server), asyncio.Semaphore(_AT_ONCE)
        if guild is None:
            return {}

        async def called(person: int) -> str:
            async with slots:
                with contextlib.suppress(Gone, Refused, Unreachable):
                    asked = partial(_member, guild, person)
                    member = await calls.insist(asked, self._client.name, within_s=_NAMES_S)
                    return member.display_name if member else ""
            return ""

        found = zip(people, await asyncio.gather(*map(called, people)), strict=True)
        return {person: name for person, name in found if name}

    async def all_read(self, here: int, there: int) -> bool:
        """Whether everybody who sees `here` may read `there`; our bot does not count.

        Raises as `standing` does.
        """

        async def look() -> bool:
            where, server = await self._where(there)
            place, same = await self._where(here)
            if same != server or (_is_for_adults(where) and not _is_for_adults(place)):
                return False
            needed = _needed(where)
            if _is_private(where) and here != there:
                needed |= MANAGE_THREADS
            ours = self._client.user.id if self._client.user else 0
            roles = {
                role.id: role.permissions.value
                for role in server.roles
                if role.tags is None or role.tags.bot_id != ours
            }
            everyone = roles.pop(server.id)
            return audience.all_may(
                everyone,
                roles,
                await self._overwrites(place, ours),
                await self._overwrites(where, ours),
                needed,
            )

        return await self._insist(look)

    async def _where(self, channel: int) -> tuple[Channel, nextcord.Guild]:
        """The channel and its server. Raises Gone, and what nextcord raises."""
        where = await self._client.channel(channel)
        server = getattr(where, "guild", None)
        if not isinstance(server, nextcord.Guild) or _root(where) is None:
            raise Gone("not on a server")
        return where, server

    async def _is_in(self, where: Channel, person: int) -> bool:
        """Not asked of the list of a thread's members: that needs a privileged intent."""
        if not _is_private(where):
            return True
        path = "/channels/{channel_id}/thread-members/{user_id}"
        try:
            await self._client.http.request(Route("GET", path, channel_id=where.id, user_id=person))
        except nextcord.NotFound:
            return False
        return True

    async def _overwrites(self, where: Channel, ours: int) -> Overwrites:
        """As they are now: nextcord leaves out those of members that it has not seen."""
        root = _root(where)
        told: Any = await self._client.http.get_channel(root.id)
        return _overwrites(told["permission_overwrites"], root.guild.id, ours)

    async def _insist[T](self, call: calls.Call[T]) -> T:
        return await calls.insist(call, self._client.name)


def _overwrites(told: Iterable[dict[str, Any]], server: int, ours: int) -> Overwrites:
    found: tuple[dict[int, Overwrite], dict[int, Overwrite]] = ({}, {})
    for each in told:
        found[each["type"]][int(each["id"])] = Overwrite(int(each["allow"]), int(each["deny"]))
    roles, people = found
    people.pop(ours, None)
    return Overwrites(roles.pop(server, Overwrite()), roles, people)


async def _member(server: nextcord.Guild, person: int) -> nextcord.Member | None:
    """With the roles of now."""
    try:
        return await server.fetch_member(person)
    except nextcord.NotFound:
        return None


def _root(where: Channel) -> Any:
    """What has the permissions: of a thread its parent; None where that is not known."""
    return where.parent if isinstance(where, nextcord.Thread) else where


def _is_private(where: Channel) -> bool:
    return isinstance(where, nextcord.Thread) and where.is_private()


def _is_for_adults(where: Channel) -> bool:
    """Whom Discord lets in there no permission tells."""
    return bool(where.is_nsfw()) if hasattr(where, "is_nsfw") else False


def _needed(where: Channel) -> int:
    """The bits without which nobody reads what was said there."""
    return VIEW | HISTORY | (CONNECT if isinstance(_root(where), _VOICE) else 0)


def _speaks(where: Channel, may: nextcord.Permissions) -> bool:
    in_thread = isinstance(where, nextcord.Thread)
    speaks = may.send_messages_in_threads if in_thread else may.send_messages
    return bool(may.view_channel and speaks)


def _lacking(where: Channel, server: nextcord.Guild) -> tuple[str, ...]:
    have = _root(where).permissions_for(server.me).value
    missing = _needed(where) & ~have
    return tuple(name for name, given in nextcord.Permissions(missing) if given)
