"""LlmService.Summarise between gRPC's messages and a summary."""

import asyncio
import contextlib
import datetime as dt
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field

from palabre.chassis.errors import Unavailable
from palabre.contracts.v1 import llm_pb2 as pb
from palabre.contracts.v1.turns_pb2 import Attachment, Usage
from palabre.llm import languages
from palabre.llm.images import LONGEST, SAMPLING, Vision
from palabre.llm.ladder import Ladder
from palabre.llm.prompts import Prompting
from palabre.llm.salience import Point
from palabre.llm.summaries import AT_ONCE, CALLS, CHARACTERS, POINTS, Line, Summary, Tally, Wanted
from palabre.llm.tokens import CHARACTERS_PER_TOKEN, IMAGE

MOST_MESSAGES, MOST_POINTS, MOST_CHARACTERS, MOST_CALLS, MOST_IMAGES = 5_000, 40, 1_000, 500, 20
IMAGES = 10  # that are described where nobody says how many
_ADDED = (
    "prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "cost_micros",
)  # fmt: skip
SAMPLE = 20_000  # characters that tell a thread's language


def objection(request: pb.SummariseRequest) -> str:
    """What is wrong with it and what to do, or empty."""
    ids = [message.id for message in request.messages]
    if not ids:
        return "messages: there are none to summarise"
    if len(ids) > MOST_MESSAGES:
        return f"messages: {len(ids)}, above {MOST_MESSAGES}: send the newest ones"
    if not all(ids) or len(set(ids)) < len(ids):
        return "messages: each needs an id of its own"
    for name, most in (
        ("max_points", MOST_POINTS),
        ("max_characters", MOST_CHARACTERS),
        ("max_calls", MOST_CALLS),
        ("max_images", MOST_IMAGES),
    ):
        if getattr(request, name) > most:
            return f"{name}: at most {most}"
    if request.channel and not re.fullmatch(r"[a-z0-9-]{1,40}", request.channel):
        return f"channel: {request.channel!r} is none: use a-z, 0-9 and -"
    return _foreign(request)


def _foreign(request: pb.SummariseRequest) -> str:
    """An image is known by its space alone: of another one nothing may be read."""
    own = f"{request.space}/"
    for message in request.messages:
        for image in message.attachments:
            if not request.space or not image.blob.startswith(own):
                return f"messages: the image {image.blob} is not one of the space {request.space!r}"
    return ""


@dataclass(slots=True)
class Summarising:
    """One request; make another for the next. Without a vision no image is looked at."""

    request: pb.SummariseRequest
    ladder: Ladder
    vision: Vision | None
    models: Sequence[str]
    spoken: tuple[str, ...]  # languages of the space
    described: dict[str, str] = field(default_factory=dict)  # what images show, by blob
    progress: pb.SummaryProgress = field(default_factory=pb.SummaryProgress)
    tally: Tally = field(default_factory=Tally)
    _moves: asyncio.Queue[pb.SummaryProgress | None] = field(default_factory=asyncio.Queue)

    def at_most(self) -> Usage | None:
        """What it may cost, as estimated, before its images are described."""
        usage = self._summary().at_most()
        if usage:
            usage.prompt_tokens += len(self._images()) * (IMAGE + LONGEST // CHARACTERS_PER_TOKEN)
            usage.completion_tokens += len(self._images()) * SAMPLING.max_tokens
        return usage

    @property
    def looks(self) -> bool:
        """At images, which may cost."""
        return bool(self._images())

    async def pieces(self) -> AsyncGenerator[pb.SummariseResponse, None]:
        """Progress, then points. Left by who reads it, it asks nothing more."""
        making = asyncio.create_task(self._made())
        making.add_done_callback(lambda _: self._moves.put_nowait(None))
        try:
            while progress := await self._moves.get():
                yield pb.SummariseResponse(progress=progress)
            points = await making
        finally:
            making.cancel()
            await asyncio.wait([making])
        for point in points:
            yield pb.SummariseResponse(point=told(self.request, point))

    async def _made(self) -> list[Point]:
        await self._describe()
        summary = self._summary()
        self.tally = summary.tally
        return await summary.points()

    async def _describe(self) -> None:
        """A few at a time; what nobody can describe is left out."""
        images, slots, vision = self._images(), asyncio.Semaphore(AT_ONCE), self.vision
        self.progress.images_total = len(images)
        self._tell()
        if vision:
            async with asyncio.TaskGroup() as group:
                for image in images:
                    group.create_task(self._seen(vision, image, slots))

    async def _seen(self, vision: Vision, image: Attachment, slots: asyncio.Semaphore) -> None:
        async with slots:
            with contextlib.suppress(Unavailable):
                seen = await vision.describe([image], self.models, self.spoken[0])
                self.described[image.blob] = seen.texts[0]
        self.progress.images += 1
        self._tell()

    def _moved(self, tally: Tally) -> None:
        self.progress.parts, self.progress.parts_total = tally.steps, tally.steps_total
        self._tell()

    def _tell(self) -> None:
        copy = pb.SummaryProgress()
        copy.CopyFrom(self.progress)
        self._moves.put_nowait(copy)

    def _images(self) -> list[Attachment]:
        """Those to describe: each once, of the newest messages."""
        newest = {
            image.blob: image
            for message in reversed(self.request.messages)
            for image in message.attachments
        }
        return list(newest.values())[: self.request.max_images or IMAGES] if self.vision else []

    def _summary(self) -> Summary:
        request = self.request
        text = "\n".join(message.text for message in request.messages)[:SAMPLE]
        theirs = languages.choose(text, "", self.spoken)
        language = request.language or theirs
        wanted = Wanted(
            language=language,
            points=request.max_points or POINTS,
            characters=request.max_characters or CHARACTERS,
            paragraph=request.style == pb.SUMMARY_STYLE_PARAGRAPH,
            focus=request.focus,
            calls=request.max_calls or CALLS,
            themes=request.themes,
            same_language=language.split("-")[0] == theirs.split("-")[0],
        )
        lines, rungs = (
            [self._line(each) for each in request.messages],
            self.ladder.judges(self.models),
        )
        return Summary(self.ladder, Prompting(), rungs, lines, wanted, moved=self._moved)

    def _line(self, message: pb.ThreadMessage) -> Line:
        sent = ""
        if message.HasField("sent_at"):
            sent = f"{message.sent_at.ToDatetime(dt.UTC):%Y-%m-%d %H:%M}"
        shown = [text for a in message.attachments if (text := self.described.get(a.blob))]
        text = "\n".join(filter(None, (message.text, *(f"[image] {each}" for each in shown))))
        return Line(message.id, message.author, text, sent)

    def end(self, calls: Iterable[Usage]) -> pb.SummaryEnd:
        """Of what `pieces` gave, with all calls that were made for it."""
        tally = self.tally
        blobs = {image.blob for message in self.request.messages for image in message.attachments}
        seen = sum(map(bool, self.described.values()))
        return pb.SummaryEnd(
            usage=_added(calls),
            parts=tally.parts,
            parts_without_model=tally.parts_without_model,
            calls=tally.calls,
            calls_at_most=tally.calls_at_most,
            tokens_at_most=tally.tokens_at_most,
            dropped=tally.dropped,
            images=seen,
            images_left_out=len(blobs) - seen,
        )


def told(request: pb.SummariseRequest, point: Point) -> pb.SummaryPoint:
    sources = [request.messages[place].id for place in point.sources]
    return pb.SummaryPoint(text=point.text, sources=sources, theme=point.theme)


def _added(calls: Iterable[Usage]) -> list[Usage]:
    """One for each engine and model. The price is known, and counts are measured, if all are."""
    sums: dict[tuple[str, str, str], Usage] = {}
    for call in calls:
        key = (call.engine, call.model, call.currency)
        if key not in sums:
            sums[key] = Usage()
            sums[key].CopyFrom(call)
            sums[key].ClearField("call")
            continue
        for name in _ADDED:
            setattr(sums[key], name, getattr(sums[key], name) + getattr(call, name))
        sums[key].cost_known = sums[key].cost_known and call.cost_known
        sums[key].measured = sums[key].measured and call.measured
    return list(sums.values())
