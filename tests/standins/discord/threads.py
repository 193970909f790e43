"""Threads and posts come to be and change.

https://docs.discord.com/developers/topics/threads, …/resources/channel#modify-channel
"""

from tests.standins.discord import payloads, writing
from tests.standins.discord.errors import Form, Refusal
from tests.standins.discord.permissions import Permissions as P, permissions
from tests.standins.discord.state import (
    FORUM,
    NAME_CHANGE,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    THREAD_CREATED,
    THREAD_STARTER,
    Channel,
    Json,
    Message,
    Tag,
    Thread,
    User,
)
from tests.standins.discord.world import World

ARCHIVE_MINUTES = (60, 1440, 4320, 10080)
MOST_APPLIED, MOST_TAGS = 5, 20


def check(body: Json, *, new: bool = False) -> None:
    """Raises Refusal 50035."""
    form = Form()
    if new or "name" in body:
        form.length("name", body.get("name"), 100, 1)
    if body.get("auto_archive_duration") is not None:
        minutes = body["auto_archive_duration"]
        form.choice("auto_archive_duration", minutes, ARCHIVE_MINUTES)
    form.length("applied_tags", body.get("applied_tags"), MOST_APPLIED)
    form.check()


def make(
    world: World, parent: Channel, owner: User, body: Json, *, thread_id: int = 0, kind: int = 0
) -> Thread:
    """Not yet told. Raises Refusal 50001, 50013, 50035."""
    kind = kind or PUBLIC_THREAD
    check(body, new=True)
    _check_making(owner, parent, kind)
    now = world.clock.now()
    thread = Thread(
        id=thread_id or world.ids.new(),
        kind=kind,
        name=body["name"],
        guild=parent.guild,
        parent=parent,
        owner=owner,
        created_at=now,
        archive_changed_at=now,
        auto_archive_minutes=body.get("auto_archive_duration") or 4320,
        applied=tags(parent, owner, body.get("applied_tags") or [], []),
        members={owner.id: now},
    )
    assert parent.guild
    parent.guild.threads[thread.id] = world.channels[thread.id] = thread
    if parent.kind == FORUM:
        thread.started = False
        parent.last_message_id = thread.id
    return thread


def _check_making(owner: User, parent: Channel, kind: int) -> None:
    allowed = permissions(owner, parent)
    if P.VIEW_CHANNEL not in allowed:
        raise Refusal(50001)
    wanted = P.CREATE_PRIVATE_THREADS if kind == PRIVATE_THREAD else P.CREATE_PUBLIC_THREADS
    if (P.SEND_MESSAGES if parent.kind == FORUM else wanted) not in allowed:
        raise Refusal(50013)


def tags(parent: Channel, user: User, wanted: list[object], old: list[Tag]) -> list[Tag]:
    """Raises Refusal: 50035 for one that the forum lacks, 50013 for a moderated one."""
    known = {str(tag.id): tag for tag in parent.tags}
    form = Form()
    for number, each in enumerate(wanted):
        right, message = str(each) in known, "Unknown tag"
        form.require(right, f"applied_tags.{number}", "FORUM_TAG_UNKNOWN", message)
    if parent.require_tag and not wanted:
        message = "A tag is required to create a forum post in this channel"
        form.wrong("applied_tags", "FORUM_TAG_REQUIRED", message)
    form.check()
    found = [known[str(each)] for each in wanted]
    touched = {*found} ^ {*old}
    moderates = P.MANAGE_THREADS in permissions(user, parent)
    if not moderates and any(tag.moderated for tag in touched):
        raise Refusal(50013)
    return found


def from_message(world: World, message: Message, owner: User, body: Json) -> Thread:
    """With the message's id; it begins with a message without text, that refers to it."""
    thread = make(world, message.channel, owner, body, thread_id=message.id)
    message.thread = thread
    tell_new(world, thread)
    world.tell_message("MESSAGE_UPDATE", message)
    writing.note(world, thread, message.author, THREAD_STARTER, reference=message.id)
    return thread


def opened(world: World, parent: Channel, owner: User, body: Json, kind: int) -> Thread:
    """Without a message; in the channel Discord tells of one that is not private."""
    thread = make(world, parent, owner, body, kind=kind)
    tell_new(world, thread)
    if not thread.private:
        writing.note(world, parent, owner, THREAD_CREATED, thread.name, opened=thread)
    return thread


def edit(world: World, thread: Thread, user: User, body: Json) -> None:
    """Raises Refusal 50001, 50013, 50035, 50083: what is archived is first unarchived."""
    check(body)
    _check_editing(thread, user, body)
    if "applied_tags" in body:
        assert thread.parent
        thread.applied = tags(thread.parent, user, body["applied_tags"] or [], thread.applied)
    if thread.archived != body.get("archived", thread.archived):
        thread.archived, thread.archive_changed_at = body["archived"], world.clock.now()
    renamed = body.get("name", thread.name) != thread.name
    thread.name = body.get("name", thread.name)
    thread.locked = body.get("locked", thread.locked)
    thread.slowmode = body.get("rate_limit_per_user", thread.slowmode)
    minutes = body.get("auto_archive_duration")
    thread.auto_archive_minutes = minutes or thread.auto_archive_minutes
    world.tell_thread("THREAD_UPDATE", thread)
    if renamed:
        writing.note(world, thread, user, NAME_CHANGE, thread.name)


def _check_editing(thread: Thread, user: User, body: Json) -> None:
    allowed = permissions(user, thread)
    if P.VIEW_CHANNEL not in allowed:
        raise Refusal(50001)
    stays_archived = thread.archived and body.get("archived") is not False
    if stays_archived and body.keys() - {"archived"}:
        raise Refusal(50083)
    if P.MANAGE_THREADS in allowed:
        return
    unarchiving = thread.archived and body.keys() == {"archived"}
    if unarchiving and not thread.locked and P.SEND_MESSAGES_IN_THREADS in allowed:
        return
    theirs = {"name", "archived", "locked", "auto_archive_duration", "applied_tags"}
    if thread.owner is not user or thread.locked or body.keys() - theirs:
        raise Refusal(50013)


def delete(world: World, thread: Thread) -> None:
    assert thread.guild
    assert thread.parent
    body = {
        "id": str(thread.id),
        "guild_id": str(thread.guild.id),
        "parent_id": str(thread.parent.id),
        "type": thread.kind,
    }
    world.dispatch("THREAD_DELETE", lambda _: body, channel=thread)
    del thread.guild.threads[thread.id], world.channels[thread.id]
    world.changed()


def tell_new(world: World, thread: Thread) -> None:
    world.tell_thread("THREAD_CREATE", thread, newly_created=True)


def listed(found: list[Thread], viewer: User, *, has_more: bool | None = None) -> Json:
    """The answer of the routes that list threads."""
    members = [
        payloads.thread_member(thread, viewer.id) for thread in found if viewer.id in thread.members
    ]
    body: Json = {"threads": [payloads.thread(each, viewer) for each in found], "members": members}
    return body if has_more is None else body | {"has_more": has_more}
