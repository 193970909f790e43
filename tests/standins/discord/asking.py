"""What an application is told when somebody uses it: INTERACTION_CREATE.

https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object
"""

import secrets
from typing import Any

from tests.standins.discord import answering, commands, payloads
from tests.standins.discord.bots import Bot
from tests.standins.discord.interactions import Interaction
from tests.standins.discord.permissions import in_guild, permissions
from tests.standins.discord.state import DM, Attachment, Channel, Json, Message, Role, Thread, User
from tests.standins.discord.world import World


def ask(
    world: World,
    bot: Bot,
    user: User,
    channel: Channel,
    kind: int,
    data: Json,
    source: Message | None = None,
) -> Interaction:
    asked = Interaction(
        id=world.ids.new(),
        token=secrets.token_urlsafe(48),
        kind=kind,
        bot=bot,
        user=user,
        channel=channel,
        data=data,
        clock=world.clock,
        created_at=world.clock.now(),
        source=source,
    )
    world.interactions[asked.token] = asked
    body = _payload(world, asked)
    world.dispatch("INTERACTION_CREATE", lambda _: body, guild=channel.guild, only=[bot])
    return asked


def _payload(world: World, asked: Interaction) -> Json:
    body: Json = {
        "id": str(asked.id),
        "application_id": str(asked.bot.application_id),
        "type": asked.kind,
        "token": asked.token,
        "version": 1,
        "data": asked.data,
        "channel_id": str(asked.channel.id),
        "channel": _channel(asked.channel, asked.user),
        "locale": asked.user.locale,
        "app_permissions": str(int(permissions(asked.bot.user, asked.channel))),
        "entitlements": [],
        "authorizing_integration_owners": answering.owners(asked),
        "attachment_size_limit": world.file_limit,
        "context": 1 if asked.channel.kind == DM else 0,
    }
    if asked.source:
        body["message"] = payloads.message(asked.source)
    return body | _asker(asked)


def _asker(asked: Interaction) -> Json:
    guild = asked.guild
    if guild is None:
        return {"user": payloads.user(asked.user)}
    allowed = permissions(asked.user, asked.channel)
    who = payloads.member(guild.members[asked.user.id]) | {"permissions": str(int(allowed))}
    told = {"id": str(guild.id), "locale": guild.locale, "features": ["COMMUNITY"]}
    ids = {"guild_id": str(guild.id), "guild_locale": guild.locale}
    return {"member": who, "guild": told, **ids}


def _channel(channel: Channel, user: User) -> Json:
    body = payloads.channel(channel)
    return body | {"permissions": str(int(permissions(user, channel)))}


class NotOffered(Exception):
    """A person's Discord would not let them do this, and says why."""


def command_data(
    bot: Bot,
    user: User,
    channel: Channel,
    name: str,
    values: dict[str, Any],
    *,
    partial: bool = False,
) -> Json:
    """Of the command that is called `name sub-command`. Raises NotOffered.

    `partial`: while it is typed, nothing is required yet.
    """
    first, *path = name.split()
    command = _find(bot, user, channel, first)
    _check_offered(command, user, channel)
    resolved: Json = {}
    data = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if guild := command.get("guild_id"):
        data["guild_id"] = guild
    level = _sub_command(command, path)
    options = _options(level, values, resolved, channel, partial=partial)
    for inner in reversed(_levels(command, path)):
        told = {"name": inner["name"], "type": inner["type"]}
        options = [told | {"options": options}]
    if options:
        data["options"] = options
    return data | ({"resolved": resolved} if resolved else {})


def _find(bot: Bot, user: User, channel: Channel, name: str) -> Json:
    """By its name, or the one it has in the person's language."""
    known = list(bot.guild_commands.get(channel.guild.id, {}).values()) if channel.guild else []
    for command in known + list(bot.commands.values()):
        localized = (command.get("name_localizations") or {}).get(user.locale)
        if name in (command["name"], localized):
            return command
    raise NotOffered(f"{bot.user.name} has no command /{name}")


def _check_offered(command: Json, user: User, channel: Channel) -> None:
    contexts = command.get("contexts")
    here = 1 if channel.kind == DM else 0
    if (contexts is not None and here not in contexts) or (here and not command["dm_permission"]):
        raise NotOffered(f"/{command['name']} cannot be used here")
    wanted = command.get("default_member_permissions")
    if channel.guild is None or wanted is None:
        return
    missing = int(wanted) & ~in_guild(user, channel.guild) or int(wanted) == 0
    if missing and in_guild(user, channel.guild) & 8 == 0:
        raise NotOffered(f"/{command['name']} is not for {user.name}")


def _levels(command: Json, path: list[str]) -> list[Json]:
    """The sub-command group and the sub-command, as far as there are any. Raises NotOffered."""
    levels, level = [], command
    for name in path:
        inner = [each for each in level.get("options") or [] if each["name"] == name]
        if not inner or inner[0]["type"] > commands.SUB_COMMAND_GROUP:
            raise NotOffered(f"{level['name']} has no sub-command {name}")
        level = inner[0]
        levels.append(level)
    return levels


def _sub_command(command: Json, path: list[str]) -> Json:
    return [command, *_levels(command, path)][-1]


def _options(
    level: Json, values: dict[str, Any], resolved: Json, place: Channel, *, partial: bool
) -> list[Json]:
    known = level.get("options") or []
    if any(each["type"] <= commands.SUB_COMMAND_GROUP for each in known):
        raise NotOffered(f"{level['name']} is run by its sub-commands")
    if unknown := values.keys() - {each["name"] for each in known}:
        raise NotOffered(f"{level['name']} has no option {min(unknown)}")
    for each in known:
        if each.get("required") and each["name"] not in values and not partial:
            raise NotOffered(f"{level['name']} needs the option {each['name']}")
    given = [each for each in known if each["name"] in values]
    return [_option(each, values[each["name"]], resolved, place) for each in given]


def _option(option: Json, value: Any, resolved: Json, place: Channel) -> Json:
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise NotOffered(f"{option['name']} is one of {choices}")
    _check_range(option, value)
    return {
        "name": option["name"],
        "type": option["type"],
        "value": _resolve(value, resolved, place),
    }


def _check_range(option: Json, value: Any) -> None:
    size = len(value) if isinstance(value, str) else value
    kind = "length" if isinstance(value, str) else "value"
    least, most = option.get(f"min_{kind}"), option.get(f"max_{kind}")
    if (least is not None and size < least) or (most is not None and size > most):
        raise NotOffered(f"{option['name']} is between {least} and {most}")


def _resolve(value: Any, resolved: Json, place: Channel) -> Any:
    """The value that is sent; things go by their ids, and are told beside."""
    if isinstance(value, str | int | float):
        return value
    key = str(value.id)
    if isinstance(value, Role):
        resolved.setdefault("roles", {})[key] = payloads.role(value)
    elif isinstance(value, Attachment):
        resolved.setdefault("attachments", {})[key] = payloads.attachment(value)
    elif isinstance(value, Channel):
        resolved.setdefault("channels", {})[key] = _resolved_channel(value)
    else:
        _resolve_user(value, resolved, place)
    return key


def _resolved_channel(channel: Channel) -> Json:
    body = payloads.channel(channel)
    kept = ("id", "name", "type", "parent_id", "thread_metadata")
    told = {name: body[name] for name in kept if name in body}
    owner = channel.guild.owner if channel.guild else channel.recipients[0]
    who = channel.owner if isinstance(channel, Thread) else owner
    return told | {"permissions": str(int(permissions(who, channel)))}


def _resolve_user(user: User, resolved: Json, place: Channel) -> None:
    key = str(user.id)
    resolved.setdefault("users", {})[key] = payloads.user(user)
    if place.guild and user.id in place.guild.members:
        member = payloads.member(place.guild.members[user.id], with_user=False)
        told = {name: member[name] for name in member if name not in ("deaf", "mute")}
        allowed = str(int(permissions(user, place)))
        resolved.setdefault("members", {})[key] = told | {"permissions": allowed}


def component_data(component: Json, values: list[str] | None = None) -> Json:
    data = {"custom_id": component["custom_id"], "component_type": component["type"]}
    data["id"] = component.get("id", 0)
    return data | ({"values": values} if values is not None else {})


def form_data(modal: Json, values: dict[str, str]) -> Json:
    """The form as it is handed in, with the values by custom id."""
    rows = [_filled(each, values) for each in modal["components"]]
    return {"custom_id": modal["custom_id"], "components": rows}


def _filled(component: Json, values: dict[str, str]) -> Json:
    body = {"type": component["type"], "id": component["id"]}
    if "custom_id" in component:
        value = values.get(component["custom_id"], component.get("value", ""))
        body |= {"custom_id": component["custom_id"], "value": value}
    if "components" in component:
        body["components"] = [_filled(each, values) for each in component["components"]]
    if "component" in component:
        body["component"] = _filled(component["component"], values)
    return body
