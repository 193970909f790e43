"""How well questions find their document, with bootstrap intervals; and when nothing is found."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.search.corpus import Text
from bench.search.setup import Bench
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever.search import FLOOR

PLACES = 10
RESAMPLES = 2_000
NOWHERE = PLACES + 1


@dataclass(frozen=True, slots=True)
class Asked:
    question: str
    document: str | None


def texts_of(folder: Path) -> list[Text]:
    return [Text(f.name, f.read_text(encoding="utf-8")) for f in sorted(folder.glob("*.md"))]


def questions_of(file: Path) -> list[Asked]:
    """A line each: {"question": …, "document": a file's name, or null}."""
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return [Asked(line["question"], line["document"]) for line in lines]


async def measure(bench: Bench, texts: Sequence[Text], asked: Sequence[Asked]) -> None:
    """Prints recall and mean reciprocal rank, without the floor, then with it."""
    passages = await bench.ingest_all(texts)
    answerable = [a for a in asked if a.document]
    print(f"{len(texts)} documents, {passages} passages, {len(answerable)} questions with answer")
    for name, floor in (("without the floor", 0.0), (f"with the floor ({FLOOR})", None)):
        ranks = [await _rank(bench, a, floor) for a in answerable]
        print(f"\n{name}")
        print(_interval("recall@1", ranks, lambda rank: rank == 1))
        print(_interval("recall@5", ranks, lambda rank: rank <= 5))
        print(_interval("MRR@10", ranks, lambda rank: 1 / rank if rank <= PLACES else 0))
    await _abstention(bench, asked)


async def _abstention(bench: Bench, asked: Sequence[Asked]) -> None:
    nothing = {a: not (await bench.find(a.question)).passages for a in asked}
    answerable = [nothing[a] for a in asked if a.document]
    unanswerable = [nothing[a] for a in asked if not a.document]
    print(f"\nfinds nothing though there is an answer  {_share(answerable)}")
    print(f"finds nothing where there is none        {_share(unanswerable)}")


async def _rank(bench: Bench, asked: Asked, floor: float | None) -> int:
    """Of the first passage of the right document among the first ones, as an asker gets them."""
    passages: list[Passage] = (await bench.find(asked.question, PLACES, floor)).passages
    places = (n for n, p in enumerate(passages, start=1) if p.document == asked.document)
    return next(places, NOWHERE)


def _interval(name: str, ranks: Sequence[int], value: Callable[[int], float]) -> str:
    """Mean and the 95 % interval of a percentile bootstrap over questions."""
    values, chance = [float(value(rank)) for rank in ranks], random.Random(1)
    means = sorted(
        sum(chance.choices(values, k=len(values))) / len(values) for _ in range(RESAMPLES)
    )
    low, high = means[int(RESAMPLES * 0.025)], means[int(RESAMPLES * 0.975)]
    return f"  {name:<10} {sum(values) / len(values):.3f}  [{low:.3f}, {high:.3f}]"


def _share(values: Sequence[bool]) -> str:
    return f"{sum(values) / len(values):.3f} of {len(values)}" if values else "no such question"
