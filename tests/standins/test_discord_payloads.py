"""Answers hold what Discord's own description of its API says that they always hold.

https://github.com/discord/discord-api-spec, specs/openapi.json: `required` of each response, of
ids that they are strings of digits, and of moments that they are ISO 8601.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.standins.discord import Bot, Channel, Discord, Permissions, Person, Server
from tests.standins.discord_client import PNG
from tests.standins.discord_wire import Json, Rest

USER = "id username discriminator public_flags flags"
MEMBER = "flags joined_at pending roles user mute deaf"
CHANNEL = "id type flags guild_id name position"
THREAD = (
    "id type flags guild_id name owner_id message_count member_count total_message_sent"
    " thread_metadata.archived thread_metadata.auto_archive_duration thread_metadata.locked"
)
MESSAGE = (
    "type content mentions mention_roles attachments embeds timestamp flags components id"
    " channel_id author pinned mention_everyone tts"
)
ROLE = "id name permissions position color hoist managed mentionable"
GUILD = (
    "id name features owner_id region afk_timeout system_channel_flags widget_enabled"
    " verification_level roles default_message_notifications mfa_level explicit_content_filter"
    " premium_tier premium_subscription_count preferred_locale premium_progress_bar_enabled nsfw"
    " nsfw_level emojis stickers"
)
COMMAND = "id application_id version type name description"
APPLICATION = "id name description verify_key flags redirect_uris owner explicit_content_filter"
THREAD_MEMBER = "id user_id join_timestamp flags"


def missing(body: Json, names: str) -> list[str]:
    """Those of the names, with dots for what is inside, that the body lacks."""
    lacking = []
    for name in names.split():
        place: Any = body
        for key in name.split("."):
            place = place.get(key, ...) if isinstance(place, dict) else ...
        lacking += [name] if place is ... else []
    return lacking


def leaves(body: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each value that holds no other, with the name that it goes by."""
    if isinstance(body, dict):
        for key, value in body.items():
            yield from leaves(value, key)
    elif isinstance(body, list):
        for value in body:
            yield from leaves(value, name)
    else:
        yield name, body


def check(body: Json, names: str) -> None:
    assert missing(body, names) == []
    for name, value in leaves(body):
        if value is None:
            continue
        if re.search(r"(^|_)ids?$", name) and name not in ("custom_id", "id"):
            assert re.fullmatch(r"\d+", value), (name, value)
        if name.endswith(("timestamp", "_at")):
            assert datetime.fromisoformat(value).tzinfo, (name, value)
        if name in ("permissions", "allow", "deny"):
            assert re.fullmatch(r"\d+", value), (name, value)


@pytest.fixture
async def paths(
    discord: Discord, server: Server, bot: Bot, general: Channel, alice: Person, rest: Rest
) -> dict[str, str]:
    """One of everything, and where each is read."""
    forum = server.forum("questions", tags=["chauffage"], parent=server.category("aide"))
    server.deny(forum, server.role("aide"), Permissions.SEND_MESSAGES)
    post = await alice.post(forum, "Froid", "x", tags=["chauffage"], files=[("a.png", PNG)])
    question = await alice.say(general, f"{bot.user.mention} ?")
    await alice.react(question, "👍")
    body = {
        "content": "x",
        "embeds": [{"title": "t", "fields": [{"name": "n", "value": "v"}]}],
        "message_reference": {"message_id": str(question.id)},
    }
    reply = (await rest("POST", f"/channels/{general.id}/messages", body)).body
    command = discord.register(bot, {"name": "ask", "description": "d"})
    return {
        "me": "/users/@me",
        "user": f"/users/{alice.id}",
        "member": f"/guilds/{server.id}/members/{alice.id}",
        "text": f"/channels/{general.id}",
        "forum": f"/channels/{forum.id}",
        "category": f"/channels/{forum.parent and forum.parent.id}",
        "thread": f"/channels/{post.id}",
        "starter": f"/channels/{post.id}/messages/{post.id}",
        "question": f"/channels/{general.id}/messages/{question.id}",
        "reply": f"/channels/{general.id}/messages/{reply['id']}",
        "guild": f"/guilds/{server.id}",
        "command": f"/applications/{bot.application_id}/commands/{command['id']}",
        "application": "/oauth2/applications/@me",
    }


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("me", f"{USER} mfa_enabled locale"),
        ("user", USER),
        ("member", MEMBER),
        ("text", CHANNEL),
        ("forum", CHANNEL),
        ("category", CHANNEL),
        ("thread", THREAD),
        ("starter", MESSAGE),
        ("question", MESSAGE),
        ("reply", f"{MESSAGE} message_reference.channel_id referenced_message.author"),
        ("guild", GUILD),
        ("command", COMMAND),
        ("application", APPLICATION),
    ],
)
async def test_an_answer_is_whole(rest: Rest, paths: dict[str, str], name: str, names: str) -> None:
    answer = await rest("GET", paths[name])
    assert answer.status == 200
    check(answer.body, names)


async def test_what_is_inside_an_answer_is_whole(rest: Rest, paths: dict[str, str]) -> None:
    async def read(name: str) -> Any:
        return (await rest("GET", paths[name])).body

    reply, starter, forum = await read("reply"), await read("starter"), await read("forum")
    check(reply["author"], USER)
    check(reply["referenced_message"], MESSAGE)
    check(reply["embeds"][0], "type")
    check(reply["embeds"][0]["fields"][0], "name value inline")
    check(starter["attachments"][0], "id filename size url proxy_url")
    check((await read("question"))["mentions"][0], USER)
    check((await read("question"))["reactions"][0], "emoji count count_details me me_burst")
    check(forum["available_tags"][0], "id name moderated emoji_id emoji_name")
    check(forum["permission_overwrites"][0], "id type allow deny")
    for role in (await read("guild"))["roles"]:
        check(role, ROLE)


async def test_lists_of_threads_are_whole(
    rest: Rest, paths: dict[str, str], server: Server, bot: Bot
) -> None:
    post = next(iter(server.guild.threads.values()))
    await rest.say(post.id)
    active = (await rest("GET", f"/guilds/{server.id}/threads/active")).body
    assert [missing(each, THREAD) for each in active["threads"]] == [[]]
    check(active["members"][0], THREAD_MEMBER)
    archived = (await rest("GET", f"{paths['forum']}/threads/archived/public")).body
    assert archived == {"threads": [], "members": [], "has_more": False}
