"""The relevance floor: how often nothing is found, with an answer to be found and without.

uv run python -m bench.search.calibrate NAME=FOLDER,QUESTIONS.jsonl[,fr+en] NAME=…

Questions without an answer are made of those with one: each is asked without its document and the
copies of it, and asked of the other folders. They are labelled as well as that can be: a neighbour
of what was left out, or another folder, may still answer.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.search.quality import Asked, questions_of, texts_of
from bench.search.setup import Bench, open_bench

FLOORS = [n / 100 for n in (20, 24, 26, 28, 30, 31, 32, 33, 34, 35, 36, 38, 40, 45, 50, 60)]
LIMIT = 12
# Of which those of the document that is left out are taken away.
MANY = 50


async def best(bench: Bench, asked: Asked, without: str | None = None) -> float:
    """Relevance of the most relevant passage."""
    limit = MANY if without else LIMIT
    found = (await bench.find(asked.question, limit, 0.0)).passages
    left = [p for p in found if without not in {p.document, *p.also_in}]
    return max((p.relevance for p in left[:LIMIT]), default=0.0)


async def measured(
    bench: Bench, name: str, sets: dict[str, list[Asked]]
) -> dict[str, dict[str, list[float]]]:
    """Relevance by kind of question and set, in this folder."""
    own = sets[name]
    answered = [a for a in own if a.document]
    none = {
        f"{name}, document left out": [await best(bench, a, a.document) for a in answered],
        f"{name}, none": [await best(bench, a) for a in own if not a.document],
    }
    for other, asked in sets.items():
        if other != name:
            none[f"{other} on {name}"] = [await best(bench, a) for a in asked]
    return {"answered": {name: [await best(bench, a) for a in answered]}, "not": none}


def table(kinds: dict[str, list[float]]) -> Iterable[str]:
    """A line a floor: the share that is below it, by set that has questions."""
    kinds = {name: values for name, values in kinds.items() if values}
    for number, (name, values) in enumerate(kinds.items(), start=1):
        yield f"  ({number}) {name}, {len(values)} questions"
    yield "  floor  " + "  ".join(f"  ({number})" for number in range(1, len(kinds) + 1))
    for floor in FLOORS:
        shares = (sum(value < floor for value in values) / len(values) for values in kinds.values())
        yield f"  {floor:.2f}   " + "  ".join(f"{share:5.3f}" for share in shares)


async def run(named: Sequence[str]) -> None:
    folders: dict[str, tuple[Path, tuple[str, ...]]] = {}
    sets: dict[str, list[Asked]] = {}
    for each in named:
        name, _, parts = each.partition("=")
        path, questions, *codes = parts.split(",")
        folders[name] = Path(path), tuple("+".join(codes or ["fr"]).split("+"))
        sets[name] = questions_of(Path(questions))
    answered: dict[str, list[float]] = {}
    unanswered: dict[str, list[float]] = {}
    for name, (folder, languages) in folders.items():
        with tempfile.TemporaryDirectory() as temporary:
            bench = await open_bench(Path(temporary), languages)
            await bench.ingest_all(texts_of(folder))
            found = await measured(bench, name, sets)
            await bench.close()
        answered |= found["answered"]
        unanswered |= found["not"]
    print("nothing found, though there is an answer", *table(answered), sep="\n")
    print("\nnothing found, where there is none", *table(unanswered), sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="+", metavar="NAME=FOLDER,QUESTIONS[,LANGUAGES]")
    asyncio.run(run(parser.parse_args().sets))


main()
