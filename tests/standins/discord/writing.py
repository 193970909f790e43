"""Messages come to be, change and go; each time the bots are told."""

from tests.standins.discord import components, drafts, embeds, payloads
from tests.standins.discord.drafts import Draft
from tests.standins.discord.errors import Refusal
from tests.standins.discord.mentions import mention
from tests.standins.discord.permissions import Permissions as P, may, permissions
from tests.standins.discord.state import (
    CATEGORY,
    DM,
    FORUM,
    LOADING,
    REPLY,
    Attachment,
    Channel,
    Json,
    Message,
    Thread,
    User,
    Version,
)
from tests.standins.discord.world import World

NONCE_S = 300.0  # "the past few minutes"
EDITABLE_FLAGS = 1 << 2 | 1 << 15


def check_sending(world: World, user: User, channel: Channel, draft: Draft) -> None:
    """Raises Refusal: 40058, 50001, 50007, 50008, 50013, 50083, 160002, 160005."""
    if channel.kind in (FORUM, CATEGORY):
        raise Refusal(50008)
    allowed = permissions(user, channel)
    if P.VIEW_CHANNEL not in allowed:
        raise Refusal(50001)
    if channel.kind == DM and any(each.id in world.refuse_direct for each in channel.recipients):
        raise Refusal(50007)
    wanted = P.SEND_MESSAGES_IN_THREADS if isinstance(channel, Thread) else P.SEND_MESSAGES
    wanted |= P.EMBED_LINKS if draft.embeds else P(0)
    wanted |= P.ATTACH_FILES if draft.attachments else P(0)
    if wanted not in allowed:
        raise Refusal(50013)
    if isinstance(channel, Thread) and channel.locked and P.MANAGE_THREADS not in allowed:
        raise Refusal(50083 if channel.archived else 160005)
    if isinstance(channel, Thread) and not channel.started:
        raise Refusal(40058)
    if draft.reference and P.READ_MESSAGE_HISTORY not in allowed:
        raise Refusal(160002)


def _replied(channel: Channel, reference: Json | None) -> int | None:
    """Raises Refusal 50035 when the message is not there and must be."""
    if not reference:
        return None
    message_id = int(reference["message_id"])
    found = channel.messages.get(message_id)
    if found and not found.ephemeral:
        return message_id
    if reference.get("fail_if_not_exists", True):
        wrong = {"code": "REPLIES_UNKNOWN_MESSAGE", "message": "Unknown message"}
        raise Refusal(50035, {"message_reference": {"_errors": [wrong]}})
    return None


def create(
    world: World, channel: Channel, author: User, draft: Draft, *, starter: bool = False
) -> Message:
    """Writes a message and tells it. `starter`: with the thread's own id."""
    if isinstance(channel, Thread):
        channel.started |= starter
    if twin := _twin(world, channel, author, draft):
        return twin
    reference = _replied(channel, draft.reference)
    message = Message(
        id=channel.id if starter else world.ids.new(),
        channel=channel,
        author=author,
        created_at=world.clock.now(),
        reference=reference,
        kind=REPLY if reference else 0,
    )
    fill(message, draft)
    mention(message, draft.allowed_mentions)
    keep(world, message, draft)
    world.tell_message("MESSAGE_CREATE", message)
    return message


def fill(message: Message, draft: Draft) -> None:
    message.content, message.embeds = draft.content, draft.embeds
    message.components, message.attachments = draft.components, draft.attachments
    message.flags, message.nonce = message.flags | draft.flags, draft.nonce
    version(message, message.created_at)


def version(message: Message, at: float) -> None:
    message.versions.append(Version(at, message.content, message.embeds))


def note(
    world: World,
    channel: Channel,
    user: User,
    kind: int,
    content: str = "",
    *,
    reference: int | None = None,
    opened: Thread | None = None,
) -> None:
    """Discord itself writes, in somebody's name: that a thread began, or has another name."""
    now = world.clock.now()
    key = world.ids.new()
    message = Message(key, channel, user, now, content, kind, reference=reference, opened=opened)
    version(message, now)
    place(message)
    world.tell_message("MESSAGE_CREATE", message)


def place(message: Message) -> None:
    channel = message.channel
    channel.messages[message.id] = message
    channel.last_message_id = max(channel.last_message_id or 0, message.id)


def keep(world: World, message: Message, draft: Draft) -> None:
    """Puts it into its channel; a thread wakes up, its writer and those who are mentioned join."""
    channel = message.channel
    place(message)
    if draft.nonce is not None:
        key = (message.author.id, str(draft.nonce))
        channel.nonces[key] = (message.created_at, message)
    if isinstance(channel, Thread) and not message.ephemeral:
        _in_thread(world, channel, message)


def _in_thread(world: World, thread: Thread, message: Message) -> None:
    thread.written += message.id != thread.id
    if thread.archived:
        thread.archived, thread.archive_changed_at = False, world.clock.now()
        world.tell_thread("THREAD_UPDATE", thread)
    for user in (message.author, *message.mentions):
        join(world, thread, user)


def join(world: World, thread: Thread, user: User) -> None:
    """A bot that joins is told of the thread once more, now as its member."""
    guild, bot = thread.guild, world.bot_of(user)
    assert guild
    if user.id in thread.members or user.id not in guild.members:
        return
    thread.members[user.id] = world.clock.now()
    if bot:
        whole = payloads.thread(thread, user)
        world.dispatch("THREAD_CREATE", lambda _: whole, guild=guild, only=[bot])
    joined = payloads.thread_member(thread, user.id)
    body = {
        "id": str(thread.id),
        "guild_id": str(guild.id),
        "member_count": min(len(thread.members), 50),
        "added_members": [joined | {"member": payloads.member(guild.members[user.id])}],
    }
    world.dispatch("THREAD_MEMBERS_UPDATE", lambda _: body, channel=thread)
    world.tell_itself(user, "THREAD_MEMBERS_UPDATE", body)


def _twin(world: World, channel: Channel, author: User, draft: Draft) -> Message | None:
    """The message that was made with the same nonce, when the sender asked for it."""
    if not draft.enforce_nonce or draft.nonce is None:
        return None
    made_at, message = channel.nonces.get((author.id, str(draft.nonce)), (0.0, None))
    return message if world.clock.now() - made_at < NONCE_S else None


def edit(
    world: World, message: Message, body: Json, attachments: list[Attachment] | None = None
) -> None:
    """What `body` names is replaced. Raises Refusal 50006, 50035, 50083."""
    drafts.check(body, message.flags)
    check_awake(message.channel)
    changed = Draft(
        content=drafts.stripped(body["content"]) if "content" in body else message.content,
        embeds=message.embeds,
        components=message.components,
        attachments=message.attachments if attachments is None else attachments,
    )
    if "embeds" in body:
        changed.embeds = [embeds.stored(each) for each in body["embeds"] or []]
    if "components" in body:
        changed.components = components.stored(body["components"] or [])
    if changed.empty:
        raise Refusal(50006)
    settable = (body.get("flags") or 0) & EDITABLE_FLAGS
    message.flags = message.flags & ~LOADING | settable
    message.content, message.embeds = changed.content, changed.embeds
    message.components, message.attachments = changed.components, changed.attachments
    message.edited_at = world.clock.now()
    version(message, message.edited_at)
    mention(message, body.get("allowed_mentions"), notify=False)
    world.tell_message("MESSAGE_UPDATE", message)


def delete(world: World, message: Message) -> None:
    """Raises Refusal 50083."""
    channel = message.channel
    check_awake(channel)
    del channel.messages[message.id]
    if message.ephemeral:
        world.changed()
        return
    body = {"id": str(message.id), "channel_id": str(channel.id)}
    body |= {"guild_id": str(channel.guild.id)} if channel.guild else {}
    world.dispatch("MESSAGE_DELETE", lambda _: body, channel=channel)


def react(world: World, message: Message, user: User, emoji: str, *, add: bool = True) -> None:
    """Raises Refusal 10014, 50001, 50013, 50083."""
    check_awake(message.channel)
    allowed = permissions(user, message.channel)
    if P.VIEW_CHANNEL | P.READ_MESSAGE_HISTORY not in allowed:
        raise Refusal(50001)
    if add and emoji not in message.reactions and P.ADD_REACTIONS not in allowed:
        raise Refusal(50013)
    if not emoji or emoji.isascii():
        raise Refusal(10014)
    who = message.reactions.get(emoji, set())
    if (user.id in who) == add:
        return
    message.reactions[emoji] = who ^ {user.id}
    if not message.reactions[emoji]:
        del message.reactions[emoji]
    world.dispatch(
        "MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE",
        lambda _: _reaction_event(message, user, emoji, add=add),
        channel=message.channel,
    )


def _reaction_event(message: Message, user: User, emoji: str, *, add: bool) -> Json:
    guild = message.channel.guild
    body: Json = {
        "user_id": str(user.id),
        "channel_id": str(message.channel.id),
        "message_id": str(message.id),
        "emoji": {"id": None, "name": emoji},
        "burst": False,
        "type": 0,
    }
    if add:
        body["message_author_id"] = str(message.author.id)
    if guild:
        body["guild_id"] = str(guild.id)
        if add:
            body["member"] = payloads.member(guild.members[user.id])
    return body


def check_awake(channel: Channel) -> None:
    """Nothing is changed in an archived thread. Raises Refusal 50083."""
    if isinstance(channel, Thread) and channel.archived:
        raise Refusal(50083)


def find(channel: Channel, message_id: int) -> Message:
    """Raises Refusal 10008; what is ephemeral is not found here."""
    message = channel.messages.get(message_id)
    if message is None or message.ephemeral:
        raise Refusal(10008)
    return message


def check_seeing(user: User, channel: Channel) -> None:
    if not may(user, channel, P.VIEW_CHANNEL):
        raise Refusal(50001)
