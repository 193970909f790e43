"""Commands of an application, everywhere or in one server.

https://docs.discord.com/developers/interactions/application-commands#endpoints
"""

from typing import Any

from tests.standins.discord import commands
from tests.standins.discord.bots import Bot
from tests.standins.discord.calls import Call
from tests.standins.discord.errors import Form, Refusal
from tests.standins.discord.routes import Routes
from tests.standins.discord.routes.finding import guild_of
from tests.standins.discord.state import Json
from tests.standins.discord.world import World

CREATES_A_DAY, DAY_S, MOST_AT_ONCE = 200, 86_400.0, 130


def _known(world: World, call: Call) -> dict[int, Json]:
    """Those of this application. Raises Refusal 50001 for another's."""
    bot = call.sender
    if call.id("application") != bot.application_id:
        raise Refusal(50001)
    if "guild" in call.ids:
        return bot.guild_commands.setdefault(guild_of(world, call).id, {})
    return bot.commands


def get_many(world: World, call: Call) -> Any:
    found = list(_known(world, call).values())
    if call.query.get("with_localizations", "").lower() == "true":
        return found
    return [commands.without_localizations(each) for each in found]


def create(world: World, call: Call) -> Any:
    known = _known(world, call)
    call.status = 200 if commands.twin(known, call.body) else 201
    return _put(world, call, known, call.body)


def replace_all(world: World, call: Call) -> Any:
    """Those that are not named are gone; the others keep their ids."""
    known = _known(world, call)
    _check_unique(call.body)
    made: dict[int, Json] = {}
    for body in call.body:
        if old := commands.twin(known, body):
            made[int(old["id"])] = old
        _put(world, call, made, body)
    known.clear()
    known.update(made)
    return list(known.values())


def get_one(world: World, call: Call) -> Any:
    return _find(_known(world, call), call)


def edit(world: World, call: Call) -> Any:
    known = _known(world, call)
    old = _find(known, call)
    changed = {**old, **call.body}
    commands.check(changed)
    key, guild = int(old["id"]), int(old.get("guild_id", 0)) or None
    application = call.sender.application_id
    known[key] = commands.stored(changed, key, world.ids.new(), application, guild)
    return known[key]


def delete(world: World, call: Call) -> None:
    known = _known(world, call)
    del known[int(_find(known, call)["id"])]


def _put(world: World, call: Call, known: dict[int, Json], body: Json) -> Json:
    guild = int(call.ids["guild"]) if "guild" in call.ids else None
    if not commands.twin(known, body):
        _count_create(world, call.sender)
    return commands.put(known, body, world.ids.new(), call.sender.application_id, guild)


def _count_create(world: World, bot: Bot) -> None:
    """Raises Refusal 30034."""
    now = world.clock.now()
    bot.command_creates = [each for each in bot.command_creates if each > now - DAY_S]
    if len(bot.command_creates) >= CREATES_A_DAY:
        raise Refusal(30034)
    bot.command_creates.append(now)


def _check_unique(bodies: list[Json]) -> None:
    form, seen = Form(), set()
    form.length("commands", bodies, MOST_AT_ONCE)
    for number, body in enumerate(bodies):
        key = (body.get("type") or commands.CHAT_INPUT, body.get("name"))
        message = "Application command names must be unique"
        code = "APPLICATION_COMMANDS_DUPLICATE_NAME"
        form.require(key not in seen, f"{number}.name", code, message)
        seen.add(key)
    form.check()


def _find(known: dict[int, Json], call: Call) -> Json:
    if call.id("command") not in known:
        raise Refusal(10063)
    return known[call.id("command")]


ROUTES: Routes = {}
for _base in ("/applications/{application}", "/applications/{application}/guilds/{guild}"):
    ROUTES |= {
        ("GET", f"{_base}/commands"): get_many,
        ("POST", f"{_base}/commands"): create,
        ("PUT", f"{_base}/commands"): replace_all,
        ("GET", f"{_base}/commands/{{command}}"): get_one,
        ("PATCH", f"{_base}/commands/{{command}}"): edit,
        ("DELETE", f"{_base}/commands/{{command}}"): delete,
    }
