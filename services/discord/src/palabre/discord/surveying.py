"""What Discord says of a bot and of the servers that it is on, asked over REST alone."""

import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import nextcord
from nextcord.http import Route

from palabre.discord import calls
from palabre.discord.client import Client
from palabre.discord.permissions import Overwrite, permitted

# GATEWAY_MESSAGE_CONTENT, and the same for applications that Discord has not reviewed.
# https://docs.discord.com/developers/resources/application#application-object-application-flags
_READS = 1 << 18 | 1 << 19
_PATIENCE_S = 20.0
type Ask = Callable[[str], Any]


class TokenRefused(Exception):
    """Discord does not know the token."""


@dataclass(frozen=True, slots=True)
class Application:
    """What a token belongs to. `reads`: its bots get what people write where they are not named.

    `answers_elsewhere`: commands are sent to an address on the web instead of the bot.
    """

    id: int
    name: str
    reads: bool
    answers_elsewhere: bool
    needs_code_grant: bool

    @property
    def settings(self) -> str:
        return f"https://discord.com/developers/applications/{self.id}"


@dataclass(frozen=True, slots=True)
class Channel:
    """`kind` is Discord's number; `may` what the bot may do there, as bits."""

    name: str
    kind: int
    tags: tuple[str, ...]
    may: int


@dataclass(frozen=True, slots=True)
class Server:
    """All its channels, those that the bot cannot see too; roles with their names."""

    name: str
    channels: Mapping[int, Channel]
    roles: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Bot:
    """`servers` are the names of all that it is on; `seen` those that were looked at."""

    application: Application
    servers: Mapping[int, str]
    seen: Mapping[int, Server]


async def application_of(name: str, token: str) -> Application:
    """Raises TokenRefused, and calls.Unreachable."""
    async with _asking(name, token) as ask:
        return await _application(ask)


async def survey(name: str, token: str, servers: Collection[int]) -> Bot:
    """Looks at those of `servers` that the bot is on. Raises TokenRefused, calls.Unreachable."""
    async with _asking(name, token) as ask:
        application = await _application(ask)
        me = int((await ask("/users/@me"))["id"])
        joined = {int(each["id"]): each["name"] for each in await _pages(ask)}
        seen = {each: await _server(ask, each, me) for each in joined if each in servers}
        return Bot(application, joined, seen)


@contextlib.asynccontextmanager
async def _asking(name: str, token: str) -> AsyncIterator[Ask]:
    client = Client(name, lambda: True, reads=False)

    async def ask(path: str) -> Any:
        route = Route("GET", path)
        return await calls.insist(lambda: client.http.request(route), name, within_s=_PATIENCE_S)

    try:
        await calls.insist(lambda: client.login(token), name, within_s=_PATIENCE_S)
        yield ask
    except (nextcord.LoginFailure, nextcord.Unauthorized) as error:
        raise TokenRefused("Discord does not know this token") from error
    finally:
        await client.close()


async def _application(ask: Ask) -> Application:
    told = await ask("/applications/@me")
    return Application(
        id=int(told["id"]),
        name=told["name"],
        reads=bool(told.get("flags", 0) & _READS),
        answers_elsewhere=bool(told.get("interactions_endpoint_url")),
        needs_code_grant=bool(told.get("bot_require_code_grant")),
    )


async def _pages(ask: Ask) -> list[Any]:
    """All servers of the bot: two hundred at once."""
    found: list[Any] = []
    while True:
        after = found[-1]["id"] if found else 0
        page = await ask(f"/users/@me/guilds?limit=200&after={after}")
        found += page
        if len(page) < 200:
            return found


async def _server(ask: Ask, server: int, me: int) -> Server:
    told = await ask(f"/guilds/{server}")
    mine = {int(role) for role in (await ask(f"/guilds/{server}/members/{me}"))["roles"]}
    base = 0
    for role in told["roles"]:
        if int(role["id"]) in {server, *mine}:
            base |= int(role["permissions"])
    channels = {
        int(each["id"]): Channel(
            name=each["name"],
            kind=each["type"],
            tags=tuple(tag["name"] for tag in each.get("available_tags", ())),
            may=permitted(base, _overwrites(each), server, mine, me),
        )
        for each in await ask(f"/guilds/{server}/channels")
    }
    roles = {int(role["id"]): role["name"] for role in told["roles"]}
    return Server(told["name"], channels, roles)


def _overwrites(channel: Any) -> dict[int, Overwrite]:
    told = channel.get("permission_overwrites", ())
    return {int(each["id"]): Overwrite(int(each["allow"]), int(each["deny"])) for each in told}
