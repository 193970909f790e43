"""What an utterance means: language, standalone question, searches, guard categories."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from palabre.chassis.spaces import Persona, Space
from palabre.contracts.v1.turns_pb2 import Exchange, Sampling, Understanding, Usage, Utterance
from palabre.llm import categories, choices, guard, languages, spending, tokens
from palabre.llm.clarifying import lack
from palabre.llm.courtesies import courtesy
from palabre.llm.engines import Completion, Message, Schema, Verdict
from palabre.llm.errors import LlmError
from palabre.llm.ladder import Ladder
from palabre.llm.prompts import Prompting
from palabre.llm.untrusted import data
from palabre.llm.words import stems, words

log = structlog.get_logger()

LONGEST_PAST_ANSWER = 2_000  # characters
LONGEST_QUESTION = 500
LONGEST_QUERY = 200
LONGEST_MISSING, MOST_MISSING = 120, 3
FEW = 3  # stems that say too little to search with

SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "language": {"type": "string"},
        "question": {"type": "string"},
        "queries": {"type": "array", "items": {"type": "string"}},
        "guard": {"type": "array", "items": {"type": "string", "enum": sorted(categories.ALL)}},
    },
    "required": ["language", "question", "queries", "guard"],
    "additionalProperties": False,
}
MISSING: Schema = {
    **SCHEMA,
    "properties": {
        **SCHEMA["properties"], "missing": {"type": "array", "items": {"type": "string"}}
    },
    "required": [*SCHEMA["required"], "missing"],
}  # fmt: skip
SAMPLING = Sampling(temperature=0.0, max_tokens=300)

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")
_LEANS_BACK = re.compile(
    r"(et|mais|donc|alors|ok|oui|non|si|sinon|and|but|so|what about|how about|yes|no)\b"
)
_POINTING = (
    "ca cela ceci celui celle ceux celles lui eux y en la-bas meme it that this those these them"
    " there one ones same"
)
_POINTS_BACK = frozenset(_POINTING.split())


@dataclass(frozen=True, slots=True)
class Memory:
    """How much of a conversation is remembered, and which end of what was long."""

    tokens: int = 2_000
    characters: int = LONGEST_PAST_ANSWER
    its_end: bool = False

    def cut(self, said: str) -> str:
        return said[-self.characters :] if self.its_end else said[: self.characters]


ANSWERS = Memory()
# Where a story stands is told at its end.
STORIES = Memory(tokens=6_000, characters=5_000, its_end=True)


@dataclass(frozen=True, slots=True)
class Comprehension:
    """At most one structured model call, and never later than `timeout_s`."""

    ladder: Ladder
    prompting: Prompting
    model: str = ""
    timeout_s: float = 0.8
    clock: Callable[[], float] = time.monotonic

    async def understand(
        self,
        space: Space,
        persona: Persona,
        utterance: Utterance,
        history: Sequence[Exchange],
        images: Sequence[str] = (),
    ) -> Understanding:
        """With no model, or a late or broken verdict: the raw words, and what `images` show."""
        begun = self.clock()
        fiction = persona.mode == "story"
        shown = [text for text in images if text]
        understood = by_words(space, utterance, history, fiction=fiction, images=shown)
        if _wants_model(space, utterance, history, shown):
            models = (self.model,) if self.model else persona.models
            asked = self.prompting.comprehension(
                space, utterance, history, understood.language, fiction=fiction, images=shown
            )
            schema = MISSING if utterance.may_ask and not fiction else SCHEMA
            await self._refine(understood, asked, schema, models)
        understood.read = self.ladder.reads(persona.models)
        understood.duration_ms = (self.clock() - begun) * 1000
        return understood

    def at_most(
        self, space: Space, persona: Persona, utterance: Utterance, history: Sequence[Exchange]
    ) -> Usage | None:
        """What the model call may take; None where none will be made."""
        images = [image.name for image in utterance.attachments]
        if not _wants_model(space, utterance, history, images):
            return None
        asked = self.prompting.comprehension(space, utterance, history, space.languages[0])
        rungs = self.ladder.judges((self.model,) if self.model else persona.models)
        return spending.at_most(rungs[:1], Completion(asked, sampling=SAMPLING))

    async def _refine(
        self,
        understood: Understanding,
        messages: tuple[Message, ...],
        schema: Schema,
        models: Sequence[str],
    ) -> None:
        if not (rungs := self.ladder.judges(models)[:1]):
            return
        asked = Completion(messages, sampling=SAMPLING)
        try:
            async with asyncio.timeout(self.timeout_s):
                verdict = await self.ladder.judge(asked, schema, rungs)
        except (LlmError, TimeoutError) as error:
            log.info("comprehension without a model", reason=type(error).__name__)
            return
        take(understood, verdict)


def by_words(
    space: Space,
    utterance: Utterance,
    history: Sequence[Exchange],
    *,
    fiction: bool = False,
    images: Sequence[str] = (),
) -> Understanding:
    """What can be known without a model. In a story a number may stand for a way to go on."""
    text = utterance.text.strip()
    told = (history[-1].answer or history[-1].question) if history else ""
    way = choices.taken(text, told) if fiction else ""
    leans = bool(history) and leans_back(text) and not courtesy(text)
    before = _asked_before(history[-1])[:LONGEST_QUERY] if leans else ""
    asked = f"{before} {text}".strip()
    shown = [_line(image, LONGEST_QUERY) for image in images]
    if shown and len(set(stems(asked))) <= FEW:  # "Qu'est-ce que c'est ?"
        asked = f"{asked} {shown[0]}".strip()
    return Understanding(
        language=languages.choose(
            text, utterance.language, space.languages, [past.question for past in history]
        ),
        question=way or (choices.subject(asked) if fiction else "") or asked,
        # What it is about weighs more than how it goes on.
        queries=[form for form in (before, *shown) if form and form != asked],
        guard=guard.judge(text, fiction=fiction) if space.guard.lexical else [],
    )


def _asked_before(exchange: Exchange) -> str:
    """The question; of one without words, what its images showed."""
    return exchange.question or " ".join(exchange.images)


def take(understood: Understanding, verdict: Verdict) -> None:
    """Adds what a model found: data, whatever it says, and bounded. Nonsense changes nothing."""
    values = verdict.values
    if not isinstance(question := values.get("question"), str) or not question.strip():
        return
    understood.question = _line(question, LONGEST_QUESTION)
    if _LANGUAGE.fullmatch(language := str(values.get("language"))):
        understood.language = language
    understood.queries[:] = _lines(values, "queries", LONGEST_QUERY)[: categories.MOST_QUERIES]
    understood.missing[:] = _lines(values, "missing", LONGEST_MISSING)[:MOST_MISSING]
    found = categories.known({*understood.guard, *_texts(values, "guard")})
    del understood.guard[:]
    understood.guard.extend(found)
    understood.judged = isinstance(values.get("guard"), list)
    understood.engine = verdict.usage.engine


def leans_back(text: str) -> bool:
    """The words alone say too little: they go on with what was said before."""
    said = words(text)
    return (
        len(set(stems(text))) <= FEW
        or bool(_LEANS_BACK.match(" ".join(said)))
        or not _POINTS_BACK.isdisjoint(said)
    )


def bounded(history: Sequence[Exchange], memory: Memory = ANSWERS) -> list[Exchange]:
    """The latest exchanges that fit, oldest first; long answers and descriptions are cut."""
    kept: list[Exchange] = []
    left = memory.tokens
    for exchange in reversed(history):
        short = Exchange()
        short.CopyFrom(exchange)
        short.question = memory.cut(exchange.question)
        short.answer = memory.cut(exchange.answer)
        share = memory.characters // max(1, len(exchange.images))
        short.images[:] = [image[:share] for image in exchange.images]
        left -= tokens.estimate(short.question, short.answer, *short.images)
        if left < 0:
            break
        kept.append(short)
    return kept[::-1]


def _wants_model(
    space: Space, utterance: Utterance, history: Sequence[Exchange], images: Sequence[str]
) -> bool:
    """A message that shows something seldom says it; one that says little may lack something."""
    poor = utterance.may_ask and lack(utterance.text) in ("details", "thin")
    says_little = bool(history or images) or poor
    return space.comprehend == "always" or (space.comprehend == "follow-ups" and says_little)


def _line(text: str, longest: int) -> str:
    return " ".join(data(text).split())[:longest]


def _lines(values: Mapping[str, Any], key: str, longest: int) -> list[str]:
    """Each once, in their order."""
    lines = dict.fromkeys(_line(text, longest) for text in _texts(values, key))
    return [line for line in lines if line]


def _texts(values: Mapping[str, Any], key: str) -> list[str]:
    found = values.get(key)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []
