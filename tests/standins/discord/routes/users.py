"""Who is who, servers, and where the gateway is.

https://docs.discord.com/developers/resources/user, …/guild, …/application, …/topics/oauth2
"""

from typing import Any

from tests.standins.discord import payloads
from tests.standins.discord.bots import Bot
from tests.standins.discord.calls import Call
from tests.standins.discord.errors import Refusal
from tests.standins.discord.intents import Intents
from tests.standins.discord.permissions import in_guild
from tests.standins.discord.routes import Routes
from tests.standins.discord.routes.finding import guild_of
from tests.standins.discord.state import Json, User
from tests.standins.discord.world import World


def me(world: World, call: Call) -> Any:
    return payloads.own_user(call.sender.user)


def user(world: World, call: Call) -> Any:
    return payloads.user(_user(world, call.id("user")))


def _user(world: World, user_id: int) -> User:
    if user_id not in world.users:
        raise Refusal(10013)
    return world.users[user_id]


def direct(world: World, call: Call) -> Any:
    """A conversation between two; the same one each time."""
    other = _user(world, int(call.body.get("recipient_id") or 0))
    if other.bot:
        raise Refusal(50007)
    return payloads.channel(world.direct(call.sender, other))


def my_guilds(world: World, call: Call) -> Any:
    bot = call.sender
    return [
        {
            "id": str(guild.id),
            "name": guild.name,
            "icon": None,
            "banner": None,
            "owner": False,
            "permissions": str(int(in_guild(bot.user, guild))),
            "features": ["COMMUNITY"],
        }
        for guild in world.guilds.values()
        if bot.id in guild.members
    ]


def guild(world: World, call: Call) -> Any:
    found = guild_of(world, call)
    counts: Json = {}
    if call.query.get("with_counts", "").lower() == "true":
        total = len(found.members)
        counts = {"approximate_member_count": total, "approximate_presence_count": total}
    return payloads.guild(found) | counts


def channels(world: World, call: Call) -> Any:
    return [payloads.channel(each) for each in guild_of(world, call).channels.values()]


def roles(world: World, call: Call) -> Any:
    return [payloads.role(each) for each in guild_of(world, call).roles.values()]


def member(world: World, call: Call) -> Any:
    found = guild_of(world, call).members.get(call.id("user"))
    if found is None:
        raise Refusal(10007)
    return payloads.member(found)


def members(world: World, call: Call) -> Any:
    """By id; only for applications that may use the members intent."""
    guild, bot = guild_of(world, call), call.sender
    if Intents.GUILD_MEMBERS not in bot.privileged:
        raise Refusal(50001)
    after, limit = int(call.query.get("after") or 0), call.number("limit", 1, 1, 1000)
    found = [guild.members[key] for key in sorted(guild.members) if key > after]
    return [payloads.member(each) for each in found[:limit]]


def gateway(world: World, call: Call) -> Any:
    return {"url": world.gateway_url}


def gateway_bot(world: World, call: Call) -> Any:
    limit = {"total": 1_000, "remaining": max(call.sender.starts_left, 0)}
    limit |= {"reset_after": 14_400_000, "max_concurrency": 1}
    return {"url": world.gateway_url, "shards": 1, "session_start_limit": limit}


def application(world: World, call: Call) -> Any:
    return _application(world, call.sender)


def authorization(world: World, call: Call) -> Any:
    """For an OAuth2 bearer token, which no bot has: refused as Discord refuses it."""
    raise Refusal(0, status=401)


def _application(world: World, bot: Bot) -> Json:
    owner = next(iter(world.guilds.values())).owner if world.guilds else bot.user
    servers = sum(bot.id in guild.members for guild in world.guilds.values())
    return {
        "id": str(bot.application_id),
        "name": bot.user.name,
        "icon": None,
        "description": "",
        "summary": "",
        "type": None,
        "bot": payloads.user(bot.user),
        "bot_public": True,
        "bot_require_code_grant": False,
        "owner": payloads.user(owner),
        "team": None,
        "verify_key": f"{bot.application_id:064x}",
        "flags": bot.flags,
        "explicit_content_filter": 0,
        "approximate_guild_count": servers,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "integration_types_config": {"0": {}},
        "tags": [],
    }


_GUILD = "/guilds/{guild}"
ROUTES: Routes = {
    ("GET", "/users/@me"): me,
    ("GET", "/users/@me/guilds"): my_guilds,
    ("POST", "/users/@me/channels"): direct,
    ("GET", "/users/{user}"): user,
    ("GET", _GUILD): guild,
    ("GET", f"{_GUILD}/channels"): channels,
    ("GET", f"{_GUILD}/roles"): roles,
    ("GET", f"{_GUILD}/members"): members,
    ("GET", f"{_GUILD}/members/{{user}}"): member,
    ("GET", "/gateway"): gateway,
    ("GET", "/gateway/bot"): gateway_bot,
    ("GET", "/oauth2/applications/@me"): application,
    ("GET", "/applications/@me"): application,
    ("GET", "/oauth2/@me"): authorization,
}
