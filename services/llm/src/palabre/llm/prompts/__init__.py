"""Prompts: versioned files, filled in with data that can never become an instruction.

What comes from documents, people and clients stands between tags that carry a nonce of this call:
nobody who wrote it could know how to close them.
"""

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from palabre.chassis.languages import LANGUAGES
from palabre.chassis.spaces import Persona, Space
from palabre.contracts.v1 import turns_pb2 as turns
from palabre.llm import categories, replies
from palabre.llm.citations import Pair, without_marks
from palabre.llm.engines import Image, Message
from palabre.llm.untrusted import data

VERSION = "v1"
LONGEST_QUESTION = 8_000  # characters
LONGEST_INSTRUCTIONS = 4_000
LONGEST_TITLE = 300
LONGEST_IMAGE = 2_000
LONGEST_NAME = 100

_templates = Environment(
    loader=PackageLoader("palabre.llm", f"prompts/{VERSION}"),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 (no HTML; data is never a template)
    trim_blocks=True,
    lstrip_blocks=True,
)

_CREDITED = "|".join(re.escape(replies.of(x)("inspired_by").rstrip(":")) for x in LANGUAGES)
_CREDITS = re.compile(rf"\s*^\W*(?:{_CREDITED})\W*$", re.MULTILINE)
_MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "en": "January February March April May June July August September October November December",
}
_NAMES = {
    "fr": {"fr": "français", "en": "anglais"},
    "en": {
        "fr": "French", "en": "English", "es": "Spanish", "de": "German", "it": "Italian",
        "pt": "Portuguese", "nl": "Dutch", "ar": "Arabic", "tr": "Turkish", "uk": "Ukrainian",
        "ru": "Russian", "pl": "Polish", "ro": "Romanian", "zh": "Chinese",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prompting:
    """Makes prompts. `nonce` and `today` are asked once for each."""

    nonce: Callable[[], str] = lambda: secrets.token_hex(8)
    today: Callable[[], dt.date] = lambda: dt.datetime.now(dt.UTC).date()

    def answer(
        self,
        space: Space,
        persona: Persona,
        retrieved: "Retrieved",
    ) -> tuple[Message, ...]:
        """System, the conversation so far, then passages and question.

        The system message is ours and the operator's alone, and stays the same from turn to turn,
        so that providers can keep it. All else stands between tags, but for past answers.
        """
        language = retrieved.language
        values = {
            "nonce": self.nonce(),
            "today": date(self.today(), language),
            "identity": space.text(persona.identity, replies.supported(language)),
            "audience": persona.audience,
            "address": persona.address,
            "guidelines": persona.guidelines,
            "mode": "grounded" if retrieved.passages else "no-knowledge",
            "story": persona.mode == "story",
            "where_to_turn": space.text(space.no_knowledge, language),
            "language": name(language),
            "mark": mark(space, persona),
            "instructions": data(retrieved.instructions, LONGEST_INSTRUCTIONS),
            "doubtful": retrieved.doubtful,
            "passages": [_passage(passage) for passage in retrieved.passages],
            "images": _images(retrieved.images),
            "pictures": len(retrieved.pictures),
            "unseen": retrieved.unseen,
            "question": data(retrieved.question, LONGEST_QUESTION),
        }
        system = _render("system", language, values)
        question = _render("question", language, values)
        said = (m for e in retrieved.history for m in _exchange(e, str(values["nonce"])))
        return (Message("system", system), *said, Message("user", question, retrieved.pictures))

    def comprehension(
        self,
        space: Space,
        utterance: turns.Utterance,
        history: Sequence[turns.Exchange],
        language: str,
        *,
        fiction: bool = False,
        images: Sequence[str] = (),
    ) -> tuple[Message, ...]:
        """In fiction, what characters do or suffer is in no category."""
        values = self._judging(utterance.text, history, language, fiction=fiction)
        values["images"] = _images(images)
        named = " ".join(data(space.name, LONGEST_NAME).split())
        values |= {"space": named, "most": categories.MOST_QUERIES}
        values["may_ask"] = utterance.may_ask and not fiction
        return _judged("comprehend", language, values)

    def guard(self, message: str, language: str, *, fiction: bool = False) -> tuple[Message, ...]:
        return _judged("guard", language, self._judging(message, (), language, fiction=fiction))

    def description(self, picture: Image, language: str) -> tuple[Message, ...]:
        """Of one image, in this language, for people and searches that do not see it."""
        values = {"language": name(language)}
        return (
            Message("system", _render("describe", language, values)),
            Message("user", _render("image", language, values), (picture,)),
        )

    def verification(
        self,
        question: str,
        language: str,
        passages: Sequence[turns.Passage],
        pairs: Sequence[Pair],
    ) -> tuple[Message, ...]:
        """Passages by their own numbers, and what cites them, by its place from 1."""
        numbers = sorted({pair.number for pair in pairs})
        values = {
            "nonce": self.nonce(),
            "question": data(question, LONGEST_QUESTION),
            "passages": [{"number": n, **_passage(passages[n - 1])} for n in numbers],
            "claims": [(pair.number, " ".join(data(pair.claim).split())) for pair in pairs],
        }
        return (
            Message("system", _render("verify", language, values)),
            Message("user", _render("claims", language, values)),
        )

    def summary(
        self, lines: Sequence[Mapping[str, str]], how: Mapping[str, object], language: str
    ) -> tuple[Message, ...]:
        """Of messages: author, sent, text. `how`: most, characters, paragraph, focus."""
        values = {"nonce": self.nonce(), "language": name(language), "lines": lines, **how}
        return (
            Message("system", _render("summarise", language, values)),
            Message("user", _render("thread", language, values)),
        )

    def merging(
        self, points: Sequence[str], how: Mapping[str, object], language: str
    ) -> tuple[Message, ...]:
        """Of the points of several summaries, as `summary`."""
        values = {"nonce": self.nonce(), "language": name(language), "points": points, **how}
        return (
            Message("system", _render("merge", language, values)),
            Message("user", _render("points", language, values)),
        )

    def _judging(
        self, message: str, history: Sequence[turns.Exchange], language: str, *, fiction: bool
    ) -> dict[str, object]:
        return {
            "fiction": fiction,
            "nonce": self.nonce(),
            "today": date(self.today(), language),
            "message": data(message, LONGEST_QUESTION),
            "history": [
                {
                    "question": data(e.question),
                    "images": _images(e.images),
                    "answer": data(without_marks(e.answer)),
                }
                for e in history
            ],
            "images": [],
            "categories": categories.MEANINGS[replies.supported(language)],
        }


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What an answer is written from."""

    question: str
    language: str
    passages: Sequence[turns.Passage] = ()
    history: Sequence[turns.Exchange] = ()
    instructions: str = ""
    doubtful: bool = False
    images: Sequence[str] = ()  # what they show, in words
    pictures: tuple[Image, ...] = ()  # themselves
    unseen: bool = False  # there are some, and nobody can tell what they show


def date(day: dt.date, language: str) -> str:
    supported = replies.supported(language)
    month = _MONTHS[supported].split()[day.month - 1]
    number = "1er" if supported == "fr" and day.day == 1 else str(day.day)
    return f"{number} {month} {day.year}"


def mark(space: Space, persona: Persona) -> str:
    """A word of the rules by which an answer that tells them is known; always the same."""
    of = f"{VERSION}\n{space.name}\n{persona.model_dump_json()}"
    return f"p{hashlib.blake2s(of.encode(), digest_size=5).hexdigest()}"


def name(language: str) -> str:
    """As the prompt in this language calls it; of another, whatever it is called, nothing stands
    in a prompt: a client or a model may have made it up.
    """
    names = _NAMES[replies.supported(language)]
    return names.get(language.split("-")[0].lower(), "the language of the question")


def _render(template: str, language: str, values: Mapping[str, object]) -> str:
    file = f"{replies.supported(language)}/{template}.j2"
    return _templates.get_template(file).render(values).strip()


def _judged(template: str, language: str, values: Mapping[str, object]) -> tuple[Message, ...]:
    return (
        Message("system", _render(template, language, values)),
        Message("user", _render("message", language, values)),
    )


def _passage(passage: turns.Passage) -> dict[str, str]:
    above = [part for part in passage.heading_path if part != passage.title]
    path = " > ".join([passage.title, *above]).replace("\n", " ")
    page = f" (p. {passage.page})" if passage.page else ""
    title = data(path, LONGEST_TITLE) + page
    return {"title": title, "text": data(passage.text).strip()}


def _images(described: Sequence[str]) -> list[str]:
    return [data(text, LONGEST_IMAGE) for text in described if text]


def _exchange(exchange: turns.Exchange, nonce: str) -> tuple[Message, Message]:
    """Numbers in past answers would point to passages that are not here any more.

    A line that had nothing else goes with them, or a model would learn to write it empty.
    """
    answer = _CREDITS.sub("", without_marks(exchange.answer))
    shown = "".join(
        f"\n\n<image-{nonce}>\n{text}\n</image-{nonce}>" for text in _images(exchange.images)
    )
    asked = f"<question-{nonce}>\n{data(exchange.question)}\n</question-{nonce}>{shown}"
    return (Message("user", asked), Message("assistant", data(answer) or "…"))
