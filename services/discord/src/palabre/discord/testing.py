"""For tests: a Discord in memory that keeps the promises of the port."""

import dataclasses
import datetime as dt
import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from palabre.contracts.v1.turns_pb2 import Passage
from palabre.discord.calls import Gone, Refused
from palabre.discord.knowledge import Document
from palabre.discord.messages import Body, Message, Person, Place
from palabre.discord.sending import PAGE


@dataclass
class MemoryDiscord:
    """What people see is in `shown`, every state of it in `states`; `places` is filled by tests.

    `fail` are exceptions that the next calls raise, before anything is done.
    """

    user: int = 1
    places: dict[int, Place] = field(default_factory=dict)
    said: dict[int, Message] = field(default_factory=dict)
    shown: dict[int, Body] = field(default_factory=dict)
    states: dict[int, list[Body]] = field(default_factory=dict)
    fail: list[Exception] = field(default_factory=list)
    missing: dict[int, tuple[str, ...]] = field(default_factory=dict)
    archive: list[int] = field(default_factory=list)
    _nonces: dict[tuple[int, str], int] = field(default_factory=dict)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(10**17))

    def say(self, place: Place, author: Person, text: str, **fields: object) -> Message:
        """A person speaks; the first message of a post has the post's id."""
        self.places[place.channel] = place
        first = place.kind == "post" and place.channel not in self.said
        id_ = place.channel if first else next(self._ids)
        now = dt.datetime.now(dt.UTC)
        message = Message(id_, place, author, text, now, **fields)  # type: ignore[arg-type]
        self.said[id_] = message
        return message

    async def send(
        self, channel: int, body: Body, *, nonce: str, reply_to: int | None = None
    ) -> int:
        place = self._enter(channel)
        key = (channel, nonce)
        if key not in self._nonces:
            me = Person(self.user, "bot", is_bot=True)
            now = dt.datetime.now(dt.UTC)
            id_ = self._nonces[key] = next(self._ids)
            self.said[id_] = Message(id_, place, me, body.content, now, replies_to=reply_to)
            self._show(id_, body)
        return self._nonces[key]

    async def edit(self, channel: int, message: int, body: Body) -> None:
        self._enter(channel)
        if message not in self.shown:
            raise Gone("Unknown Message")
        self._show(message, body)
        self.said[message] = dataclasses.replace(self.said[message], text=body.content)

    async def delete(self, channel: int, message: int) -> None:
        self.shown.pop(message, None)
        self.said.pop(message, None)

    async def message(self, channel: int, message: int) -> Message:
        self._enter(channel)
        if message not in self.said:
            raise Gone("Unknown Message")
        return self.said[message]

    async def history(
        self,
        channel: int,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = PAGE,
    ) -> list[Message]:
        self._enter(channel)
        found = sorted(
            (m for m in self.said.values() if m.place.channel == channel), key=lambda m: m.id
        )
        if after is not None:
            return [m for m in found if m.id > after][:limit]
        return [m for m in found if before is None or m.id < before][-limit:]

    async def place(self, channel: int, *, fresh: bool = False) -> Place:
        return self._enter(channel)

    async def direct(self, person: int) -> int:
        """By the person's own id, where a test has made such a place."""
        return self._enter(person).channel

    async def tag(self, post: int, name: str, *, on: bool = True) -> None:
        place = self._enter(post)
        left = [tag for tag in place.tags if tag.casefold() != name.casefold()]
        tags = (*left, name) if on else tuple(left)
        self.places[post] = dataclasses.replace(place, tags=tags)

    async def archived(self, forum: int, most: int) -> list[Place]:
        found = (self.places[post] for post in self.archive)
        return [place for place in found if place.parent == forum][:most]

    def posts(self, since: float = 0.0) -> list[Place]:
        active = {m.place.channel for m in self.said.values() if m.sent_at.timestamp() > since}
        open_ = (p for p in self.places.values() if p.channel in active - set(self.archive))
        return [place for place in open_ if place.kind == "post"]

    def lacking(self, channel: int) -> tuple[str, ...]:
        return self.missing.get(channel, ())

    def _enter(self, channel: int) -> Place:
        """Raises what the test wants, Gone and Refused."""
        if self.fail:
            raise self.fail.pop(0)
        if channel not in self.places:
            raise Gone("Unknown Channel")
        if missing := self.lacking(channel):
            raise Refused(missing)
        return self.places[channel]

    def _show(self, message: int, body: Body) -> None:
        self.shown[message] = body
        self.states.setdefault(message, []).append(body)


class MemoryKnowledge:
    """A knowledge in memory: a search finds what has a word of the query, the more the better."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Document] = {}

    async def put(self, space: str, document: Document) -> None:
        self.kept[space, document.name] = document

    async def remove(self, space: str, name: str) -> None:
        self.kept.pop((space, name), None)

    async def search(
        self, space: str, query: str, groups: Collection[str], folder: str, limit: int
    ) -> Sequence[Passage]:
        words = set(query.casefold().split())
        found = [
            Passage(
                document=name,
                title=each.title,
                url=each.url,
                tier=each.tier,
                relevance=len(words & set(each.text.casefold().split())) / len(words),
            )
            for (where, name), each in self.kept.items()
            if where == space and name.startswith(f"{folder}/") and each.tier in {"public", *groups}
        ]
        fitting = [passage for passage in found if passage.relevance]
        return sorted(fitting, key=lambda passage: -passage.relevance)[:limit]
