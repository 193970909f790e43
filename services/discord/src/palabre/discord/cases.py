"""A solved post as a document: what was asked, and what solved it. Nobody is named in it.

It stays what people wrote: data like any document, that gives a model no orders.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from palabre.discord.markup import readable, unrendered
from palabre.discord.masking import masked
from palabre.discord.messages import Message, Place
from palabre.discord.solving import says_solved
from palabre.discord.texts import say

QUESTION_MOST, ANSWER_MOST, TITLE_MOST = 2_000, 3_000, 100  # characters
_SAYS_LITTLE = 25  # characters of a person: thanks, or a greeting
_EXPLAINS = 40  # characters of "solved": it says how
_CITATION = re.compile(r" ?\[\d{1,3}\]")
_HEADING = re.compile(r"^(\s*)(#{1,6}\s|-{3,}\s*$|={3,}\s*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """`text` is Markdown, its title above it."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """A post as it was read: its messages, oldest first, and which one said that it is solved.

    `ours` are our bots. `answers` has what we said, by message: the answer's own words, or none
    where it may not be told on; what is not in it may be.
    """

    place: Place
    messages: Sequence[Message]
    solved_by: int = 0  # 0: nobody said so, somebody put the tag
    ours: Collection[int] = ()
    answers: Mapping[int, str] | None = None


def case_of(told: Told, language: str) -> Case | None:
    """None where nothing in it answers the question, or there is none."""
    starter = next((m for m in told.messages if m.is_starter), None)
    answer = _answer(told)
    if starter is None or not answer:
        return None
    names = {m.author.name for m in told.messages}

    def shown(text: str, most: int) -> str:
        return _plain(masked(readable(text, omit=told.ours), names))[:most]

    title = " ".join(masked(told.place.name, names).split())[:TITLE_MOST]
    question, solution = shown(starter.text, QUESTION_MOST), shown(answer, ANSWER_MOST)
    lead = say("solved.answer", language)
    return Case(title, f"# {title}\n\n{_closed(question)}\n\n**{lead}**\n\n{_closed(solution)}\n")


def _answer(told: Told) -> str:
    """The last one before it was solved, and what the author found out themselves."""
    by = next((m for m in told.messages if m.id == told.solved_by), None)
    given = ""
    if by and by.replies_to:
        given = next((_words(m, told) for m in told.messages if m.id == by.replies_to), "")
    before = [m for m in told.messages if by is None or m.id < by.id]
    given = given or next(filter(None, (_given(m, told) for m in reversed(before))), "")
    explained = by.text if by and len(by.text) >= _EXPLAINS else ""
    return "\n\n".join(filter(None, (given, explained)))


def _given(message: Message, told: Told) -> str:
    """Its words, where somebody else than the author answers by them."""
    asks = message.is_starter or message.author.id == told.place.owner
    stranger = message.author.is_bot and message.author.id not in told.ours
    if asks or stranger or says_solved(message.text):
        return ""
    words = _words(message, told)
    least = 1 if message.author.id in told.ours else _SAYS_LITTLE
    return words if len(words) >= least and not words.endswith("?") else ""


def _words(message: Message, told: Told) -> str:
    if message.author.id not in told.ours:
        return message.text.strip()
    words = (told.answers or {}).get(message.id, unrendered(message.text))
    return _CITATION.sub("", words).strip()


def _plain(text: str) -> str:
    """Without what would be headings or rules of the document."""
    return _HEADING.sub(r"\1\\\2", text.strip())


def _closed(text: str) -> str:
    """A fence that was cut off ends with its part."""
    return f"{text}\n```" if text.count("```") % 2 else text
