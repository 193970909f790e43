"""What a person does, with the rights that they have: everything here may raise Refusal."""

from collections.abc import Sequence
from typing import Any, Literal

from tests.standins.discord import asking, drafts, threads, writing
from tests.standins.discord.asking import NotOffered
from tests.standins.discord.bots import Bot
from tests.standins.discord.errors import Refusal
from tests.standins.discord.interactions import (
    AUTOCOMPLETE,
    COMMAND,
    COMPONENT,
    MODAL_SUBMIT,
    Interaction as Asked,
)
from tests.standins.discord.permissions import Permissions as P, may, permissions
from tests.standins.discord.state import (
    FORUM,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    RECIPIENT_ADD,
    SUPPRESS_NOTIFICATIONS,
    Attachment,
    Channel,
    Json,
    Message,
    Tag,
    Thread,
    User,
    Version,
    walk,
)
from tests.standins.discord.world import World

type File = tuple[str, bytes] | tuple[str, bytes, str]
type Starter = Literal["after", "first", "missing"]


class Person:
    """Somebody; in which servers they are is the servers' affair."""

    def __init__(self, world: World, user: User) -> None:
        self.world, self.user = world, user

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def mention(self) -> str:
        return self.user.mention

    def file(self, name: str, data: bytes, content_type: str = "") -> Attachment:
        return self.world.keep_file(name, data, content_type or _media_type(name))

    async def say(
        self,
        channel: Channel,
        content: str,
        *,
        reply_to: Message | None = None,
        files: Sequence[File] = (),
        ping: bool = True,
        silent: bool = False,
    ) -> Message:
        """`ping`: whether the one replied to is mentioned, as Discord's own switch."""
        draft = self._draft(content, files)
        draft.flags |= SUPPRESS_NOTIFICATIONS if silent else 0
        if reply_to:
            draft.reference = {"message_id": str(reply_to.id)}
            parse = ["users", "roles", "everyone"]
            draft.allowed_mentions = {"parse": parse, "replied_user": ping}
        writing.check_sending(self.world, self.user, channel, draft)
        return writing.create(self.world, channel, self.user, draft)

    def said(self, channel: Channel, content: str, *, at: float | None = None) -> Message:
        """In the past (seconds since 1970), told to nobody: for channels with a history."""
        at = self.world.clock.now() if at is None else at
        key = self.world.ids.new(at)
        message = Message(key, channel, self.user, at, content, versions=[Version(at, content, [])])
        writing.place(message)
        if isinstance(channel, Thread):
            channel.written += 1
        return message

    async def post(
        self,
        forum: Channel,
        title: str,
        content: str = "",
        *,
        tags: Sequence[str] = (),
        files: Sequence[File] = (),
        starter: Starter = "after",
    ) -> Thread:
        """A post in a forum. Its first message comes after the thread, before it, or not yet."""
        assert forum.kind == FORUM
        wanted = [str(tag.id) for tag in _tags(forum, tags)]
        body = {"name": title, "applied_tags": wanted}
        thread = threads.make(self.world, forum, self.user, body)
        if starter == "first":
            await self.start(thread, content, files=files)
        threads.tell_new(self.world, thread)
        if starter == "after":
            await self.start(thread, content, files=files)
        return thread

    async def start(self, thread: Thread, content: str, *, files: Sequence[File] = ()) -> Message:
        """The first message of a post that was opened without."""
        draft = self._draft(content, files)
        return writing.create(self.world, thread, self.user, draft, starter=True)

    async def thread(self, message: Message, name: str) -> Thread:
        """Under a message."""
        return threads.from_message(self.world, message, self.user, {"name": name})

    async def open_thread(self, channel: Channel, name: str, *, private: bool = False) -> Thread:
        """Without a message."""
        kind = PRIVATE_THREAD if private else PUBLIC_THREAD
        return threads.opened(self.world, channel, self.user, {"name": name}, kind)

    async def add(self, thread: Thread, who: "Person | Bot") -> None:
        """To a thread, which may be private."""
        if not may(self.user, thread, P.VIEW_CHANNEL):
            raise Refusal(50001)
        writing.join(self.world, thread, who.user)
        writing.note(self.world, thread, self.user, RECIPIENT_ADD)

    async def direct(self, bot: Bot, content: str, *, files: Sequence[File] = ()) -> Message:
        """A direct message."""
        return await self.say(self.world.direct(bot, self.user), content, files=files)

    async def edit(self, message: Message, content: str) -> None:
        if message.author is not self.user:
            raise Refusal(50005)
        writing.edit(self.world, message, {"content": content})

    async def delete(self, message: Message) -> None:
        own = message.author is self.user
        if not own and not may(self.user, message.channel, P.MANAGE_MESSAGES):
            raise Refusal(50013)
        writing.delete(self.world, message)

    async def react(self, message: Message, emoji: str, *, add: bool = True) -> None:
        writing.react(self.world, message, self.user, emoji, add=add)

    async def change(self, thread: Thread, **body: Any) -> None:
        """`archived`, `locked`, `name`, `applied_tags` (ids), as in the API."""
        threads.edit(self.world, thread, self.user, body)

    async def tag(self, thread: Thread, *names: str) -> None:
        """Exactly these."""
        assert thread.parent
        tags = [str(tag.id) for tag in _tags(thread.parent, names)]
        await self.change(thread, applied_tags=tags)

    async def remove(self, thread: Thread) -> None:
        if not may(self.user, thread, P.MANAGE_THREADS):
            raise Refusal(50013)
        threads.delete(self.world, thread)

    async def command(
        self,
        bot: Bot,
        name: str,
        channel: Channel,
        /,
        **values: Any,
    ) -> Asked:
        """Runs `/name`, or `/name sub-command`. Raises NotOffered when Discord would not let them.

        A value is a str, int, float or bool, a Person, User, Bot, Channel, Role or Attachment.
        """
        if not may(self.user, channel, P.USE_APPLICATION_COMMANDS):
            raise NotOffered(f"{self.name} may not use commands here")
        plain = {key: _plain(value) for key, value in values.items()}
        data = asking.command_data(bot, self.user, channel, name, plain)
        return asking.ask(self.world, bot, self.user, channel, COMMAND, data)

    async def complete(
        self, bot: Bot, name: str, channel: Channel, /, focused: str, **values: Any
    ) -> Asked:
        """Types into the option `focused` of a command; the answer is in `choices`."""
        values.setdefault(focused, "")
        data = asking.command_data(bot, self.user, channel, name, values, partial=True)
        options = data["options"]
        while options and "options" in options[0]:
            options = options[0]["options"]
        next(each for each in options if each["name"] == focused)["focused"] = True
        return asking.ask(self.world, bot, self.user, channel, AUTOCOMPLETE, data)

    async def click(self, message: Message, button: str) -> Asked:
        """Named by its custom id, its label or its emoji."""
        component = _component(message, button)
        return await self._use(message, asking.component_data(component))

    async def choose(self, message: Message, select: str, *values: str) -> Asked:
        """In a menu, named by its custom id."""
        component = _component(message, select)
        return await self._use(message, asking.component_data(component, list(values)))

    async def fill_in(self, asked: Asked, **values: str) -> Asked:
        """Hands in the form that was opened in answer, with the values by custom id."""
        if asked.modal is None:
            raise NotOffered("no form is open")
        data = asking.form_data(asked.modal, values)
        args = (self.world, asked.bot, self.user, asked.channel, MODAL_SUBMIT, data)
        return asking.ask(*args, asked.source)

    def sees(self, channel: Channel) -> list[Message]:
        """What they read there, the oldest first; what is ephemeral only when it is for them."""
        if P.VIEW_CHANNEL | P.READ_MESSAGE_HISTORY not in permissions(self.user, channel):
            return []
        found = channel.history()
        return [each for each in found if not each.ephemeral or each.asked_by is self.user]

    async def _use(self, message: Message, data: Json) -> Asked:
        bot = self.world.bot_of(message.author)
        if bot is None or (message.ephemeral and message.asked_by is not self.user):
            raise NotOffered("this message has nothing to click")
        place = message.channel
        return asking.ask(self.world, bot, self.user, place, COMPONENT, data, message)

    def _draft(self, content: str, files: Sequence[File]) -> drafts.Draft:
        return drafts.draft({"content": content}, [self.file(*each) for each in files])


def _component(message: Message, name: str) -> Json:
    found = message.buttons.get(name)
    by_id = [each for each in walk(message.components) if each.get("custom_id") == name]
    component = by_id[0] if by_id else found
    if component is None:
        raise NotOffered(f"the message has no {name!r}, only {[*message.buttons]}")
    if component.get("disabled"):
        raise NotOffered(f"{name!r} is disabled")
    return component


def _tags(forum: Channel, names: Sequence[str]) -> list[Tag]:
    known = {tag.name: tag for tag in forum.tags}
    return [known[name] for name in names]


def _plain(value: Any) -> Any:
    """Persons and bots stand for their users."""
    return value.user if isinstance(value, Person | Bot) else value


def _media_type(name: str) -> str:
    kinds = {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
    kinds |= {"txt": "text/plain; charset=utf-8", "md": "text/markdown", "pdf": "application/pdf"}
    return kinds.get(name.rpartition(".")[2], "application/octet-stream")
