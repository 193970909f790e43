"""Messages and reactions. https://docs.discord.com/developers/resources/message"""

from typing import Any

from tests.standins.discord import drafts, payloads, writing
from tests.standins.discord.calls import Call
from tests.standins.discord.errors import Refusal
from tests.standins.discord.permissions import Permissions as P, may, permissions
from tests.standins.discord.routes import Routes
from tests.standins.discord.routes.finding import attachments, channel_of
from tests.standins.discord.state import Channel, Message, Thread
from tests.standins.discord.world import World

MOST = 100


def create(world: World, call: Call) -> Any:
    channel, bot = channel_of(world, call), call.sender
    draft = drafts.draft(call.body, attachments(world, call))
    writing.check_sending(world, bot.user, channel, draft)
    return payloads.message(writing.create(world, channel, bot.user, draft), bot.reads)


def get_one(world: World, call: Call) -> Any:
    message = _message(world, call)
    if not may(call.sender.user, message.channel, P.READ_MESSAGE_HISTORY):
        raise Refusal(50001)
    return payloads.message(message, call.sender.reads)


def get_many(world: World, call: Call) -> Any:
    """The newest first; none without READ_MESSAGE_HISTORY."""
    channel, bot = channel_of(world, call), call.sender
    writing.check_seeing(bot.user, channel)
    limit = call.number("limit", 50, 1, MOST)
    if P.READ_MESSAGE_HISTORY not in permissions(bot.user, channel):
        return []
    found = _page(channel, call.query, limit)
    return [payloads.message(each, bot.reads) for each in reversed(found)]


def _page(channel: Channel, query: dict[str, str], limit: int) -> list[Message]:
    everything = [each for each in channel.history() if not each.ephemeral]
    if around := query.get("around"):
        before = [each for each in everything if each.id < int(around)]
        rest = [each for each in everything if each.id >= int(around)]
        half = limit // 2
        return before[max(len(before) - half, 0) :] + rest[: half + 1]
    if after_id := query.get("after"):
        return [each for each in everything if each.id > int(after_id)][:limit]
    if before_id := query.get("before"):
        return [each for each in everything if each.id < int(before_id)][-limit:]
    return everything[-limit:]


def edit(world: World, call: Call) -> Any:
    message, bot = _message(world, call), call.sender
    if message.author is not bot.user:
        raise Refusal(50005)
    files = attachments(world, call, message.attachments)
    writing.edit(world, message, call.body, files)
    return payloads.message(message, bot.reads)


def delete(world: World, call: Call) -> None:
    message, bot = _message(world, call), call.sender
    own = message.author is bot.user
    if not own and not may(bot.user, message.channel, P.MANAGE_MESSAGES):
        raise Refusal(50013)
    writing.delete(world, message)


def react(world: World, call: Call) -> None:
    message = _message(world, call)
    writing.react(world, message, call.sender.user, call.ids["emoji"])


def take_back(world: World, call: Call) -> None:
    message = _message(world, call)
    writing.react(world, message, call.sender.user, call.ids["emoji"], add=False)


def typing(world: World, call: Call) -> None:
    channel, bot = channel_of(world, call), call.sender
    writing.check_seeing(bot.user, channel)
    thread = isinstance(channel, Thread)
    wanted = P.SEND_MESSAGES_IN_THREADS if thread else P.SEND_MESSAGES
    if not may(bot.user, channel, wanted):
        raise Refusal(50013)
    body = {"channel_id": str(channel.id), "user_id": str(bot.id)}
    body["timestamp"] = int(world.clock.now())  # type: ignore[assignment]
    world.dispatch("TYPING_START", lambda _: body, channel=channel)


def _message(world: World, call: Call) -> Message:
    channel = channel_of(world, call)
    writing.check_seeing(call.sender.user, channel)
    return writing.find(channel, call.id("message"))


_MESSAGE = "/channels/{channel}/messages/{message}"
ROUTES: Routes = {
    ("POST", "/channels/{channel}/messages"): create,
    ("GET", "/channels/{channel}/messages"): get_many,
    ("GET", _MESSAGE): get_one,
    ("PATCH", _MESSAGE): edit,
    ("DELETE", _MESSAGE): delete,
    ("PUT", f"{_MESSAGE}/reactions/{{emoji}}/@me"): react,
    ("DELETE", f"{_MESSAGE}/reactions/{{emoji}}/@me"): take_back,
    ("POST", "/channels/{channel}/typing"): typing,
}
