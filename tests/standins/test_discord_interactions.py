"""What Discord demands of the answer to a command, a button or a form."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.standins.discord import (
    Bot,
    Channel,
    Discord,
    Interaction,
    NotOffered,
    Permissions,
    Person,
    Server,
)
from tests.standins.discord_wire import Answer, Rest, calling

COMMAND = {
    "name": "demander",
    "description": "Poser une question",
    "options": [{"type": 3, "name": "question", "description": "d", "max_length": 10}],
}


@pytest.fixture
def bot(discord: Discord, server: Server) -> Bot:
    made = discord.bot("token", "Camille", servers=[server])
    discord.register(made, COMMAND)
    return made


@pytest.fixture
async def rest(discord: Discord) -> AsyncIterator[Rest]:
    """No token: that of the interaction is enough."""
    async with calling(discord, None) as calls:
        yield calls


@pytest.fixture
async def asked(alice: Person, bot: Bot, general: Channel) -> Interaction:
    return await alice.command(bot, "demander", general, question="Quoi ?")


async def respond(
    rest: Rest, asked: Interaction, kind: int = 4, query: str = "", **data: Any
) -> Answer:
    path = f"/interactions/{asked.id}/{asked.token}/callback{query}"
    return await rest("POST", path, {"type": kind, "data": data})


def webhook(asked: Interaction, message: str = "") -> str:
    base = f"/webhooks/{asked.bot.application_id}/{asked.token}"
    return f"{base}/messages/{message}" if message else base


async def test_the_first_response_has_three_seconds(
    discord: Discord, rest: Rest, asked: Interaction
) -> None:
    discord.clock.advance(3.1)
    assert asked.failed
    assert (await respond(rest, asked, content="x")).refused == (404, 10062)


async def test_there_is_one_first_response(rest: Rest, asked: Interaction) -> None:
    assert (await respond(rest, asked, content="x")).status == 204
    assert (await respond(rest, asked, content="y")).refused == (400, 40060)
    assert [each.content for each in asked.answers] == ["x"]


async def test_the_response_comes_back_when_it_is_asked_for(rest: Rest, asked: Interaction) -> None:
    answer = await respond(rest, asked, query="?with_response=true", content="x")
    assert answer.status == 200
    assert answer.body["resource"]["message"]["content"] == "x"
    assert not answer.body["interaction"]["response_message_loading"]


async def test_the_token_lives_fifteen_minutes(
    discord: Discord, rest: Rest, asked: Interaction
) -> None:
    await respond(rest, asked, kind=5)
    discord.clock.advance(899)
    assert (await rest("POST", webhook(asked), {"content": "x"})).status == 200
    discord.clock.advance(2)
    assert (await rest("POST", webhook(asked), {"content": "y"})).refused == (401, 50027)
    edit = await rest("PATCH", webhook(asked, "@original"), {"content": "y"})
    assert edit.refused == (401, 50027)


async def test_nothing_follows_before_the_first_response(rest: Rest, asked: Interaction) -> None:
    assert (await rest("POST", webhook(asked), {"content": "x"})).refused == (404, 10015)


async def test_the_first_follow_up_takes_the_place_of_a_deferred_message(
    rest: Rest, asked: Interaction, general: Channel
) -> None:
    await respond(rest, asked, kind=5)
    assert asked.thinking
    assert asked.answers == []
    first = await rest("POST", webhook(asked), {"content": "x"})
    second = await rest("POST", webhook(asked), {"content": "y"})
    assert asked.original
    assert first.body["id"] == str(asked.original.id)
    assert second.body["id"] != first.body["id"]
    assert [each.content for each in general.history()] == ["x", "y"]


async def test_the_original_is_read_edited_and_deleted(
    rest: Rest, asked: Interaction, general: Channel
) -> None:
    await respond(rest, asked, content="x")
    path = webhook(asked, "@original")
    assert (await rest("PATCH", path, {"content": "y"})).body["content"] == "y"
    assert (await rest("GET", path)).body["content"] == "y"
    assert (await rest("DELETE", path)).status == 204
    assert (await rest("GET", path)).refused == (404, 10008)
    assert general.history() == []


async def test_what_is_ephemeral_is_seen_by_who_asked_alone(
    discord: Discord, rest: Rest, asked: Interaction, alice: Person, bot: Bot, general: Channel
) -> None:
    await respond(rest, asked, kind=5, flags=1 << 6)
    await rest("PATCH", webhook(asked, "@original"), {"content": f"{alice.mention} seule"})
    bob_sees = [each.content for each in asked.channel.history() if not each.ephemeral]
    assert [each.content for each in alice.sees(general)] == [f"{alice.mention} seule"]
    assert bob_sees == []
    assert asked.answers[0].pinged == set()
    async with calling(discord, bot) as own:
        assert (await own("GET", f"/channels/{general.id}/messages")).body == []


async def test_limits_hold_for_responses_too(rest: Rest, asked: Interaction) -> None:
    assert (await respond(rest, asked, content="x" * 2_001)).refused == (400, 50035)
    assert (await respond(rest, asked, content="")).refused == (400, 50006)
    assert (await respond(rest, asked, kind=7, content="x")).refused == (400, 50035)
    assert (await respond(rest, asked, content="x")).status == 204  # the mistakes used nothing up


async def test_a_response_may_carry_a_file(rest: Rest, asked: Interaction) -> None:
    path = f"/interactions/{asked.id}/{asked.token}/callback"
    body = {"type": 4, "data": {"content": "x", "attachments": [{"id": 0, "filename": "b.txt"}]}}
    assert (await rest("POST", path, body, files={"a.txt": b"abc"})).status == 204
    assert [(each.filename, each.data) for each in asked.answers[0].attachments] == [
        ("b.txt", b"abc")
    ]


async def test_a_completion_has_twenty_five_choices_at_most(
    discord: Discord, rest: Rest, bot: Bot, alice: Person, general: Channel
) -> None:
    option = {"type": 3, "name": "nom", "description": "d", "autocomplete": True, "required": True}
    discord.register(bot, {"name": "persona", "description": "d", "options": [option]})
    typed = await alice.complete(bot, "persona", general, focused="nom")
    choices = [{"name": f"n{n}", "value": f"v{n}"} for n in range(26)]
    assert (await respond(rest, typed, kind=8, choices=choices)).refused == (400, 50035)
    assert (await respond(rest, typed, kind=4, content="x")).refused == (400, 50035)
    assert (await respond(rest, typed, kind=8, choices=choices[:25])).status == 204
    assert typed.choices == choices[:25]


async def test_a_form_is_opened_within_its_limits_and_handed_in(
    rest: Rest, asked: Interaction, alice: Person
) -> None:
    field = {"type": 4, "custom_id": "why", "label": "Pourquoi ?", "style": 2}
    rows = [{"type": 1, "components": [field]}]
    form: dict[str, Any] = {"title": "x" * 46, "custom_id": "form", "components": rows}
    assert (await respond(rest, asked, kind=9, **form)).wrong("data.title")
    assert (await respond(rest, asked, kind=9, **form | {"title": "Avis"})).status == 204
    handed_in = await alice.fill_in(asked, why="Parce que")
    assert handed_in.data["components"][0]["components"][0]["value"] == "Parce que"
    assert (await respond(rest, handed_in, kind=9, **form)).refused == (400, 50035)


async def test_a_button_may_update_its_message_or_nothing(
    discord: Discord, rest: Rest, bot: Bot, alice: Person, general: Channel
) -> None:
    row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Oui", "custom_id": "y"}]}
    async with calling(discord, bot) as own:
        sent = (await own.say(general.id, "Utile ?", components=[row])).body
    message = general.messages[int(sent["id"])]
    clicked = await alice.click(message, "Oui")
    assert (await respond(rest, clicked, kind=6)).status == 204
    assert (await rest("GET", webhook(clicked, "@original"))).body["id"] == sent["id"]
    await rest("POST", webhook(clicked), {"content": "Merci", "flags": 1 << 6})
    assert [each.content for each in clicked.followups] == ["Merci"]
    again = await alice.click(message, "y")
    assert (await respond(rest, again, kind=7, content="Vu", components=[])).status == 204
    assert message.content == "Vu"
    with pytest.raises(NotOffered):
        await alice.click(message, "Oui")


async def test_what_discord_would_not_offer_cannot_be_run(
    server: Server, discord: Discord, bot: Bot, alice: Person, general: Channel
) -> None:
    with pytest.raises(NotOffered, match="no command"):
        await alice.command(bot, "inconnue", general)
    with pytest.raises(NotOffered, match="no option"):
        await alice.command(bot, "demander", general, quoi="x")
    with pytest.raises(NotOffered, match="between"):
        await alice.command(bot, "demander", general, question="x" * 11)
    for_admins = COMMAND | {"name": "usage", "default_member_permissions": "0"}
    discord.register(bot, for_admins)
    with pytest.raises(NotOffered, match="not for alice"):
        await alice.command(bot, "usage", general)
    assert await server.owner.command(bot, "usage", general)
    server.deny(general, server.everyone, Permissions.USE_APPLICATION_COMMANDS)
    with pytest.raises(NotOffered, match="may not"):
        await alice.command(bot, "demander", general, question="x")


async def test_a_command_is_found_by_its_name_in_the_persons_language(
    discord: Discord, server: Server, bot: Bot, general: Channel
) -> None:
    localized = {"name": "ask", "description": "d", "name_localizations": {"fr": "poser"}}
    discord.register(bot, localized)
    asked = await server.person("bob").command(bot, "poser", general)
    assert asked.data["name"] == "ask"
    with pytest.raises(NotOffered):
        await server.person("carol", locale="en-GB").command(bot, "poser", general)


async def test_nobody_answers_in_a_thread_that_is_locked_and_archived(
    server: Server, rest: Rest, bot: Bot, alice: Person
) -> None:
    post = await alice.post(server.forum("questions"), "Froid", "x")
    await server.owner.change(post, locked=True)
    await server.owner.change(post, archived=True)
    asked = await alice.command(bot, "demander", post, question="x")
    assert (await respond(rest, asked, content="x")).refused == (403, 50083)


async def test_another_applications_interaction_is_out_of_reach(
    discord: Discord, rest: Rest, asked: Interaction
) -> None:
    other = discord.bot("other", "Sacha")
    await respond(rest, asked, content="x")
    path = f"/webhooks/{other.application_id}/{asked.token}"
    assert (await rest("POST", path, {"content": "y"})).refused == (401, 50027)
    assert (await rest("POST", "/interactions/1/x/callback", {"type": 4})).refused == (404, 10062)
