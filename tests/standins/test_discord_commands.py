"""Registering commands, beside those that others registered."""

from typing import Any

import pytest

from tests.standins.discord import Bot, Discord, Server
from tests.standins.discord_wire import Rest

ASK = {"name": "demander", "description": "Poser une question"}


@pytest.fixture
def path(bot: Bot) -> str:
    return f"/applications/{bot.application_id}/commands"


async def test_one_of_the_same_name_is_written_over_and_keeps_its_id(rest: Rest, path: str) -> None:
    first = await rest("POST", path, ASK)
    again = await rest("POST", path, ASK | {"description": "Autrement"})
    assert (first.status, again.status) == (201, 200)
    assert again.body["id"] == first.body["id"]
    assert again.body["version"] != first.body["version"]
    assert [each["description"] for each in (await rest("GET", path)).body] == ["Autrement"]


async def test_replacing_all_takes_away_what_is_not_named(
    discord: Discord, rest: Rest, path: str, bot: Bot
) -> None:
    foreign = discord.register(bot, {"name": "autre", "description": "d"})
    kept = discord.register(bot, ASK)
    replaced = await rest("PUT", path, [ASK, {"name": "neuve", "description": "d"}])
    assert [each["name"] for each in replaced.body] == ["demander", "neuve"]
    assert replaced.body[0]["id"] == kept["id"]
    assert (await rest("GET", f"{path}/{foreign['id']}")).refused == (404, 10063)


async def test_one_that_is_named_by_its_id_may_get_another_name(
    discord: Discord, rest: Rest, path: str, bot: Bot
) -> None:
    old = discord.register(bot, ASK)
    replaced = await rest("PUT", path, [ASK | {"id": old["id"], "name": "poser"}])
    assert [(each["id"], each["name"]) for each in replaced.body] == [(old["id"], "poser")]


async def test_one_is_read_changed_and_deleted(
    discord: Discord, rest: Rest, path: str, bot: Bot
) -> None:
    one = f"{path}/{discord.register(bot, ASK)['id']}"
    assert (await rest("PATCH", one, {"description": "Autrement"})).status == 200
    assert (await rest("GET", one)).body["description"] == "Autrement"
    assert (await rest("DELETE", one)).status == 204
    assert (await rest("DELETE", one)).refused == (404, 10063)


async def test_those_of_a_server_are_kept_apart(rest: Rest, server: Server, bot: Bot) -> None:
    path = f"/applications/{bot.application_id}/guilds/{server.id}/commands"
    made = await rest("POST", path, ASK)
    assert made.body["guild_id"] == str(server.id)
    assert bot.commands == {}
    everywhere = f"/applications/{bot.application_id}/guilds/1/commands"
    assert (await rest("GET", everywhere)).refused == (404, 10004)


async def test_localisations_are_listed_when_they_are_asked_for(rest: Rest, path: str) -> None:
    option = {"type": 3, "name": "question", "description": "d", "name_localizations": {"fr": "q"}}
    await rest("POST", path, ASK | {"name_localizations": {"fr": "poser"}, "options": [option]})
    plain = (await rest("GET", path)).body[0]
    assert "name_localizations" not in plain
    assert "name_localizations" not in plain["options"][0]
    whole = (await rest("GET", f"{path}?with_localizations=true")).body[0]
    assert whole["name_localizations"] == {"fr": "poser"}
    assert whole["options"][0]["name_localizations"] == {"fr": "q"}


def options(*made: dict[str, Any]) -> dict[str, Any]:
    return {"options": [{"type": 3, "name": "a", "description": "d", **each} for each in made]}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "Demander"}, "name"),
        ({"name": "deux mots"}, "name"),
        ({"name": "x" * 33}, "name"),
        ({"name_localizations": {"fr": "Grand"}}, "name"),
        ({"description": ""}, "description"),
        ({"description": "x" * 101}, "description"),
        ({"description_localizations": {"fr": "x" * 101}}, "description"),
        (options(*({"name": f"a{n}"} for n in range(26))), "options"),
        (options({"name": "a"}, {"name": "b", "required": True}), "options"),
        (options({}, {}), "options"),
        (options({"type": 12}), "options.0.type"),
        (options({"choices": [{"name": "x", "value": "x"}] * 26}), "options.0.choices"),
        (options({"description": "x" * 101}), "options.0.description"),
    ],
)
async def test_what_is_not_allowed_is_refused_and_named(
    rest: Rest, path: str, bot: Bot, wrong: dict[str, Any], field: str
) -> None:
    answer = await rest("POST", path, ASK | wrong)
    assert answer.refused == (400, 50035)
    assert answer.wrong(field)
    assert bot.commands == {}


async def test_a_command_has_8000_characters_at_most(rest: Rest, path: str) -> None:
    choices = [{"name": f"{n:0100}", "value": f"{n:0100}"} for n in range(25)]
    many = [{"name": f"option-{n}", "choices": choices} for n in range(2)]
    assert (await rest("POST", path, ASK | options(*many))).wrong("name")
    assert (await rest("POST", path, ASK | options(many[0]))).status == 201


async def test_there_are_a_hundred_at_most(
    discord: Discord, rest: Rest, path: str, bot: Bot
) -> None:
    for number in range(100):
        discord.register(bot, {"name": f"c{number}", "description": "d"})
    assert (await rest("POST", path, ASK)).refused == (400, 30032)
    assert (await rest("POST", path, {"name": "c1", "description": "e"})).status == 200
    assert (await rest("POST", path, {"name": "Citer", "type": 3})).status == 201


async def test_two_hundred_are_made_a_day(discord: Discord, rest: Rest, path: str) -> None:
    for number in range(200):
        made = await rest("POST", path, {"name": f"c{number}", "description": "d"})
        await rest("DELETE", f"{path}/{made.body['id']}")
    assert (await rest("POST", path, ASK)).refused == (400, 30034)
    discord.clock.advance(86_401)
    assert (await rest("POST", path, ASK)).status == 201


async def test_two_of_the_same_name_are_refused(rest: Rest, path: str) -> None:
    assert (await rest("PUT", path, [ASK, ASK])).refused == (400, 50035)


async def test_those_of_another_application_are_out_of_reach(discord: Discord, rest: Rest) -> None:
    other = discord.bot("other", "Sacha")
    answer = await rest("POST", f"/applications/{other.application_id}/commands", ASK)
    assert answer.refused == (403, 50001)
