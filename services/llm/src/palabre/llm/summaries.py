"""Summaries of threads: points, each with the messages that say it.

A long thread goes in parts (map), whose points are then brought together (reduce). A point that a
model gives is kept only with sources that exist and say it; where a model is missing, fails,
invents, or is not to be asked that often, the sentences that say most stand in.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched

import structlog

from palabre.contracts.v1.turns_pb2 import Sampling, Usage
from palabre.llm import support, tokens
from palabre.llm.engines import Completion, Message, Rung, Schema
from palabre.llm.errors import LlmError
from palabre.llm.ladder import Ladder
from palabre.llm.prompts import Prompting
from palabre.llm.salience import Point, choose, said
from palabre.llm.sentences import plain
from palabre.llm.untrusted import data

PART_TOKENS, LARGEST_PART = 3_000, 12_000  # of a part's messages
MERGED_TOKENS = 6_000  # of the points that one call brings together
PROMPT_TOKENS = 600  # of what stands around them
GROWS = 1.1  # a part, until the calls suffice
AT_ONCE = 4  # calls of one summary
POINTS, CHARACTERS, CALLS = 8, 300, 40  # where nobody says how many
LONGEST_AUTHOR, LONGEST_THEME = 60, 40  # characters

_KEYS: Schema = {
    "text": {"type": "string"},
    "sources": {"type": "array", "items": {"type": "integer"}},
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Line:
    """A message of the thread; `sent` as a person reads it, or empty."""

    id: str
    author: str
    text: str
    sent: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`same_language`: the summary is in the messages' own, so that their words can be compared."""

    language: str
    points: int = POINTS
    characters: int = CHARACTERS
    paragraph: bool = False
    focus: str = ""
    calls: int = CALLS
    same_language: bool = True
    themes: bool = False

    @property
    def schema(self) -> Schema:
        """Of what a model gives."""
        theme: Schema = {"theme": {"type": "string"}} if self.themes else {}
        return _object({"points": {"type": "array", "items": _object({**_KEYS, **theme})}})

    @property
    def tokens(self) -> int:
        """Of an answer, at most."""
        return 100 + self.points * (self.characters // tokens.CHARACTERS_PER_TOKEN + 40)

    @property
    def group(self) -> int:
        """So many parts' points are brought together by one call."""
        return max(2, MERGED_TOKENS // self.tokens)

    @property
    def parts(self) -> int:
        """So many can be read, and brought together, with these calls."""
        fit = (n for n in range(self.calls, 0, -1) if n + merges(n, self.group) <= self.calls)
        return next(fit, 1)


@dataclass(slots=True)
class Tally:
    """What was done for a summary; `calls_at_most` and `tokens_at_most` are known beforehand.

    A step is a part that was read, or a list of points that was brought together.
    """

    steps: int = 0
    steps_total: int = 0
    parts: int = 0
    parts_without_model: int = 0
    calls: int = 0
    calls_at_most: int = 0
    tokens_at_most: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """Messages that follow each other; `first` is the place of the first one in the thread."""

    first: int
    lines: Sequence[Line]

    @property
    def places(self) -> range:
        return range(self.first, self.first + len(self.lines))


def parts(lines: Sequence[Line], largest: int) -> list[Part]:
    """Every message is in exactly one; one that is larger than a part has one to itself."""
    found: list[Part] = []
    first, room = 0, largest
    for place, line in enumerate(lines):
        size = _size(line)
        if size > room and place > first:
            found.append(Part(first, lines[first:place]))
            first, room = place, largest
        room -= size
    return [*found, Part(first, lines[first:])]


def merges(count: int, group: int) -> int:
    """Calls that bring the points of so many parts together."""
    if count <= 1:
        return 0
    groups = -(-count // group)
    return groups + merges(groups, group)


@dataclass(slots=True)
class Summary:
    """One summary; make another for the next."""

    ladder: Ladder
    prompting: Prompting
    rungs: Sequence[Rung]  # that judge; with none, no model is asked
    lines: Sequence[Line]
    wanted: Wanted
    part_tokens: int = PART_TOKENS
    moved: Callable[[Tally], None] = lambda tally: None
    tally: Tally = field(default_factory=Tally)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def points(self) -> list[Point]:
        """At most as many as are wanted. Cancelled, it asks nothing more."""
        cut = self._cut()
        self.moved(self.tally)
        found = await _all(
            self._part(part, asks=place >= len(cut) - self._asking(cut))
            for place, part in enumerate(cut)
        )
        while len(found) > 1:
            groups = batched(found, self.wanted.group)
            found = await _all(self._together([p for ps in group for p in ps]) for group in groups)
        return found[0][: self.wanted.points]

    def at_most(self) -> Usage | None:
        """What all calls may take, as estimated; None when there will be none."""
        self._cut()
        if not (calls := self.tally.calls_at_most):
            return None
        written = calls * self.wanted.tokens
        first = self.rungs[0]
        return Usage(
            engine=first.engine.name,
            model=first.model,
            prompt_tokens=self.tally.tokens_at_most - written,
            completion_tokens=written,
        )

    def _cut(self) -> list[Part]:
        """Parts grow with the thread, so that the calls suffice as far as they can."""
        suffices = sum(map(_size, self.lines)) / self.wanted.parts
        largest = min(max(self.part_tokens, suffices), LARGEST_PART)
        cut = parts(self.lines, int(largest))
        while self.rungs and self._asking(cut) < len(cut) and largest < LARGEST_PART:
            largest = min(largest * GROWS, LARGEST_PART)
            cut = parts(self.lines, int(largest))
        asking = self._asking(cut)
        bringing = merges(len(cut), self.wanted.group) if self.rungs else 0
        self.tally.parts = len(cut)
        self.tally.steps_total = len(cut) + merges(len(cut), self.wanted.group)
        self.tally.calls_at_most = asking + min(bringing, max(0, self.wanted.calls - asking))
        self.tally.tokens_at_most = self.tally.calls_at_most * (
            max(sum(map(_size, part.lines)) for part in cut) + PROMPT_TOKENS + self.wanted.tokens
        )
        return cut

    def _asking(self, cut: Sequence[Part]) -> int:
        """For so many parts, the newest, a model is asked."""
        calls = self.wanted.calls
        left = max(calls // 2, calls - merges(len(cut), self.wanted.group))
        return min(len(cut), left) if self.rungs else 0

    async def _part(self, part: Part, *, asks: bool) -> list[Point]:
        points = await self._read(part, asks=asks)
        self._step()
        return points

    def _step(self) -> None:
        self.tally.steps += 1
        self.moved(self.tally)

    async def _read(self, part: Part, *, asks: bool) -> list[Point]:
        if asks:
            messages = self.prompting.summary(
                [_told(line) for line in part.lines], self._how(), self.wanted.language
            )
            sources = [(place,) for place in part.places]
            if (found := await self._asked(messages, sources)) is not None:
                return found
        self.tally.parts_without_model += 1
        texts = [(place, self.lines[place].text) for place in part.places]
        return await self._chosen(said(texts))

    async def _together(self, points: list[Point]) -> list[Point]:
        """The points of several parts, as those of one."""
        merged = await self._merged(points)
        self._step()
        return merged

    async def _merged(self, points: list[Point]) -> list[Point]:
        if len(points) <= 1 or self.tally.calls >= self.tally.calls_at_most or not self.rungs:
            return await self._chosen(points)
        messages = self.prompting.merging(
            [data(point.text) for point in points], self._how(), self.wanted.language
        )
        found = await self._asked(messages, [point.sources for point in points])
        return await self._chosen(points) if found is None else found

    async def _asked(
        self, messages: tuple[Message, ...], sources: Sequence[tuple[int, ...]]
    ) -> list[Point] | None:
        """What a model says that its sources bear out; None when it is of no use."""
        sampling = Sampling(temperature=0.0, max_tokens=self.wanted.tokens)
        self.tally.calls += 1
        async with self._slots:
            try:
                verdict = await self.ladder.judge(
                    Completion(messages, sampling=sampling), self.wanted.schema, self.rungs
                )
            except LlmError as error:
                log.info("part summarised without a model", reason=type(error).__name__)
                return None
        given = verdict.values.get("points")
        if not isinstance(given, list):
            return None
        kept = [point for each in given if (point := self._checked(each, sources))]
        self.tally.dropped += len(given) - len(kept)
        return self._themed(kept) if kept or not given else None

    def _themed(self, points: list[Point]) -> list[Point]:
        """A theme stays where the messages of one of its points have a word of it."""
        borne = {p.theme for p in points if p.theme and self._saying(p.theme, p.sources)}
        return [p if p.theme in borne else replace(p, theme="") for p in points]

    def _checked(self, given: object, sources: Sequence[tuple[int, ...]]) -> Point | None:
        """The point with those of its sources that exist and say it; None when none does."""
        if not isinstance(given, dict) or not isinstance(given.get("sources"), list):
            return None
        text = _short(plain(data(str(given.get("text") or ""))), self.wanted.characters)
        numbers = [n for n in given["sources"] if isinstance(n, int) and 1 <= n <= len(sources)]
        places = sorted({place for number in numbers for place in sources[number - 1]})
        saying = self._saying(text, places)
        theme = _short(plain(data(str(given.get("theme") or ""))), LONGEST_THEME)
        return Point(text, tuple(saying), theme) if text and saying else None

    def _saying(self, text: str, places: Sequence[int]) -> list[int]:
        """Those of these messages that say it; none where together they do not."""
        heard = {place: f"{self.lines[place].sent} {self.lines[place].text}" for place in places}
        authors = ", ".join(dict.fromkeys(self.lines[place].author for place in places))
        same = self.wanted.same_language
        return support.saying(text, heard, authors=authors, same_language=same)

    async def _chosen(self, points: Sequence[Point]) -> list[Point]:
        """Beside the event loop: thousands of sentences take a second."""
        chosen = await asyncio.to_thread(choose, points, self.wanted.points, self.wanted.focus)
        return [replace(p, text=_short(p.text, self.wanted.characters)) for p in chosen]

    def _how(self) -> dict[str, object]:
        wanted = self.wanted
        return {
            "most": wanted.points,
            "characters": wanted.characters,
            "paragraph": wanted.paragraph,
            "focus": data(wanted.focus, 500),
            "themes": wanted.themes,
        }


def _object(properties: Schema) -> Schema:
    """With just these keys."""
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


async def _all[T](coroutines: Iterable[Coroutine[object, object, T]]) -> list[T]:
    """Side by side; when one fails, or is left, the others stop."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(coroutine) for coroutine in coroutines]
    return [task.result() for task in tasks]


def _told(line: Line) -> dict[str, str]:
    author = " ".join(data(line.author, LONGEST_AUTHOR).split())
    text = " ".join(data(line.text, LARGEST_PART * tokens.CHARACTERS_PER_TOKEN // 2).split())
    return {"author": author, "sent": line.sent, "text": text}


def _size(line: Line) -> int:
    return min(tokens.estimate(line.author, line.sent, line.text) + 8, LARGEST_PART // 2)


def _short(text: str, longest: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
