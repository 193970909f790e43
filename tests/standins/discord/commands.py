"""Commands that applications register, and what they may look like.

https://docs.discord.com/developers/interactions/application-commands
"""

import re

from tests.standins.discord.errors import Form, Refusal
from tests.standins.discord.state import Json

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
SUB_COMMAND, SUB_COMMAND_GROUP, STRING, INTEGER, BOOLEAN = 1, 2, 3, 4, 5
OF_USER, OF_CHANNEL, OF_ROLE, MENTIONABLE, NUMBER, ATTACHMENT = 6, 7, 8, 9, 10, 11
MOST = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}
LONGEST = 8_000  # names, descriptions and values of a command together
# Discord's also has the scripts Devanagari and Thai; \w covers letters and digits of all.
_NAME = re.compile(r"[-_'\w]{1,32}")


def check(body: Json) -> None:
    """Raises Refusal 50035."""
    form = Form()
    kind = body.get("type") or CHAT_INPUT
    form.choice("type", kind, (CHAT_INPUT, USER, MESSAGE))
    if kind == CHAT_INPUT:
        _check_named(form, "", body)
        _check_options(form, "", body.get("options") or [])
    else:
        form.length("name", body.get("name"), 32, 1)
        form.length("description", body.get("description"), 0)
    message = f"Command exceeds maximum size ({LONGEST})"
    right = size(body) <= LONGEST
    form.require(right, "name", "APPLICATION_COMMAND_TOO_LARGE", message)
    form.check()


def _check_named(form: Form, path: str, body: Json) -> None:
    for name in [body.get("name"), *(body.get("name_localizations") or {}).values()]:
        right = isinstance(name, str) and _NAME.fullmatch(name) and name == name.lower()
        message = 'Command name is invalid, "' + str(name) + '"'
        form.require(right, f"{path}name", "APPLICATION_COMMAND_INVALID_NAME", message)
    for text in [body.get("description"), *(body.get("description_localizations") or {}).values()]:
        form.length(f"{path}description", text, 100, 1)


def _check_options(form: Form, path: str, options: list[Json]) -> None:
    form.length(f"{path}options", options, 25)
    required = [bool(option.get("required")) for option in options]
    names = [option.get("name") for option in options]
    order = "Required options must be placed before non-required options"
    code = "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"
    form.require(required == sorted(required, reverse=True), f"{path}options", code, order)
    unique = len({*names}) == len(names)
    code = "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE"
    form.require(unique, f"{path}options", code, "Option names must be unique")
    for number, option in enumerate(options):
        where = f"{path}options.{number}."
        form.choice(f"{where}type", option.get("type"), range(SUB_COMMAND, ATTACHMENT + 1))
        _check_named(form, where, option)
        _check_choices(form, where, option)
        _check_options(form, where, option.get("options") or [])


def _check_choices(form: Form, path: str, option: Json) -> None:
    choices = option.get("choices") or []
    form.length(f"{path}choices", choices, 25)
    for number, choice in enumerate(choices):
        form.length(f"{path}choices.{number}.name", choice.get("name"), 100, 1)
    message = "Autocomplete and choices exclude each other"
    right = not (choices and option.get("autocomplete"))
    form.require(right, f"{path}autocomplete", "APPLICATION_COMMAND_OPTIONS_CHOICES", message)


def size(body: Json) -> int:
    """The longest localisation of each text counts."""
    total = 0
    for name in ("name", "description"):
        texts = [body.get(name) or "", *(body.get(f"{name}_localizations") or {}).values()]
        total += max(map(len, texts))
    total += sum(len(str(choice.get("value", ""))) for choice in body.get("choices") or [])
    inner = [*(body.get("options") or []), *(body.get("choices") or [])]
    return total + sum(map(size, inner))


def stored(body: Json, command_id: int, version: int, application: int, guild: int | None) -> Json:
    """As it comes back, with what was left out."""
    return {
        "id": str(command_id),
        "application_id": str(application),
        "version": str(version),
        "type": body.get("type") or CHAT_INPUT,
        "name": body["name"],
        "name_localizations": body.get("name_localizations"),
        "description": body.get("description") or "",
        "description_localizations": body.get("description_localizations"),
        "default_member_permissions": body.get("default_member_permissions"),
        "dm_permission": body.get("dm_permission", True),
        "contexts": body.get("contexts"),
        "integration_types": body.get("integration_types") or [0],
        "nsfw": bool(body.get("nsfw")),
        **({"options": body["options"]} if body.get("options") else {}),
        **({"guild_id": str(guild)} if guild else {}),
    }


def without_localizations(command: Json) -> Json:
    """What a list gives unless `with_localizations=true` was asked for."""
    hidden = ("name_localizations", "description_localizations")
    kept = {key: value for key, value in command.items() if key not in hidden}
    for name in ("options", "choices"):
        if name in kept:
            kept[name] = [without_localizations(each) for each in kept[name]]
    return kept


def twin(known: dict[int, Json], body: Json) -> Json | None:
    """The one that this one takes the place of: by its id when it names one, else by its name."""
    if int(body.get("id") or 0) in known:
        return known[int(body["id"])]
    key = (body.get("type") or CHAT_INPUT, body.get("name"))
    return next((each for each in known.values() if (each["type"], each["name"]) == key), None)


def put(
    known: dict[int, Json], body: Json, new_id: int, application: int, guild: int | None
) -> Json:
    """One that there is already is written over, and keeps its id. Raises Refusal."""
    check(body)
    kind = body.get("type") or CHAT_INPUT
    old = twin(known, body)
    same_kind = [each for each in known.values() if each["type"] == kind]
    if not old and len(same_kind) >= MOST[kind]:
        raise Refusal(30032)
    command_id = int(old["id"]) if old else new_id
    known[command_id] = stored(body, command_id, new_id, application, guild)
    return known[command_id]
