"""Posts and threads: who may open, write in, change and read them."""

import pytest

from tests.standins.discord import Bot, Channel, Discord, Permissions, Person, Refusal, Server
from tests.standins.discord_wire import Rest


@pytest.fixture
def forum(server: Server) -> Channel:
    return server.forum("questions", tags=["chauffage", "résolu", "épinglé"], moderated=["épinglé"])


async def test_a_reply_to_somebody_who_left_is_taken(
    server: Server, rest: Rest, forum: Channel, alice: Person
) -> None:
    post = await alice.post(forum, "Froid", "x")
    server.leave(alice)
    reply = await rest.say(post.id, message_reference={"message_id": str(post.id)})
    assert (reply.status, reply.body["type"]) == (200, 19)


async def test_nothing_is_written_into_a_forum_itself(rest: Rest, forum: Channel) -> None:
    assert (await rest.say(forum.id)).refused == (400, 50008)


async def test_an_archived_post_wakes_up_when_somebody_writes(
    server: Server, rest: Rest, forum: Channel, alice: Person
) -> None:
    post = await alice.post(forum, "Froid", "x")
    await server.owner.change(post, archived=True)
    assert (await rest.say(post.id)).status == 200
    assert not post.archived


async def test_nothing_is_changed_in_an_archived_post(
    server: Server, rest: Rest, forum: Channel, alice: Person
) -> None:
    post = await alice.post(forum, "Froid", "x")
    sent = (await rest.say(post.id)).body
    await server.owner.change(post, archived=True)
    path = f"/channels/{post.id}/messages/{sent['id']}"
    assert (await rest("PATCH", path, {"content": "y"})).refused == (400, 50083)
    assert (await rest("DELETE", path)).refused == (400, 50083)


async def test_a_locked_post_is_for_moderators(
    server: Server, rest: Rest, forum: Channel, alice: Person, bot: Bot
) -> None:
    post = await alice.post(forum, "Froid", "x")
    await server.owner.change(post, locked=True)
    assert (await rest.say(post.id)).refused == (400, 160005)
    await server.owner.change(post, archived=True)
    assert (await rest.say(post.id)).refused == (400, 50083)
    assert (await rest("PATCH", f"/channels/{post.id}", {"archived": False})).status == 403
    server.join(bot, permissions=Permissions.MANAGE_THREADS)
    assert (await rest.say(post.id)).status == 200


async def test_a_post_needs_the_right_to_write_in_threads(
    server: Server, rest: Rest, forum: Channel, alice: Person
) -> None:
    post = await alice.post(forum, "Froid", "x")
    server.deny(forum, server.everyone, Permissions.SEND_MESSAGES)
    assert (await rest.say(post.id)).status == 200
    server.deny(forum, server.everyone, Permissions.SEND_MESSAGES_IN_THREADS)
    assert (await rest.say(post.id)).refused == (403, 50013)


async def test_others_may_not_tag_a_post_unless_they_moderate(
    server: Server, rest: Rest, forum: Channel, alice: Person, bot: Bot
) -> None:
    post = await alice.post(forum, "Froid", "x", tags=["chauffage"])
    tags = {"applied_tags": [str(tag.id) for tag in forum.tags]}
    assert (await rest("PATCH", f"/channels/{post.id}", tags)).refused == (403, 50013)
    with pytest.raises(Refusal, match="Missing Permissions"):
        await alice.tag(post, "épinglé")
    await alice.tag(post, "résolu")
    assert [tag.name for tag in post.applied] == ["résolu"]
    server.join(bot, permissions=Permissions.MANAGE_THREADS)
    assert (await rest("PATCH", f"/channels/{post.id}", tags)).status == 200
    unknown = await rest("PATCH", f"/channels/{post.id}", {"applied_tags": ["1"]})
    assert unknown.wrong("applied_tags.0") == "FORUM_TAG_UNKNOWN"


@pytest.mark.parametrize("body", [{"name": ""}, {"name": "x" * 101}, {"auto_archive_duration": 5}])
async def test_a_thread_is_held_to_limits(
    rest: Rest, forum: Channel, alice: Person, body: dict[str, object]
) -> None:
    post = await alice.post(forum, "Froid", "x")
    assert (await rest("PATCH", f"/channels/{post.id}", body)).refused == (400, 50035)


async def test_a_forum_has_twenty_tags_at_most(
    server: Server, rest: Rest, forum: Channel, bot: Bot
) -> None:
    server.join(bot, permissions=Permissions.MANAGE_CHANNELS)
    tags = [{"name": f"t{n}"} for n in range(21)]
    refused = await rest("PATCH", f"/channels/{forum.id}", {"available_tags": tags})
    assert refused.wrong("available_tags") == "BASE_TYPE_MAX_LENGTH"
    body = {"available_tags": [{"id": str(forum.tags[0].id), "name": "chaud"}, *tags[:19]]}
    changed = await rest("PATCH", f"/channels/{forum.id}", body)
    assert changed.status == 200
    assert len(forum.tags) == 20
    assert changed.body["available_tags"][0]["name"] == "chaud"


async def test_a_private_thread_is_seen_by_its_members_and_moderators(
    server: Server, rest: Rest, alice: Person, bot: Bot
) -> None:
    general, bob = server.text("général"), server.person("bob")
    thread = await alice.open_thread(general, "Entre nous", private=True)
    await alice.say(thread, "Secret")
    assert bob.sees(thread) == []
    assert [each.content for each in server.owner.sees(thread)] == ["Secret"]
    assert (await rest.say(thread.id)).refused == (403, 50001)
    assert (await rest("GET", f"/guilds/{server.id}/threads/active")).body["threads"] == []
    await alice.add(thread, bot)
    assert (await rest.say(thread.id)).status == 200
    active = (await rest("GET", f"/guilds/{server.id}/threads/active")).body
    assert [each["id"] for each in active["threads"]] == [str(thread.id)]
    assert [each["user_id"] for each in active["members"]] == [str(bot.id)]


async def test_archived_posts_are_listed_latest_first_in_pages(
    server: Server, discord: Discord, rest: Rest, forum: Channel, alice: Person
) -> None:
    posts = [await alice.post(forum, f"n° {number}", "x") for number in range(5)]
    for post in posts:
        discord.clock.advance(1)
        await server.owner.change(post, archived=True)
    path = f"/channels/{forum.id}/threads/archived/public"
    first = (await rest("GET", f"{path}?limit=3")).body
    assert [each["name"] for each in first["threads"]] == ["n° 4", "n° 3", "n° 2"]
    assert first["has_more"]
    last = first["threads"][-1]["thread_metadata"]["archive_timestamp"].replace("+", "%2B")
    rest_of_it = (await rest("GET", f"{path}?before={last}")).body
    assert [each["name"] for each in rest_of_it["threads"]] == ["n° 1", "n° 0"]


async def test_a_thread_under_a_message_begins_with_a_reference_to_it(
    rest: Rest, server: Server, alice: Person
) -> None:
    general = server.text("général")
    message = await alice.say(general, "Une question")
    path = f"/channels/{general.id}/messages/{message.id}"
    started = await rest("POST", f"{path}/threads", {"name": "Réponse"})
    assert started.body["id"] == str(message.id)
    assert (await rest("POST", f"{path}/threads", {"name": "x"})).refused == (400, 160004)
    first = (await rest("GET", f"/channels/{message.id}/messages")).body[0]
    assert (first["type"], first["content"]) == (21, "")
    assert first["referenced_message"]["content"] == "Une question"
    assert (await rest("GET", path)).body["thread"]["name"] == "Réponse"


async def test_a_new_title_is_told_by_a_message_that_is_no_question(
    forum: Channel, alice: Person
) -> None:
    post = await alice.post(forum, "Froid", "x")
    await alice.change(post, name="Très froid")
    assert [(each.kind, each.content) for each in post.history()] == [(0, "x"), (4, "Très froid")]


async def test_a_starter_may_come_first_or_much_later(
    rest: Rest, forum: Channel, alice: Person
) -> None:
    first = await alice.post(forum, "Froid", "x", starter="first")
    assert [each.id for each in first.history()] == [first.id]
    late = await alice.post(forum, "Chaud", starter="missing")
    assert late.history() == []
    assert (await rest.say(late.id)).refused == (403, 40058)
    assert (await rest("GET", f"/channels/{late.id}/messages/{late.id}")).refused == (404, 10008)
    starter = await alice.start(late, "La question")
    assert (await rest.say(late.id)).status == 200
    await alice.delete(starter)
    assert (await rest.say(late.id)).status == 200


async def test_a_required_tag_is_required(server: Server, rest: Rest, alice: Person) -> None:
    forum = server.forum("strict", tags=["a"], require_tag=True)
    with pytest.raises(Refusal, match="FORUM_TAG_REQUIRED"):
        await alice.post(forum, "Froid", "x")
    body = {"name": "Annonce", "message": {"content": "x"}, "applied_tags": [str(forum.tags[0].id)]}
    assert (await rest("POST", f"/channels/{forum.id}/threads", body)).status == 200
