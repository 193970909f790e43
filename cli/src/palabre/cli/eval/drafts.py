"""Questions that a model drafts from a document: what it is asked, and which drafts are kept."""

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from palabre.cli.eval import prompts
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.llm.engines import Message, Schema
from palabre.llm.untrusted import data
from palabre.retriever.wording import folded

# Of a document, in one request: longer ones give some of their passages.
EXCERPT_CHARACTERS = 6_000
# Share of a draft's runs of three words that stand in the document: more is a copy, no question.
COPIED = 0.5
_RUN = 3
_WORD = re.compile(r"\w+")
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Draft:
    """Kept when `dropped` is empty, which otherwise says why it is not."""

    question: str
    kind: str
    passage: str = ""
    dropped: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of one document, in which language. The same seed draws the same."""

    language: str
    each: int
    unanswerable: int
    seed: int

    @property
    def kinds(self) -> dict[str, str]:
        """By the key under which the model answers."""
        cycle = list(prompts.KINDS)
        answerable = {f"q{n + 1}": cycle[n % len(cycle)] for n in range(self.each)}
        others = {f"u{n + 1}": prompts.UNANSWERABLE for n in range(self.unanswerable)}
        return answerable | others

    @property
    def schema(self) -> Schema:
        """A key for each question: models fill keys in, and count badly."""
        question, quote = {"question": {"type": "string"}}, {"quote": {"type": "string"}}
        return _object(
            {
                key: _object(question if kind == prompts.UNANSWERABLE else question | quote)
                for key, kind in self.kinds.items()
            }
        )

    def messages(self, passages: Sequence[Passage]) -> tuple[Message, ...]:
        """Instructions, then the document between marks that it cannot know."""
        chance = random.Random(self.seed)  # noqa: S311 - no secret: the same run can be made again
        nonce = f"{chance.randrange(16**8):08x}"
        system = prompts.draft(self.language, nonce, self.kinds)
        text = data("\n\n".join(_shown(p) for p in _excerpt(passages, chance)))
        return Message("system", system), Message("user", prompts.fenced(nonce, text))

    def drafts(self, answer: Mapping[str, Any], passages: Sequence[Passage]) -> list[Draft]:
        """The answer is not trusted to have the form that was asked for."""
        return [_checked(kind, answer.get(key), passages) for key, kind in self.kinds.items()]


def whether_answered(language: str, question: str, texts: Iterable[str]) -> tuple[Message, ...]:
    """Asks whether these passages answer after all."""
    nonce = f"{random.Random(question).randrange(16**8):08x}"  # noqa: S311
    passages = data("\n\n".join(texts), EXCERPT_CHARACTERS)
    system = prompts.verify(language, nonce)
    return Message("system", system), Message(
        "user", f"{question}\n\n{prompts.fenced(nonce, passages)}"
    )


WHETHER_ANSWERED: Schema = {
    "type": "object",
    "properties": {"answered": {"type": "boolean"}},
    "required": ["answered"],
    "additionalProperties": False,
}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _checked(kind: str, answer: object, passages: Sequence[Passage]) -> Draft:
    said = answer if isinstance(answer, dict) else {}
    question, quote = (_line(said.get(key)) for key in ("question", "quote"))
    if not question:
        return Draft("", kind, dropped="the model wrote none")
    if copied(question, passages) > COPIED:
        return Draft(question, kind, dropped="copies the text")
    if kind == prompts.UNANSWERABLE:
        return Draft(question, kind)
    if not quote or not any(_words(quote) in _words(p.text) for p in passages):
        return Draft(question, kind, dropped="its quote is not in the document")
    return Draft(question, kind, quote)


def copied(question: str, passages: Iterable[Passage]) -> float:
    """The share of the question's runs of words that stand in the document or its headings."""
    asked = set(_runs(question))
    text = {run for p in passages for part in (_shown(p), p.title) for run in _runs(part)}
    return len(asked & text) / len(asked) if asked else 0.0


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    words = _words(text).split()
    return zip(*(words[start:] for start in range(_RUN)), strict=False)


def _words(text: str) -> str:
    return " ".join(_WORD.findall(folded(text.casefold())))


def _line(value: object) -> str:
    """One line, or nothing."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return text if len(text) <= _LONGEST else ""


def _shown(passage: Passage) -> str:
    return "\n".join((*passage.heading_path, passage.text))


def _excerpt(passages: Sequence[Passage], chance: random.Random) -> list[Passage]:
    """Passages drawn until there is enough, in reading order."""
    drawn: list[int] = []
    left = EXCERPT_CHARACTERS
    for place in chance.sample(range(len(passages)), len(passages)):
        left -= len(passages[place].text)
        if drawn and left < 0:
            break
        drawn.append(place)
    return [passages[place] for place in sorted(drawn)]
