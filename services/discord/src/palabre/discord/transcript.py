"""What was said in a channel or thread, read page by page for who wants it summed up."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from palabre.discord.calls import Gone, Refused
from palabre.discord.markup import readable, unrendered
from palabre.discord.messages import Message, Place
from palabre.discord.posts import said_at

PAGE = 100  # messages that Discord gives at once
NAMED = 25  # people whose names on the server are asked for
LONGEST = 4_000  # characters: what the longest message may have


type Naming = Callable[[Sequence[int]], Awaitable[Mapping[int, str]]]


class Reader(Protocol):
    """Of Discord. Both raise Gone, Refused and Unreachable."""

    async def message(self, channel: int, message: int) -> Message: ...

    async def history(
        self,
        channel: int,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = PAGE,
    ) -> list[Message]:
        """Oldest first: those next to `before` or `after`."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """Oldest first: what people said, and what our bots answered them.

    `words` are theirs, by the message's id; `opened` the threads that were opened meanwhile;
    `read` counts all messages, also what Discord and other bots said; `is_cut`: there was more.
    """

    messages: tuple[Message, ...] = ()
    words: Mapping[int, str] = field(default_factory=dict)
    opened: tuple[Place, ...] = ()
    read: int = 0
    is_cut: bool = False

    @property
    def people(self) -> set[int]:
        return {message.author.id for message in self.messages if not message.author.is_bot}


async def read(
    reader: Reader,
    place: Place,
    ours: Collection[int],
    *,
    most: int,
    since: float = 0.0,
    told: Callable[[int], None] = lambda count: None,
    naming: Naming | None = None,
) -> Transcript:
    """The newest `most` messages said since then (Unix time). Raises as `reader` does.

    `told` hears how many have been read so far; `naming` tells what those who said most are called
    there, which a page of messages does not say.
    """
    found: list[Message] = []
    before, is_over = None, False
    while not is_over and len(found) < most:
        wanted = min(PAGE, most - len(found))
        page = await reader.history(place.channel, before=before, limit=wanted)
        fresh = [message for message in page if said_at(message.id) >= since]
        found[:0] = fresh
        is_over = len(page) < wanted or len(fresh) < len(page)
        before = page[0].id if page else None
        told(len(found))
    if is_over and place.kind == "thread" and place.parent and said_at(place.channel) >= since:
        found[:0] = await _first(reader, place.parent, place.channel)
    names = await naming(_loudest(found)) if naming else {}
    # Beside the event loop: that of thousands takes a while.
    return await asyncio.to_thread(_transcript, found, ours, names, is_cut=not is_over)


async def existing(reader: Reader, place: Place, wanted: Iterable[int]) -> set[int]:
    """Those of these messages that are there still. Raises as `reader` does.

    A page shows many of them at once.
    """
    left, found = sorted(set(wanted)), set[int]()
    if place.kind == "thread" and place.parent and place.channel in left:
        left.remove(place.channel)
        found |= {m.id for m in await _first(reader, place.parent, place.channel)}
    while left:
        page = [m.id for m in await reader.history(place.channel, after=left[0] - 1, limit=PAGE)]
        found |= set(page) & set(left)
        left = [each for each in left if each > page[-1]] if len(page) == PAGE else []
    return found


async def _first(reader: Reader, parent: int, thread: int) -> list[Message]:
    """The message below which a thread was opened is in its parent, and has its id."""
    with contextlib.suppress(Gone, Refused):
        return [await reader.message(parent, thread)]
    return []


def _loudest(found: Iterable[Message]) -> list[int]:
    """The people who wrote most of it."""
    written = Counter(message.author.id for message in found if not message.author.is_bot)
    return [person for person, _ in written.most_common(NAMED)]


def _renamed(message: Message, names: Mapping[int, str]) -> Message:
    name = names.get(message.author.id)
    return replace(message, author=replace(message.author, name=name)) if name else message


def _transcript(
    said: list[Message], ours: Collection[int], called: Mapping[int, str], *, is_cut: bool
) -> Transcript:
    found = [_renamed(message, called) for message in said]
    names = {message.author.id: message.author.name for message in found}
    words = {m.id: _words(m, ours, names) for m in found if _counts(m, ours)}
    opened = {m.opened.channel: m.opened for m in found if m.opened}
    kept = tuple(m for m in found if m.id in words and (words[m.id] or m.files))
    return Transcript(kept, words, tuple(opened.values()), len(found), is_cut)


def _counts(message: Message, ours: Collection[int]) -> bool:
    """Of bots only what ours answered."""
    is_noise = message.author.is_bot and message.author.id not in ours
    return not (message.is_system or is_noise)


def _words(message: Message, ours: Collection[int], names: Mapping[int, str]) -> str:
    text = unrendered(message.text) if message.author.id in ours else message.text
    text = readable(text, names=names)
    if message.is_starter:
        text = f"{message.place.name}\n\n{text}".strip()
    return text[:LONGEST]
