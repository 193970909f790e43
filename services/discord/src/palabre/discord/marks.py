"""Which posts are solved, and how far we are with each: in the bucket `discord`, ids only."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal, Self

from palabre.chassis.bus import Bus

# marking  somebody said so; tag, confirmation and index are on their way
# solved   all of that was done
# undoing  somebody took it back; tag and index are on their way
# out      not solved, or gone
# erased   its author wanted to be forgotten: never indexed again
State = Literal["marking", "solved", "undoing", "out", "erased"]
_ENTRIES = "$KV.discord.solved."
_FORUMS = "$KV.discord.backfilled."


@dataclass(frozen=True, slots=True)
class Mark:
    """`conversation` is the author's with us there."""

    post: int
    server: int
    forum: int
    space: str
    conversation: str
    state: State = "marking"
    message: int = 0  # that said so; 0: the tag was put by hand
    is_told: bool = False  # the confirmation was shown, or shall not be
    is_indexed: bool = False

    @property
    def document(self) -> str:
        return f"{folder_of(self.server)}/{self.post}"

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Fields that this version does not know are left out."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{key: value for key, value in json.loads(data).items() if key in names})


def folder_of(server: int) -> str:
    """Of the documents of a server's solved posts, within their space."""
    return f"discord/{server}"


class Marks:
    """The bot that looks after a forum writes them, nobody else. Everything raises Unavailable."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def get(self, *posts: int) -> dict[int, Mark]:
        """Those that there are, by post."""
        subjects = [f"{_ENTRIES}{post}" for post in posts]
        return await self._read({"multi_last": subjects}) if posts else {}

    async def all(self) -> dict[int, Mark]:
        return await self._read({"next_by_subj": f"{_ENTRIES}*"})

    async def put(self, mark: Mark) -> None:
        data = json.dumps(dataclasses.asdict(mark)).encode()
        await self._bus.put(f"{_ENTRIES}{mark.post}", data)

    async def backfilled(self, forum: int) -> int:
        """Of how many months the forum's archived posts were looked through."""
        found = await self._bus.raw("KV_discord", {"multi_last": [f"{_FORUMS}{forum}"]})
        return int(json.loads(found[0].data)["months"]) if found and found[0].data else 0

    async def note_backfilled(self, forum: int, months: int) -> None:
        await self._bus.put(f"{_FORUMS}{forum}", json.dumps({"months": months}).encode())

    async def _read(self, query: dict[str, object]) -> dict[int, Mark]:
        entries = await self._bus.raw("KV_discord", query)
        marks = [Mark.decode(entry.data) for entry in entries if entry.data]
        return {mark.post: mark for mark in marks}
