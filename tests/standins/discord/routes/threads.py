"""Channels and threads. https://docs.discord.com/developers/resources/channel"""

from typing import Any

from tests.standins.discord import drafts, payloads, threads, writing
from tests.standins.discord.calls import Call
from tests.standins.discord.clock import iso
from tests.standins.discord.errors import Form, Refusal
from tests.standins.discord.permissions import Permissions as P, may
from tests.standins.discord.routes import Routes
from tests.standins.discord.routes.finding import attachments, channel_of, guild_of, thread_of
from tests.standins.discord.state import FORUM, PRIVATE_THREAD, PUBLIC_THREAD, Channel, Tag, Thread
from tests.standins.discord.world import World


def get(world: World, call: Call) -> Any:
    channel = channel_of(world, call)
    writing.check_seeing(call.sender.user, channel)
    if isinstance(channel, Thread):
        return payloads.thread(channel, call.sender.user)
    return payloads.channel(channel)


def edit(world: World, call: Call) -> Any:
    channel = channel_of(world, call)
    if isinstance(channel, Thread):
        threads.edit(world, channel, call.sender.user, call.body)
        return payloads.thread(channel, call.sender.user)
    writing.check_seeing(call.sender.user, channel)
    if not may(call.sender.user, channel, P.MANAGE_CHANNELS):
        raise Refusal(50013)
    channel.name = call.body.get("name", channel.name)
    channel.topic = call.body.get("topic", channel.topic)
    if "available_tags" in call.body:
        channel.tags = _tags(world, channel, call.body["available_tags"])
    body = payloads.channel(channel)
    world.dispatch("CHANNEL_UPDATE", lambda _: body, channel=channel)
    return body


def _tags(world: World, channel: Channel, wanted: list[dict[str, Any]]) -> list[Tag]:
    """Those with an id are changed, those without are new."""
    form = Form()
    form.length("available_tags", wanted, threads.MOST_TAGS)
    for number, entry in enumerate(wanted):
        form.length(f"available_tags.{number}.name", entry.get("name"), 20, 1)
    form.check()
    known = {str(tag.id) for tag in channel.tags}
    return [
        Tag(
            int(entry["id"]) if str(entry.get("id")) in known else world.ids.new(),
            entry["name"],
            bool(entry.get("moderated")),
        )
        for entry in wanted
    ]


def delete(world: World, call: Call) -> Any:
    thread = thread_of(world, call)
    if not may(call.sender.user, thread, P.MANAGE_THREADS):
        raise Refusal(50013)
    threads.delete(world, thread)
    return payloads.thread(thread)


def start(world: World, call: Call) -> Any:
    """A post in a forum, with its first message; or a thread without one in a channel."""
    parent, bot = channel_of(world, call), call.sender
    if parent.kind != FORUM:
        kind = call.body.get("type") or PRIVATE_THREAD
        return payloads.thread(threads.opened(world, parent, bot.user, call.body, kind), bot.user)
    body = call.body.get("message") or {}
    uploads = Call(call.method, call.path, call.at, body=body, files=call.files)
    draft = drafts.draft(body, attachments(world, uploads))
    thread = threads.make(world, parent, bot.user, call.body)
    threads.tell_new(world, thread)
    message = writing.create(world, thread, bot.user, draft, starter=True)
    return payloads.thread(thread, bot.user) | {"message": payloads.message(message)}


def start_from_message(world: World, call: Call) -> Any:
    """The thread has the message's id."""
    parent, bot = channel_of(world, call), call.sender
    writing.check_seeing(bot.user, parent)
    message = writing.find(parent, call.id("message"))
    if message.thread:
        raise Refusal(160004)
    if isinstance(parent, Thread) or parent.guild is None:
        raise Refusal(50024)
    return payloads.thread(threads.from_message(world, message, bot.user, call.body), bot.user)


def active(world: World, call: Call) -> Any:
    guild, viewer = guild_of(world, call), call.sender.user
    found = [each for each in guild.threads.values() if not each.archived]
    return threads.listed([each for each in found if may(viewer, each, P.VIEW_CHANNEL)], viewer)


def archived_public(world: World, call: Call) -> Any:
    """The latest archived first, before a moment (ISO 8601)."""
    parent, viewer = channel_of(world, call), call.sender.user
    writing.check_seeing(viewer, parent)
    if parent.guild is None or not may(viewer, parent, P.READ_MESSAGE_HISTORY):
        raise Refusal(50001)
    limit = call.number("limit", 50, 2, 100)
    before = call.query.get("before", "~").replace("Z", "+00:00").replace(" ", "+")
    found = [
        each
        for each in parent.guild.threads.values()
        if each.archived and each.parent is parent and each.kind == PUBLIC_THREAD
        if iso(each.archive_changed_at) < before
    ]
    found.sort(key=lambda thread: thread.archive_changed_at, reverse=True)
    return threads.listed(found[:limit], viewer, has_more=len(found) > limit)


def join(world: World, call: Call) -> None:
    thread, user = thread_of(world, call), call.sender.user
    writing.check_seeing(user, thread)
    if thread.archived:
        raise Refusal(50083)
    writing.join(world, thread, user)


def leave(world: World, call: Call) -> None:
    thread = thread_of(world, call)
    if thread.archived:
        raise Refusal(50083)
    thread.members.pop(call.sender.id, None)


def members(world: World, call: Call) -> Any:
    thread = thread_of(world, call)
    writing.check_seeing(call.sender.user, thread)
    return [payloads.thread_member(thread, each) for each in thread.members]


def member(world: World, call: Call) -> Any:
    """One of them: unlike all of them, this needs no privileged intent. Raises Refusal 10007."""
    thread = thread_of(world, call)
    writing.check_seeing(call.sender.user, thread)
    if call.id("user") not in thread.members:
        raise Refusal(10007)
    return payloads.thread_member(thread, call.id("user"))


_CHANNEL = "/channels/{channel}"
ROUTES: Routes = {
    ("GET", _CHANNEL): get,
    ("PATCH", _CHANNEL): edit,
    ("DELETE", _CHANNEL): delete,
    ("POST", f"{_CHANNEL}/threads"): start,
    ("POST", f"{_CHANNEL}/messages/{{message}}/threads"): start_from_message,
    ("GET", f"{_CHANNEL}/threads/archived/public"): archived_public,
    ("GET", "/guilds/{guild}/threads/active"): active,
    ("PUT", f"{_CHANNEL}/thread-members/@me"): join,
    ("DELETE", f"{_CHANNEL}/thread-members/@me"): leave,
    ("GET", f"{_CHANNEL}/thread-members"): members,
    ("GET", f"{_CHANNEL}/thread-members/{{user}}"): member,
}
