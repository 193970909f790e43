"""Finds passages for a question: its forms' rankings are fused, then weighed by coverage."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

from palabre.chassis import telemetry, tracing
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever import metrics, vectors
from palabre.retriever.coverage import Coverage
from palabre.retriever.index import Index
from palabre.retriever.index.port import DENSE, Meaning
from palabre.retriever.index.ranking import Ranked
from palabre.retriever.passages import Indexed
from palabre.retriever.reranking import Reranking
from palabre.retriever.twins import Twins

# Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009): sum of weight / (k + rank). A small k
# trusts the first ranks; this and the weights are measured, see bench/search/README.md.
RRF_K = 10
# The asker's own words against a form that was made from them.
FURTHER_FORM = 0.5
# What a field's ranking counts.
WEIGHTS = {vectors.TEXT: 1.0, vectors.TITLE: 0.8, vectors.LETTERS: 1.0, DENSE: 1.0}
# What a passage's relevance adds to its fused score: a passage that covers all doubles it.
COVERED = 1.0
# Candidates a ranking.
DEPTH = 50
# When copies of a few passages fill them; and how many passages are read for it.
DEEPER, MAX_READ = 200, 200
# So many first places go to as many documents; then passages follow as they rank.
DOCUMENTS = 5
# What the best passage must cover of the question, or nothing was found; see coverage.py.
FLOOR = 0.32
# Share of the floor below which a passage is noise, beside the best one and to who reads it.
_NOISE = 0.5
# Forms of a question that are searched for, the main one included.
MAX_FORMS = 8


@dataclass(frozen=True, slots=True)
class Question:
    """What is searched for, and for whom. `forms[0]` is the main form, `tiers` who may read.

    `folder`: only documents below it; empty: all.

    `read`: a model will judge whether the passages answer. It tells that far better than a floor,
    which then only keeps noise from it.
    """

    space: str
    forms: Sequence[str]
    tiers: Collection[str]
    languages: Sequence[str]
    limit: int
    floor: float | None = None
    read: bool = False
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """Passages best first, how many candidates were left out, and how long it took.

    `doubtful`: none reached the floor, and there are some only because they will be read.
    """

    passages: list[Passage]
    below_floor: int
    search_ms: float
    doubtful: bool = False


class Search:
    """Safe to share between tasks."""

    def __init__(
        self,
        index: Index,
        clock: Callable[[], float] = time.monotonic,
        reranking: Reranking | None = None,
        documents: int = DOCUMENTS,
    ) -> None:
        """So many first places go to as many `documents`."""
        self._index = index
        self._clock = clock
        self._coverage = Coverage(index, clock)
        self._reranking, self._documents = reranking, documents
        self._twins = Twins()

    async def find(self, question: Question) -> Found:
        """Raises Unavailable. A question with no word in it finds nothing."""
        with tracing.step("search") as span:
            found = await self._find(question)
            span.set_attributes({
                "palabre.passages": len(found.passages),
                "palabre.below_floor": found.below_floor,
                "palabre.doubtful": found.doubtful,
            })  # fmt: skip
        return found

    async def _find(self, question: Question) -> Found:
        begun = self._clock()
        forms = [form for form in question.forms if form.strip()][:MAX_FORMS]
        asked = [vectors.of_question(form, question.languages) for form in forms]
        meaning = await self._index.meaning(question.space, forms)
        main = forms[0] if forms else ""
        for depth in (DEPTH, DEEPER):
            scores = await self._scores(question, asked, meaning, depth)
            candidates = await self._distinct(question, main, scores)
            if len(candidates) >= question.limit or len(scores) < depth:
                break
        judged, floor = await self._judged(question, main, candidates)
        best = max((each.passage.relevance for each in judged), default=0.0)
        passages = _above(floor * _NOISE, judged) if best >= floor or question.read else []
        told = diverse(passages, self._documents)[: question.limit]
        seconds = self._clock() - begun
        telemetry.observe(metrics.SEARCH_SECONDS, seconds)
        metrics.SEARCH_PASSAGES.observe(len(told))
        return Found(
            passages=told,
            below_floor=len(judged) - len(passages),
            search_ms=seconds * 1_000,
            doubtful=best < floor and bool(passages),
        )

    async def _scores(
        self,
        question: Question,
        asked: Sequence[Mapping[str, vectors.Sparse]],
        meaning: Meaning,
        depth: int,
    ) -> dict[str, float]:
        rankings = await self._index.rank(
            question.space, asked, question.tiers, depth, meaning, question.folder
        )
        fields = (*vectors.FIELDS, DENSE) if meaning else vectors.FIELDS
        return fuse(rankings, _weights(len(asked), fields))

    async def _distinct(
        self, question: Question, main: str, scores: Mapping[str, float]
    ) -> list[Indexed]:
        """The best ones with their coverage, of passages that say the same one."""
        # Twice as many as wanted: some fall below the floor, or behind other documents.
        wanted = max(2 * question.limit, self._reranking.candidates if self._reranking else 0)
        best = sorted(scores, key=lambda identity: (-scores[identity], identity))
        found: list[Indexed] = []
        distinct: list[Indexed] = []
        for ids in batched(best[:MAX_READ], wanted):
            read = await self._fetch(question, ids, scores)
            await self._coverage.judge(
                question.space, main, question.languages, question.tiers, read
            )
            for each in read:
                each.passage.score *= 1 + COVERED * each.passage.relevance
            found = sorted(found + read, key=lambda each: (-each.passage.score, each.passage.id))
            distinct = self._twins.collapse(question.space, found, question.languages)
            if len(distinct) >= wanted:
                break
        return distinct[:wanted]

    async def _judged(
        self, question: Question, main: str, candidates: Sequence[Indexed]
    ) -> tuple[Sequence[Indexed], float]:
        """Candidates with their relevance, and the floor that it is measured on."""
        floor = FLOOR if question.floor is None else question.floor
        if self._reranking and (read := await self._reranking.judge(main, candidates)) is not None:
            return read, floor and self._reranking.floor
        return candidates[: 2 * question.limit], floor

    async def _fetch(
        self, question: Question, ids: Sequence[str], scores: Mapping[str, float]
    ) -> list[Indexed]:
        """In this order, with their scores, without those that went meanwhile."""
        records = await self._index.fetch(question.space, ids)
        found = [records[identity] for identity in ids if identity in records]
        for each in found:
            each.passage.score = scores[each.passage.id]
        return found


def fuse(rankings: Iterable[Sequence[Ranked]], weights: Iterable[float]) -> dict[str, float]:
    """Score by id; rankings of the same weight count the same, whatever their scores were."""
    scores: defaultdict[str, float] = defaultdict(float)
    for ranking, weight in zip(rankings, weights, strict=True):
        for ranked in ranking:
            scores[ranked.id] += weight / (RRF_K + ranked.rank)
    return scores


def diverse(passages: Iterable[Passage], documents: int = DOCUMENTS) -> list[Passage]:
    """The same passages; the first ones are the best of so many documents, the others follow."""
    seen: set[str] = set()
    first: list[Passage] = []
    later: list[Passage] = []
    for passage in passages:
        leads = passage.document not in seen and len(seen) < documents
        seen.add(passage.document)
        (first if leads else later).append(passage)
    return first + later


def _above(least: float, candidates: Sequence[Indexed]) -> list[Passage]:
    return [c.passage for c in candidates if c.passage.relevance >= least]


def _weights(forms: int, fields: Sequence[str]) -> list[float]:
    """A weight per ranking: each form has one per field."""
    per_form = [1.0 if form == 0 else FURTHER_FORM for form in range(forms)]
    return [weight * WEIGHTS[field] for weight in per_form for field in fields]
