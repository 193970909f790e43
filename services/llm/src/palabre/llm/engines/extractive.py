"""The engine without a model: it quotes the best sentences of the passages, with their numbers.

A sentence's score is the share of the question's weight that its stems cover (a stem's weight is
log(1 + n / (1 + sentences that have it))), half of it for the line and headings above, and a little
for the rank of its passage.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from palabre.contracts.v1.turns_pb2 import Passage, Usage
from palabre.llm import replies, tokens
from palabre.llm.courtesies import courtesy
from palabre.llm.engines import Completion, Engine, Material, Pieces
from palabre.llm.engines.telling import tell
from palabre.llm.errors import Refused
from palabre.llm.quoting import in_another_language, marked, quotable, titled
from palabre.llm.sentences import Sentence
from palabre.llm.settings import Settings
from palabre.llm.words import alike, fold, stems

MOST = 4  # sentences
LONGEST = 420  # characters of a sentence that is still pleasant to read
ENOUGH = 900  # characters of all
NEAR = 0.42  # of the best score
NEWS = 0.3  # what a sentence that covers all that was still missing gains
_HOW_MUCH = re.compile(
    r"\b(combien|montant|prix|tarif|cout|delai|duree|quand|date|plafond)\b"
    r"|\b(how (much|many|long)|when)\b"
)


def build(settings: Settings) -> Mapping[str, Engine]:
    return {"extractive": Extractive()}


class Extractive:
    """Needs no model, no network and no key."""

    name = "extractive"

    async def stream(self, completion: Completion) -> Pieces:
        material = completion.material
        if material is None:
            raise Refused("the extractive engine needs passages: set PALABRE_LLM_MODEL")
        written = 0
        for piece in tell(material) if material.mode == "story" else compose(material):
            written += len(piece)
            yield piece
        yield Usage(
            engine=self.name,
            prompt_tokens=tokens.estimate(*(p.text for p in material.passages)),
            completion_tokens=tokens.estimate("x" * written),
            cost_known=True,
            currency="EUR",
        )

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence and the number of its passage."""

    number: int
    sentence: Sentence
    stems: frozenset[str]
    score: float = 0.0


def compose(material: Material) -> Iterator[str]:
    """The answer, a sentence a piece."""
    say = replies.of(material.language, material.address)
    if key := courtesy(material.question):
        yield say(key)
        return
    quotes = choose(material.question, material.passages)
    if not quotes:
        yield replies.unknown(say, material.where_to_turn, material.language)
        return
    quoted = [material.passages[quote.number - 1] for quote in quotes]
    titles = {passage.title for passage in quoted}
    title = titled(titles.pop()) if len(titles) == 1 else ""
    yield say("according_to", title=title) if title else say("found")
    yield from _bullets(quotes) if len(quotes) > 1 else _single(quotes[0])
    if in_another_language(quoted, material.language):
        yield f"\n\n{say('quoted_as_written')}"


def choose(question: str, passages: Sequence[Passage]) -> list[Quote]:
    """The sentences to quote, in the passages' order; none only when the passages are empty.

    Each next one is the best that is left; saying something new of the question counts too.
    """
    asked = frozenset(stems(question))
    candidates = [
        Quote(number, sentence, frozenset(stems(sentence.text)))
        for number, passage in enumerate(passages, 1)
        for sentence in quotable(passage.text)
    ]
    left = list(_scored(question, asked, passages, _of_one_page(asked, passages, candidates)))
    enough = NEAR * max((quote.score for quote in left), default=0.0)
    chosen: list[Quote] = []
    while left and len(chosen) < MOST:
        missing = asked.difference(*(quote.stems for quote in chosen))
        gains = {q: q.score + NEWS * len(missing & q.stems) / (len(asked) or 1) for q in left}
        best = max(gains, key=gains.__getitem__)
        left = [q for q in left if q is not best and not alike(q.stems, best.stems)]
        length = sum(len(quote.sentence.text) for quote in (*chosen, best))
        if gains[best] >= enough and (not chosen or length <= ENOUGH):
            chosen.append(best)
    return sorted(chosen, key=lambda q: (q.number, q.sentence.place))


def _of_one_page(
    asked: frozenset[str], passages: Sequence[Passage], candidates: Sequence[Quote]
) -> Sequence[Quote]:
    """Those of the leading document, and of others only what it has no word of.

    An answer that hops between pages does not read as one; a question may still ask two things.
    """
    leading = _leading(passages)
    own = [quote for quote in candidates if quote.number in leading]
    covered = frozenset().union(
        *(stems(f"{p.title} {' '.join(p.heading_path)} {p.text}") for p in _only(passages, leading))
    )
    missing = asked - covered
    others = [
        quote
        for quote in candidates
        if quote.number not in leading
        and quote.stems & missing
        and len(quote.stems & asked) >= max(2, len(asked) / 2)
    ]
    return [*own, *others] or candidates


def _only(passages: Sequence[Passage], numbers: frozenset[int]) -> Iterator[Passage]:
    return (passage for number, passage in enumerate(passages, 1) if number in numbers)


def _leading(passages: Sequence[Passage]) -> frozenset[int]:
    """Numbers of the passages of the document that ranks and relevance favour."""
    weights: dict[str, float] = defaultdict(float)
    for number, passage in enumerate(passages, 1):
        weights[passage.document] += (passage.relevance or 1.0) / number
    document = max(weights, key=weights.__getitem__, default="")
    return frozenset(n for n, p in enumerate(passages, 1) if p.document == document)


def _scored(
    question: str,
    asked: frozenset[str],
    passages: Sequence[Passage],
    candidates: Sequence[Quote],
) -> Iterator[Quote]:
    weights = _weights(asked, candidates)
    whole = sum(weights.values()) or 1.0
    numbers = bool(_HOW_MUCH.search(fold(question)))
    for quote in candidates:
        above = _above(quote.sentence, passages[quote.number - 1]) - quote.stems
        score = sum(weights[s] for s in asked & quote.stems) / whole
        score += sum(weights[s] for s in asked & above) / whole / 2
        score += 0.2 * (1 - (quote.number - 1) / len(passages))
        score += 0.15 * (numbers and any(c.isdigit() for c in quote.sentence.text))
        score *= _pleasantness(quote.sentence)
        yield Quote(quote.number, quote.sentence, quote.stems, score)


def _above(sentence: Sentence, passage: Passage) -> frozenset[str]:
    """What a reader has seen before the sentence: a page on a subject seldom repeats its name."""
    headings = " ".join((passage.title, *passage.heading_path, sentence.heading))
    return frozenset(stems(f"{headings} {sentence.intro}"))


def _weights(asked: frozenset[str], candidates: Sequence[Quote]) -> dict[str, float]:
    seen = Counter(stem for quote in candidates for stem in quote.stems & asked)
    count = len(candidates)
    return {stem: math.log1p(count / (1 + seen[stem])) for stem in asked}


def _pleasantness(sentence: Sentence) -> float:
    """Short scraps, very long sentences and questions say little."""
    length = len(sentence.text)
    if length > LONGEST:
        return LONGEST / length
    if sentence.text.endswith("?"):
        return 0.5
    return min(1.0, 0.4 + length / 60)


def _single(quote: Quote) -> Iterator[str]:
    sentence = quote.sentence
    if sentence.intro:
        yield f" {sentence.intro} {marked(sentence.text, quote.number)}"
    else:
        yield f" {marked(sentence.text, quote.number)}"


def _bullets(quotes: Sequence[Quote]) -> Iterator[str]:
    """Items of one list stand together below the line that introduces them."""
    yield "\n"
    intro = ""
    for quote in quotes:
        sentence = quote.sentence
        if sentence.intro and sentence.intro != intro:
            yield f"\n- {_capital(sentence.intro)}"
        intro = sentence.intro
        indent = "  " if intro else ""
        yield f"\n{indent}- {marked(_capital(sentence.text), quote.number)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
