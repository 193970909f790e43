"""What a path or a body names."""

from tests.standins.discord.calls import Call
from tests.standins.discord.errors import Refusal
from tests.standins.discord.state import Attachment, Channel, Guild, Thread
from tests.standins.discord.world import World


def channel_of(world: World, call: Call) -> Channel:
    """Raises Refusal 10003, for one of another server too: 50001."""
    channel = world.channels.get(call.id("channel"))
    if channel is None:
        raise Refusal(10003)
    if channel.guild and call.sender.id not in channel.guild.members:
        raise Refusal(50001)
    return channel


def thread_of(world: World, call: Call) -> Thread:
    channel = channel_of(world, call)
    if not isinstance(channel, Thread):
        raise Refusal(50024)
    return channel


def guild_of(world: World, call: Call) -> Guild:
    """A server that the bot is in. Raises Refusal 10004."""
    guild = world.guilds.get(call.id("guild"))
    if guild is None or call.sender.id not in guild.members:
        raise Refusal(10004)
    return guild


def attachments(world: World, call: Call, old: list[Attachment] | None = None) -> list[Attachment]:
    """The old ones that stay, then the uploads of this call. Raises Refusal 40005."""
    if any(len(each.data) > world.file_limit for each in call.files):
        raise Refusal(40005)
    named = call.body.get("attachments")
    told = {str(each.get("id")): each for each in named or []}
    staying = [each for each in old or [] if named is None or str(each.id) in told]
    new = []
    for upload in call.files:
        entry = told.get(str(upload.number), {})
        name = entry.get("filename") or upload.filename
        description = entry.get("description")
        new.append(world.keep_file(name, upload.data, upload.content_type, description))
    return staying + new
