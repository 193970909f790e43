"""What could never succeed, kept in DEAD for whoever operates, who asks it again or drops it.

A letter that is asked again becomes a turn whose id is derived from the letter, so that two who do
it at once ask once; then a mark beside it keeps anybody from doing so later.
"""

import datetime as dt
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from palabre.chassis import events, subjects
from palabre.chassis.bus import Bus
from palabre.chassis.direct_get import Raw
from palabre.chassis.errors import Reject
from palabre.chassis.ids import derived
from palabre.contracts.v1 import events_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Utterance

STREAM = "DEAD"
_MARK = "retried-"  # and the letter's number: the last token of a mark's subject
_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|[0-9a-f]{8}-[0-9a-f-]{27}|\d+")


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, without its content. `retried` are the turns that it was asked again as."""

    number: int
    subject: str
    stage: str
    error: str
    at: dt.datetime
    retried: tuple[str, ...] = ()

    @property
    def space(self) -> str:
        return _token(self.subject, 3)

    @property
    def event(self) -> str:
        return _token(self.subject, 6)

    @property
    def cause(self) -> str:
        """The error without what differs from letter to letter."""
        return _VARIES.sub("…", self.error)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters are meant: all that fulfil everything that is set."""

    numbers: frozenset[int] = field(default_factory=frozenset)
    stage: str = ""
    error: str = ""  # a part of it
    space: str = ""
    since: dt.datetime | None = None

    def has(self, letter: Letter) -> bool:
        return (
            (not self.numbers or letter.number in self.numbers)
            and self.stage in ("", letter.stage)
            and self.error.casefold() in letter.error.casefold()
            and self.space in ("", letter.space)
            and (self.since is None or letter.at >= self.since)
        )


class AlreadyAsked(Exception):
    """The letter was asked again before; `turn` is what it became."""

    def __init__(self, turn: str) -> None:
        super().__init__(turn)
        self.turn = turn


async def found(bus: Bus, wanted: Wanted = Wanted()) -> list[Letter]:
    """Oldest first; their contents are read a page at a time and let go. Raises Unavailable."""
    letters, marks = [], dict[int, list[str]]()
    async for raw in _everything(bus):
        if number := _marked(raw.subject):
            marks.setdefault(number, []).append(raw.headers.get("Palabre-Turn", ""))
        elif wanted.has(letter := _letter(raw)):
            letters.append(letter)
    return [replace(each, retried=tuple(marks.get(each.number, ()))) for each in letters]


async def content(bus: Bus, letter: Letter) -> bytes:
    """The event as it was. Raises KeyError when it has gone meanwhile."""
    return (await _message(bus, letter)).data or b""


async def retry(bus: Bus, letter: Letter, *, again: bool = False) -> str:
    """Asks again as a new turn that names the old one, and whose trace leads there. Returns its id.

    Raises AlreadyAsked unless `again`, Reject for what holds no question, KeyError when it has
    gone, Erased, Unavailable.
    """
    if letter.retried and not again:
        raise AlreadyAsked(letter.retried[-1])
    message = await _message(bus, letter)
    dead = events.decode(message.data or b"")
    utterance = _utterance(dead)
    utterance.retries = dead.turn
    turn = derived("dead", str(letter.number), letter.at.isoformat(), str(len(letter.retried)))
    body = pb.UtteranceReceived(utterance=utterance)
    first = events.begin(dead.space, dead.channel, dead.conversation, body, turn=turn)
    await bus.publish(first, cause=message.headers or {})
    await _mark(bus, letter, dead, turn)
    return turn


async def drop(bus: Bus, letter: Letter) -> None:
    """Deletes it and overwrites its bytes on disk. Raises Unavailable."""
    await bus.overwrite(STREAM, letter.number)


async def _message(bus: Bus, letter: Letter) -> RawStreamMsg:
    """Raises KeyError when it has gone meanwhile."""
    try:
        return await bus.js.get_msg(STREAM, seq=letter.number, direct=True)
    except NotFoundError:
        raise KeyError(letter.number) from None


async def _everything(bus: Bus) -> AsyncIterator[Raw]:
    async for page in bus.pages(STREAM, {"next_by_subj": subjects.every("dead")}):
        for raw in page:
            yield raw


async def _mark(bus: Bus, letter: Letter, dead: pb.Event, turn: str) -> None:
    thread = subjects.thread(dead.space, dead.channel, dead.conversation)
    subject = f"{subjects.ROOT}.dead.{thread}.{_MARK}{letter.number}"
    # By its id it is stored once, however many ask the letter again at the same time.
    await bus.put(subject, b"", {"Palabre-Turn": turn, "Nats-Msg-Id": f"retried/{turn}"})


def _marked(subject: str) -> int:
    """The number of the letter that this mark is of; 0: it is no mark."""
    _, is_mark, number = subject.rpartition("." + _MARK)
    return int(number) if is_mark and number.isdecimal() else 0


def _letter(raw: Raw) -> Letter:
    return Letter(
        raw.sequence,
        raw.headers.get("Palabre-Subject", raw.subject),
        raw.headers.get("Palabre-Stage", ""),
        raw.headers.get("Palabre-Error", ""),
        dt.datetime.fromisoformat(raw.headers["Nats-Time-Stamp"]),
    )


def _token(subject: str, place: int) -> str:
    tokens = subject.split(".")
    return tokens[place] if len(tokens) > place else ""


def _utterance(event: pb.Event) -> Utterance:
    name = events.body_name(event)
    body = getattr(event, name) if name else None
    if not isinstance(body, pb.UtteranceReceived | pb.UtteranceUnderstood | pb.PassagesRetrieved):
        raise Reject(f"a letter that holds {name or 'no event'} cannot be asked again")
    copy = Utterance()
    copy.CopyFrom(body.utterance)
    if copy.carries_history and not isinstance(body, pb.UtteranceReceived):
        copy.carried_history.extend(body.history)  # where later events have it
    return copy
