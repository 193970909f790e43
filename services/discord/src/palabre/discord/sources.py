"""What stands with an answer: its sources, as links and as what they say; solved posts like it."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.discord.markup import escaped, harmless
from palabre.discord.texts import say

LINKS_MOST = 3_000  # characters
QUOTES_MOST, _QUOTE_MOST = 3_900, 600
_TITLE_MOST, _ADDRESS_MOST = 120, 500
_CITED = re.compile(r"\[(\d{1,3})\]")


@dataclass(frozen=True, slots=True)
class Similar:
    """A solved post. `is_same`: it asks nearly the same as the new one."""

    title: str
    link: str
    is_same: bool = False


def cited(completed: pb.AnswerCompleted) -> list[turns_pb2.Source]:
    """Those whose number the text shows; a story shows none, and was inspired by all."""
    numbers = {int(number) for number in _CITED.findall(completed.text)}
    if completed.mode == turns_pb2.ANSWER_MODE_STORY:
        return list(completed.sources)
    return [source for source in completed.sources if source.number in numbers]


def links(found: Sequence[turns_pb2.Source], language: str) -> list[str]:
    """A line for each document, or page of one, with all its numbers; as many as there is room."""
    numbers: dict[tuple[str, str], list[int]] = {}
    for source in found:
        key = (source.passage.document, _named(source, language))
        numbers.setdefault(key, []).append(source.number)
    lines = [f"{_numbered(*each)} {name}" for (_, name), each in numbers.items()]
    return _fitting(lines, LINKS_MOST, language)


def quotes(found: Sequence[turns_pb2.Source], groups: Collection[str], language: str) -> list[str]:
    """What the passages say, that somebody of these groups may read; as much as there is room."""
    readable = [s for s in found if s.passage.tier in {"", "public", *groups}]
    return _fitting([_quoted(source, language) for source in readable], QUOTES_MOST, language)


def solved(similar: Sequence[Similar], language: str) -> str:
    """`**Already solved:** [Title](address) · …`, a line; empty for none."""
    links = " · ".join(_linked(each.title, "", each.link) for each in similar)
    return f"**{say('solved.suggested', language)}** {links}" if links else ""


def _numbered(*numbers: int) -> str:
    return f"**{' '.join(f'[{number}]' for number in numbers)}**"


def _named(source: turns_pb2.Source, language: str) -> str:
    """`[Title, p. 3](address)`, all in one line."""
    passage = source.passage
    page = f", {say('sources.page', language, page=passage.page)}" if passage.page else ""
    return _linked(passage.title, page, passage.url)


def _linked(title: str, page: str, url: str) -> str:
    title = " ".join(title.split())
    title = f"{title[: _TITLE_MOST - 1]}…" if len(title) > _TITLE_MOST else title
    name, address = f"{escaped(title)}{page}", _address(url)
    return f"[{name}]({address})" if address else name


def _quoted(source: turns_pb2.Source, language: str) -> str:
    """The words that the answer leans on, where they are known; else how the passage begins."""
    text = (source.quote or source.passage.text).strip()
    text = f"{text[: _QUOTE_MOST - 1]}…" if len(text) > _QUOTE_MOST else text
    lines = [f"> {line}" for line in harmless(text.replace("```", "")).splitlines() if line.strip()]
    return "\n".join([f"{_numbered(source.number)} {_named(source, language)}", *lines])


def _fitting(parts: list[str], room: int, language: str) -> list[str]:
    kept = list(parts)
    while sum(map(len, kept)) + len(kept) > room:
        kept.pop()
    left = len(parts) - len(kept)
    return [*kept, say("sources.more", language, count=left)] if left else kept


def _address(url: str) -> str:
    """As it may stand in a link; empty for what cannot."""
    if not re.match(r"https?://", url) or len(url) > _ADDRESS_MOST or re.search(r"\s", url):
        return ""
    return url.translate({ord("("): "%28", ord(")"): "%29", ord("<"): "%3C", ord(">"): "%3E"})
