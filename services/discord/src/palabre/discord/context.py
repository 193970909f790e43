"""What was said before a question: the chain of replies, or the post or thread that it is in."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from palabre.contracts.v1.turns_pb2 import Attachment, Exchange
from palabre.discord.calls import Gone, Refused, Unreachable
from palabre.discord.markup import readable, unrendered
from palabre.discord.messages import Message, Place

PAGE = 100  # messages that Discord gives at once
# The model is shown no more of a conversation than 2,000 tokens.
CHARACTERS, LONGEST, NAME = 6_000, 1_500, 32


class Reader(Protocol):
    """Of a channel. Both raise Gone, Refused and Unreachable."""

    async def message(self, channel: int, message: int) -> Message: ...

    async def history(
        self, channel: int, *, before: int | None = None, limit: int = PAGE
    ) -> list[Message]:
        """Oldest first."""


@dataclass(frozen=True, slots=True)
class Context:
    """Oldest first. `is_cut`: there was more; `is_unread`: we may not, or could not, read it."""

    messages: tuple[Message, ...] = ()
    is_cut: bool = False
    is_unread: bool = False


async def before(reader: Reader, message: Message, ours: Collection[int], most: int) -> Context:
    """What belongs to a message, `most` messages of it at most.

    In a text channel only what it replies to, and what that replies to; in a post or a thread,
    where it replies to nothing, what was said there. `ours` are our bots.
    """
    if most == 0 or not (message.replies_to or message.place.kind in {"post", "thread"}):
        return Context()
    try:
        page = await reader.history(message.place.channel, before=message.id, limit=PAGE)
        found = _Found(reader, ours, page)
        if message.replies_to:
            return _fitting(*await found.chain(message, most), ours, most)
        return _fitting(*await found.talk(message.place), ours, most)
    except (Gone, Refused, Unreachable):
        return Context(is_unread=True)


def words(message: Message, ours: Collection[int], longest: int = LONGEST) -> str:
    """What it says, without Discord's markup and what we put around an answer.

    The title of a post goes before its first message: it is often the question itself.
    """
    text = unrendered(message.text) if message.author.id in ours else message.text
    text = readable(text, omit=ours)
    if message.is_starter:
        text = f"{message.place.name}\n\n{text}".strip()
    return f"{text[:longest]}…" if len(text) > longest else text


def exchanges(
    messages: Iterable[Message],
    ours: Collection[int],
    asker: int,
    images: Mapping[int, Sequence[Attachment]],
) -> list[Exchange]:
    """One for each message of a person, with our answer to it.

    Where several people speak each is named; `images` are by the message's id.
    """
    said = list(messages)
    people = {asker, *(each.author.id for each in said if each.author.id not in ours)}
    made: list[Exchange] = []
    for each in said:
        text = words(each, ours)
        if each.author.id not in ours:
            name = _name(each) if len(people) > 1 else ""
            made.append(Exchange(question=name + text, attachments=images.get(each.id, ())))
        elif made and not made[-1].answer:
            made[-1].answer = text
        else:
            made.append(Exchange(answer=text))
    return made


def _name(message: Message) -> str:
    name = " ".join(readable(message.author.name).replace(":", " ").split())
    return f"{name[:NAME]}: "


def _fitting(
    first: Message | None, said: list[Message], is_cut: bool, ours: Collection[int], most: int
) -> Context:
    """The newest that fit into CHARACTERS; `first` is kept before all others."""
    always = [first] if first else []
    room = CHARACTERS - sum(len(words(message, ours)) for message in always)
    kept: list[Message] = []
    for message in reversed(said):
        text = words(message, ours)
        room -= len(text) + NAME
        if not (text or message.files):
            continue
        if room < 0 or len(kept) + len(always) >= most:
            is_cut = True
            break
        kept.append(message)
    return Context((*always, *reversed(kept)), is_cut=is_cut)


class _Found:
    """A page of what was said, and single messages that are older."""

    def __init__(self, reader: Reader, ours: Collection[int], page: list[Message]) -> None:
        self._reader, self._ours, self._page = reader, ours, page
        self._known = {message.id: message for message in page}

    async def talk(self, place: Place) -> tuple[Message | None, list[Message], bool]:
        """The first message, which has the post's or thread's id; what followed; is there more."""
        home = place.channel if place.kind == "post" else place.parent or place.channel
        try:
            first = await self._get(home, place.channel)
        except (Gone, Refused):
            first = None
        rest = [message for message in self._page if message.id != place.channel]
        return first, rest, len(self._page) == PAGE

    async def chain(self, message: Message, most: int) -> tuple[None, list[Message], bool]:
        """A message that is gone ends it. So does a cycle: ids are only what Discord says."""
        found: list[Message] = []
        seen, at = {message.id}, message
        while at.replies_to and at.replies_to not in seen:
            if len(found) >= most:
                return None, found[::-1], True
            try:
                parts = self._parts(await self._get(at.place.channel, at.replies_to))
            except Gone:
                break
            found += parts
            seen.update(part.id for part in parts)
            at = parts[-1]
        return None, found[::-1], False

    async def _get(self, channel: int, message: int) -> Message:
        return self._known.get(message) or await self._reader.message(channel, message)

    def _parts(self, message: Message) -> list[Message]:
        """Newest first. Of an answer in several messages only the first one is a reply."""
        parts = [message]
        if message.author.id not in self._ours or message.id not in self._known:
            return parts
        for earlier in reversed(self._page[: self._page.index(message)]):
            if parts[-1].replies_to or earlier.author.id != message.author.id:
                break
            parts.append(earlier)
        return parts
