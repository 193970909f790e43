"""What Discord refuses of messages, and who may write and read them."""

from typing import Any

import pytest

from tests.standins.discord import Bot, Channel, Discord, Permissions, Person, Refusal, Server
from tests.standins.discord_wire import Rest

FIELD = {"name": "n", "value": "v"}
REPLY = {"message_reference": {"message_id": "1"}}


def embed(**more: Any) -> dict[str, Any]:
    return {"embeds": [{"title": "t", **more}]}


def buttons(*custom_ids: str) -> list[dict[str, Any]]:
    made = [{"type": 2, "style": 2, "label": "x", "custom_id": each} for each in custom_ids]
    return [{"type": 1, "components": made}]


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"content": "x" * 2_001}, "content", "BASE_TYPE_MAX_LENGTH"),
        (embed(description="x" * 4_097), "embeds.0.description", "BASE_TYPE_MAX_LENGTH"),
        (embed(title="x" * 257), "embeds.0.title", "BASE_TYPE_MAX_LENGTH"),
        (embed(footer={"text": "x" * 2_049}), "embeds.0.footer.text", "BASE_TYPE_MAX_LENGTH"),
        (embed(fields=[FIELD] * 26), "embeds.0.fields", "BASE_TYPE_MAX_LENGTH"),
        (embed(fields=[FIELD | {"name": ""}]), "embeds.0.fields.0.name", "BASE_TYPE_REQUIRED"),
        ({"embeds": [{"description": "x" * 3_001}] * 2}, "embeds", "MAX_EMBED_SIZE_EXCEEDED"),
        ({"embeds": [{"title": "t"}] * 11}, "embeds", "BASE_TYPE_MAX_LENGTH"),
        (embed(url="javascript:x"), "embeds.0.url", "URL_TYPE_INVALID_SCHEME"),
        ({"content": "x", "components": buttons("a") * 6}, "components", "BASE_TYPE_MAX_LENGTH"),
        (
            {"content": "x", "components": buttons(*"abcdef")},
            "components.0.components",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            {"content": "x", "components": buttons("a" * 101)},
            "components.0.components.0.custom_id",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            {"content": "x", "components": buttons("a", "a")},
            "components",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        ({"content": "x", "nonce": "n" * 26}, "nonce", "BASE_TYPE_MAX_LENGTH"),
        (
            {"content": "x", "message_reference": {"message_id": "1"}},
            "message_reference",
            "REPLIES_UNKNOWN_MESSAGE",
        ),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            "allowed_mentions",
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
    ],
)  # fmt: skip
async def test_what_passes_a_limit_is_refused_and_named(
    rest: Rest, general: Channel, body: dict[str, Any], path: str, code: str
) -> None:
    answer = await rest("POST", f"/channels/{general.id}/messages", body)
    assert answer.refused == (400, 50035)
    assert answer.wrong(path) == code
    assert general.history() == []


async def test_what_is_just_within_the_limits_is_taken(rest: Rest, general: Channel) -> None:
    body = {"content": "x" * 2_000, "embeds": [{"description": "x" * 4_096}], "nonce": "n" * 25}
    body["components"] = [row for n in range(5) for row in buttons(*(f"{n}{m}" for m in range(5)))]
    assert (await rest("POST", f"/channels/{general.id}/messages", body)).status == 200


@pytest.mark.parametrize("body", [{}, {"content": ""}, {"content": " \n "}, {"embeds": []}])
async def test_a_message_of_nothing_is_refused(
    rest: Rest, general: Channel, body: dict[str, Any]
) -> None:
    answer = await rest("POST", f"/channels/{general.id}/messages", body)
    assert answer.refused == (400, 50006)


async def test_a_body_that_is_no_json_is_refused(rest: Rest, general: Channel) -> None:
    url = f"{rest.discord.api}/channels/{general.id}/messages"
    headers = {"Authorization": "Bot token"}
    async with rest.session.post(url, data=b"{", headers=headers) as answer:
        assert (await answer.json())["code"] == 50109


async def test_files_are_kept_and_served_and_large_ones_refused(
    discord: Discord, rest: Rest, general: Channel
) -> None:
    path = f"/channels/{general.id}/messages"
    sent = await rest("POST", path, {"content": ""}, files={"a.png": b"abc", "b.png": b"d"})
    assert [each["filename"] for each in sent.body["attachments"]] == ["a.png", "b.png"]
    async with rest.session.get(sent.body["attachments"][0]["url"]) as file:
        assert (file.status, await file.read(), file.content_type) == (200, b"abc", "image/png")
    discord.file_limit = 2
    refused = await rest("POST", path, {"content": "x"}, files={"a.png": b"abc"})
    assert refused.refused == (413, 40005)


async def test_an_edit_keeps_the_files_that_it_names(rest: Rest, general: Channel) -> None:
    path = f"/channels/{general.id}/messages"
    sent = (await rest("POST", path, {"content": "x"}, files={"a": b"a", "b": b"b"})).body
    kept = sent["attachments"][1]
    edited = await rest("PATCH", f"{path}/{sent['id']}", {"attachments": [{"id": kept["id"]}]})
    assert [each["filename"] for each in edited.body["attachments"]] == ["b"]
    assert edited.body["content"] == "x"


async def test_the_same_nonce_gives_the_same_message_for_some_minutes(
    discord: Discord, rest: Rest, general: Channel
) -> None:
    first = await rest.say(general.id, nonce="n", enforce_nonce=True)
    again = await rest.say(general.id, nonce="n", enforce_nonce=True)
    assert again.body["id"] == first.body["id"]
    assert len(general.history()) == 1
    await rest.say(general.id, nonce="n")  # nobody asked that it be enforced
    assert len(general.history()) == 2
    discord.clock.advance(301)
    await rest.say(general.id, nonce="n", enforce_nonce=True)
    assert len(general.history()) == 3


async def test_a_reply_to_what_is_gone_may_be_sent_without(rest: Rest, general: Channel) -> None:
    gone = {"message_id": "1", "fail_if_not_exists": False}
    answer = await rest.say(general.id, message_reference=gone)
    assert (answer.status, answer.body["type"]) == (200, 0)
    assert "message_reference" not in answer.body


async def test_a_reply_shows_what_it_replies_to_until_that_is_deleted(
    rest: Rest, general: Channel, alice: Person
) -> None:
    question = await alice.say(general, "Pourquoi ?")
    reply = (await rest.say(general.id, message_reference={"message_id": str(question.id)})).body
    assert reply["referenced_message"]["content"] == "Pourquoi ?"
    await alice.delete(question)
    path = f"/channels/{general.id}/messages/{reply['id']}"
    assert (await rest("GET", path)).body["referenced_message"] is None


async def test_nobody_is_pinged_who_is_not_allowed_to_be(
    server: Server, rest: Rest, general: Channel, alice: Person, bot: Bot
) -> None:
    helpers = server.role("aide", mentionable=True)
    bob = server.person("bob", helpers)
    text = f"{alice.mention} {helpers.mention} @everyone"

    async def pinged(**body: Any) -> set[int]:
        answer = await rest.say(general.id, text, **body)
        return general.messages[int(answer.body["id"])].pinged

    assert await pinged() == {alice.id, bob.id}  # @everyone needs a permission
    assert await pinged(allowed_mentions={"parse": []}) == set()
    assert await pinged(allowed_mentions={"parse": ["users"]}) == {alice.id}
    assert await pinged(allowed_mentions={"roles": [str(helpers.id)]}) == {bob.id}
    assert await pinged(allowed_mentions={"users": [str(bob.id)]}) == set()
    assert await pinged(flags=1 << 12) == set()
    server.join(bot, permissions=Permissions.MENTION_EVERYONE)
    assert await pinged() == {alice.id, bob.id, server.owner.id}


async def test_a_reply_pings_its_author_unless_told_otherwise(
    rest: Rest, general: Channel, alice: Person
) -> None:
    question = await alice.say(general, "Pourquoi ?")
    reference = {"message_id": str(question.id)}
    first = await rest.say(general.id, message_reference=reference)
    quiet = await rest.say(general.id, message_reference=reference, allowed_mentions={"parse": []})
    assert general.messages[int(first.body["id"])].pinged == {alice.id}
    assert general.messages[int(quiet.body["id"])].pinged == set()
    assert [each["id"] for each in first.body["mentions"]] == [str(alice.id)]
    assert quiet.body["mentions"] == []


async def test_an_edit_pings_nobody(rest: Rest, general: Channel, alice: Person) -> None:
    sent = (await rest.say(general.id, "x")).body
    path = f"/channels/{general.id}/messages/{sent['id']}"
    edited = await rest("PATCH", path, {"content": alice.mention})
    assert [each["id"] for each in edited.body["mentions"]] == [str(alice.id)]
    assert general.messages[int(sent["id"])].pinged == set()


async def test_only_the_author_edits_and_moderators_delete(
    server: Server, rest: Rest, general: Channel, alice: Person, bot: Bot
) -> None:
    message = await alice.say(general, "x")
    path = f"/channels/{general.id}/messages/{message.id}"
    assert (await rest("PATCH", path, {"content": "y"})).refused == (403, 50005)
    assert (await rest("DELETE", path)).refused == (403, 50013)
    server.join(bot, permissions=Permissions.MANAGE_MESSAGES)
    assert (await rest("DELETE", path)).status == 204
    assert (await rest("DELETE", path)).refused == (404, 10008)


@pytest.mark.parametrize(
    ("missing", "body", "refused"),
    [
        (Permissions.VIEW_CHANNEL, {}, (403, 50001)),
        (Permissions.SEND_MESSAGES, {}, (403, 50013)),
        (Permissions.EMBED_LINKS, {"embeds": [{"title": "t"}]}, (403, 50013)),
        (Permissions.READ_MESSAGE_HISTORY, REPLY, (403, 160002)),
    ],
)  # fmt: skip
async def test_what_a_channel_denies_to_everyone_is_refused(
    server: Server,
    rest: Rest,
    general: Channel,
    missing: Permissions,
    body: dict[str, Any],
    refused: tuple[int, int],
) -> None:
    server.deny(general, server.everyone, missing)
    assert (await rest.say(general.id, **body)).refused == refused


async def test_a_file_needs_its_permission(server: Server, rest: Rest, general: Channel) -> None:
    server.deny(general, server.everyone, Permissions.ATTACH_FILES)
    path = f"/channels/{general.id}/messages"
    refused = await rest("POST", path, {"content": "x"}, files={"a.png": b"a"})
    assert refused.refused == (403, 50013)


async def test_overwrites_of_a_role_yield_to_those_of_the_member(
    server: Server, rest: Rest, general: Channel, bot: Bot
) -> None:
    muted = server.role("muet")
    server.set_roles(bot, muted)
    server.deny(general, muted, Permissions.SEND_MESSAGES)
    assert (await rest.say(general.id)).status == 403
    server.allow(general, bot, Permissions.SEND_MESSAGES)
    assert (await rest.say(general.id)).status == 200


async def test_an_administrator_is_denied_nothing(
    server: Server, rest: Rest, general: Channel, bot: Bot
) -> None:
    server.deny(general, server.everyone, Permissions.VIEW_CHANNEL)
    server.join(bot, permissions=Permissions.ADMINISTRATOR)
    assert (await rest.say(general.id)).status == 200


async def test_a_person_is_held_to_permissions_too(
    server: Server, general: Channel, alice: Person
) -> None:
    server.deny(general, server.everyone, Permissions.SEND_MESSAGES)
    with pytest.raises(Refusal, match="Missing Permissions"):
        await alice.say(general, "x")
    await server.owner.say(general, "Le propriétaire peut tout.")
    assert [each.content for each in alice.sees(general)] == ["Le propriétaire peut tout."]


async def test_without_the_right_to_read_history_there_is_none(
    server: Server, rest: Rest, general: Channel, alice: Person
) -> None:
    message = await alice.say(general, "x")
    server.deny(general, server.everyone, Permissions.READ_MESSAGE_HISTORY)
    path = f"/channels/{general.id}/messages"
    assert (await rest("GET", path)).body == []
    assert (await rest("GET", f"{path}/{message.id}")).refused == (403, 50001)


async def test_what_does_not_exist_or_belongs_elsewhere_is_not_found(
    discord: Discord, rest: Rest, general: Channel
) -> None:
    assert (await rest.say(1)).refused == (404, 10003)
    other = discord.server("Ailleurs").text("général")
    assert (await rest.say(other.id)).refused == (403, 50001)
    path = f"/channels/{general.id}/messages"
    assert (await rest("GET", f"{path}/1")).refused == (404, 10008)
    assert (await rest("GET", f"{path}?limit=101")).refused == (400, 50035)
    assert (await rest("GET", "/nowhere")).refused == (404, 0)


async def test_a_direct_message_reaches_its_person_unless_they_take_none(
    discord: Discord, rest: Rest, alice: Person, bot: Bot
) -> None:
    opened = await rest("POST", "/users/@me/channels", {"recipient_id": str(alice.id)})
    channel = discord.channels[int(opened.body["id"])]
    assert (await rest.say(channel.id, "Bonjour")).status == 200
    assert [each.content for each in alice.sees(channel)] == ["Bonjour"]
    again = await rest("POST", "/users/@me/channels", {"recipient_id": str(alice.id)})
    assert again.body["id"] == opened.body["id"]
    discord.refuse_direct.add(alice.id)
    assert (await rest.say(channel.id)).refused == (403, 50007)


async def test_a_reaction_is_an_emoji_and_is_taken_back(
    rest: Rest, general: Channel, alice: Person, bot: Bot
) -> None:
    message = await alice.say(general, "x")
    path = f"/channels/{general.id}/messages/{message.id}/reactions"
    assert (await rest("PUT", f"{path}/%F0%9F%91%8D/@me")).status == 204
    assert message.reactions == {"👍": {bot.id}}
    assert (await rest("PUT", f"{path}/pouce/@me")).refused == (400, 10014)
    for _ in range(2):
        assert (await rest("DELETE", f"{path}/%F0%9F%91%8D/@me")).status == 204
        assert message.reactions == {}
