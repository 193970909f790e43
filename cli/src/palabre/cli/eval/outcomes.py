"""What became of each question, and what that is worth: the measures of retrieval."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

# Passages that are looked at.
PLACES = 10


@dataclass(frozen=True, slots=True)
class Ranks:
    """Where what was wanted stands: from 1, within PLACES; `wanted` is how much of it there is."""

    places: tuple[int, ...] = ()
    wanted: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one question. `asked` is what a person gets; `all` the same without the floor."""

    key: str
    question: str
    documents: tuple[str, ...]
    kind: str = ""
    asked: Ranks = Ranks()
    all: Ranks = Ranks()
    # The same of passages, for questions that say which.
    passages_asked: Ranks | None = None
    passages_all: Ranks | None = None
    nothing: bool = False
    # Of the best passage without the floor.
    relevance: float = 0.0
    # Documents of the first passages, as asked; without the floor where that found nothing.
    found: tuple[str, ...] = ()
    ms: float = 0.0

    @property
    def answerable(self) -> bool:
        return bool(self.documents)


Score = Callable[[Ranks], float]


def recall(k: int) -> Score:
    """The share of what was wanted among the first k, of at most k."""
    return lambda ranks: sum(p <= k for p in ranks.places) / min(k, ranks.wanted)


def reciprocal_rank(ranks: Ranks) -> float:
    return 1 / min(ranks.places) if ranks.places else 0.0


def ndcg(ranks: Ranks) -> float:
    """Each document counts once, at its first passage; all are worth the same."""
    ideal = range(1, min(PLACES, ranks.wanted) + 1)
    # Two passages that were wanted may stand in one.
    return min(1.0, sum(map(_gain, ranks.places)) / sum(map(_gain, ideal)))


def _gain(place: int) -> float:
    return 1 / math.log2(1 + place)


SCORES: dict[str, Score] = {
    "recall@1": recall(1),
    "recall@5": recall(5),
    "MRR@10": reciprocal_rank,
    "nDCG@10": ndcg,
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A name, which outcomes it is about, and what each is worth. `good` is which way is better."""

    name: str
    applies: Callable[[Outcome], bool]
    worth: Callable[[Outcome], float]
    good: int = 1


def _answerable(outcome: Outcome) -> bool:
    return outcome.answerable


def _says_passage(outcome: Outcome) -> bool:
    return outcome.passages_asked is not None


def _ranked(
    suffix: str, applies: Callable[[Outcome], bool], ranks: Callable[[Outcome], Ranks | None]
) -> Iterator[Measure]:
    def worth(score: Score) -> Callable[[Outcome], float]:
        return lambda outcome: score(ranks(outcome) or Ranks())

    for name, score in SCORES.items():
        yield Measure(f"{name}{suffix}", applies, worth(score))


OF_PASSAGES, FLOORLESS = " of passages", " without the floor"
RIGHTLY, WRONGLY = "nothing found, rightly", "nothing found, wrongly"
MEASURES = (
    *_ranked("", _answerable, lambda o: o.asked),
    *_ranked(FLOORLESS, _answerable, lambda o: o.all),
    *_ranked(OF_PASSAGES, _says_passage, lambda o: o.passages_asked),
    *_ranked(OF_PASSAGES + FLOORLESS, _says_passage, lambda o: o.passages_all),
    Measure(RIGHTLY, lambda o: not o.answerable, lambda o: float(o.nothing)),
    Measure(WRONGLY, _answerable, lambda o: float(o.nothing), good=-1),
)


def misses(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Those that did not get what they wanted in the first place, the worst first."""
    return sorted((o for o in outcomes if _worth(o) < 1), key=_worth)


def _worth(outcome: Outcome) -> float:
    return reciprocal_rank(outcome.asked) if outcome.answerable else float(outcome.nothing)
