"""A channel or thread summed up: what is asked of llm, and the points that come back."""

import contextlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import llm_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Attachment, Author
from palabre.discord.files import Files
from palabre.discord.messages import Message, Place
from palabre.discord.posts import person_of
from palabre.discord.routing import CHANNEL, Ask
from palabre.discord.transcript import LONGEST, Transcript

if TYPE_CHECKING:  # this name is in the stubs' types only
    from palabre.contracts.v1.llm_pb2_grpc import LlmServiceAsyncStub

POINTS, LEAST_POINTS, POINT_CHARACTERS = 12, 5, 300
_MESSAGES_PER_POINT, _THEMES_FROM = 20, 40  # messages
MOST_S = 12 * 60.0  # a command's answer can be changed for little longer
FOCUS = 200  # characters
_LINKS, LOOKED_AT = 3, 6  # of the messages that say one point, and whether they are still there
_REQUEST_BYTES = 6 << 20  # of all words: llm takes 8 MiB


@dataclass(frozen=True, slots=True)
class Point:
    """`sources` are one to three messages that say it, oldest first."""

    text: str
    sources: tuple[Message, ...]
    theme: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """Of one place, for whoever wants to know `focus`, or everything that matters."""

    place: Place
    transcript: Transcript
    points: tuple[Point, ...]
    end: pb.SummaryEnd
    focus: str = ""


async def summarise(
    llm: "LlmServiceAsyncStub",
    request: pb.SummariseRequest,
    told: Callable[[pb.SummaryProgress], None],
) -> tuple[list[pb.SummaryPoint], pb.SummaryEnd]:
    """`told` hears how far it is. Raises AioRpcError."""
    points, end = [], pb.SummaryEnd()
    async for piece in llm.Summarise(request, timeout=MOST_S):
        if piece.HasField("point"):
            points.append(piece.point)
        elif piece.HasField("end"):
            end = piece.end
        elif piece.HasField("progress"):
            told(piece.progress)
    return points, end


def requested(
    ask: Ask,
    person: int,
    transcript: Transcript,
    images: Mapping[int, Sequence[Attachment]],
    focus: str,
) -> pb.SummariseRequest:
    """`images` by the message's id; a message with neither words nor one of them is left out."""
    longest = _longest(transcript.words.values())
    messages = [
        _told(message, transcript.words[message.id][:longest], images.get(message.id, ()))
        for message in transcript.messages
        if transcript.words[message.id] or images.get(message.id)
    ]
    return pb.SummariseRequest(
        space=ask.space,
        persona=ask.persona,
        language=ask.language,
        messages=messages,
        max_points=min(POINTS, max(LEAST_POINTS, len(messages) // _MESSAGES_PER_POINT)),
        max_characters=POINT_CHARACTERS,
        themes=len(messages) >= _THEMES_FROM,
        max_images=sum(map(len, images.values())),
        focus=focus,
        author=Author(id=person_of(person), groups=ask.groups),
        channel=CHANNEL,
    )


async def pictured(
    files: Files, space: str, transcript: Transcript, most: int
) -> dict[int, Sequence[Attachment]]:
    """The newest images of a transcript; those that cannot be had are passed over."""
    found: dict[int, Sequence[Attachment]] = {}
    for message in reversed(transcript.messages):
        if message.files and most:
            with contextlib.suppress(Unavailable):
                found[message.id] = await files.seen(space, message.files, most)
                most -= len(found[message.id])
    return found


def linked(
    points: Sequence[pb.SummaryPoint], transcript: Transcript, there: Collection[int]
) -> tuple[Point, ...]:
    """The points that a message which is `there` still says, with their messages."""
    known = {str(m.id): m for m in transcript.messages if m.id in there}
    found = []
    for point in points:
        if sources := [known[each] for each in point.sources if each in known]:
            found.append(Point(point.text, tuple(sources[:_LINKS]), point.theme))
    return tuple(found)


def _longest(words: Collection[str]) -> int:
    """Characters of one message, so that all of them fit into one request."""
    size = sum(len(each.encode()) for each in words)
    return LONGEST if size <= _REQUEST_BYTES else _REQUEST_BYTES // 4 // len(words)


def _told(message: Message, text: str, images: Sequence[Attachment]) -> pb.ThreadMessage:
    made = pb.ThreadMessage(
        id=str(message.id), author=message.author.name, text=text, attachments=images
    )
    made.sent_at.FromDatetime(message.sent_at)
    return made
