"""Telling Discord which commands there are, and nothing where it knows them as they are.

Other programs may use the same application: what is not ours stays as it is.
Source: https://discord.com/developers/docs/interactions/application-commands
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from nextcord.http import Route

from palabre.discord import calls
from palabre.discord.client import Client
from palabre.discord.commands.defining import Command, Option
from palabre.discord.texts import say

log = structlog.get_logger()

Payload = dict[str, Any]
AGAIN_S = 60.0
_SLASH = 1
_TYPES = {"text": 3, "number": 4, "yes-no": 5, "channel": 7}
_WITH_MESSAGES = (0, 2, 5, 10, 11, 12, 13)  # channels of text and voice, threads, posts
_ENGLISH = ("en-US", "en-GB")
_SERVER, _DIRECT = 0, 1  # contexts
# What decides how a command looks and acts; the rest is Discord's own, or its default.
_FIELDS = (
    "name", "name_localizations", "description", "description_localizations", "options", "contexts",
    "integration_types", "nsfw", "default_member_permissions", "required", "autocomplete",
    "max_length", "min_length", "max_value", "min_value", "choices", "channel_types", "type",
)  # fmt: skip


async def introduce(client: Client, commands: Sequence[Command]) -> None:
    """Once the client is logged in, and again until Discord has taken them."""
    await client.wait_until_ready()
    while True:
        try:
            await register(client, commands)
        except calls.Unreachable as error:
            log.warning("commands are not registered", bot=client.name, reason=str(error))
            await asyncio.sleep(AGAIN_S)
        else:
            return


async def register(client: Client, commands: Sequence[Command]) -> int:
    """Makes those that Discord does not know, or knows otherwise; returns how many.

    Discord lets an application make 200 a day. Raises what `calls.insist` raises.
    """
    path = f"/applications/{client.application_id}/commands"
    query = {"with_localizations": "true"}
    known = await calls.insist(
        lambda: client.http.request(Route("GET", path), params=query), client.name
    )
    wanted = changed(known, map(payload, commands))
    for each in wanted:
        await _make(client, Route("POST", path), each)
    log.info("commands are known to Discord", bot=client.name, made=len(wanted))
    return len(wanted)


async def _make(client: Client, route: Route, body: Payload) -> None:
    """One of the same name is written over, and keeps its id."""
    await calls.insist(lambda: client.http.request(route, json=body), client.name)


def changed(known: Iterable[Payload], wanted: Iterable[Payload]) -> list[Payload]:
    """Those of the wanted ones that are not known just so."""
    have = {each["name"]: each for each in known if each.get("type", _SLASH) == _SLASH}
    return [w for w in wanted if _significant(have.get(w["name"], {})) != _significant(w)]


def payload(command: Command) -> Payload:
    """What Discord is told: French, with English for those whose Discord speaks it."""
    where = [_SERVER, _DIRECT] if command.in_direct_messages else [_SERVER]
    return _named(command.name, command.english, command.name) | {
        "type": _SLASH,
        "options": [_option(command, option) for option in command.options],
        "contexts": where,
        "integration_types": [0],
    }


def _option(command: Command, option: Option) -> Payload:
    made = _named(option.name, option.english, f"{command.name}-{option.name}") | {
        "type": _TYPES[option.type],
        "required": option.is_required,
        "autocomplete": option.completes,
    }
    if option.type == "channel":
        made["channel_types"] = list(_WITH_MESSAGES)
    if option.most:
        made["max_length" if option.type == "text" else "max_value"] = option.most
    return made


def _named(name: str, english: str, key: str) -> Payload:
    description = say(f"described.{key}", "en")
    return {
        "name": name,
        "name_localizations": dict.fromkeys(_ENGLISH, english),
        "description": say(f"described.{key}", "fr"),
        "description_localizations": dict.fromkeys(_ENGLISH, description),
    }


def _significant(told: Mapping[str, Any]) -> Payload:
    """Without what is empty, off, or Discord's own."""
    kept = {name: told[name] for name in _FIELDS if told.get(name)}
    if "options" in kept:
        kept["options"] = [_significant(option) for option in kept["options"]]
    return kept
