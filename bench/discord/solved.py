"""A new post of a forum is shown the solved ones that it resembles: how often, and how fast.

python -m bench.discord.solved [--passages 10000] [--misses]

Posts and what people ask later are in forum.toml; they go in as the service makes documents of
them, beside the demo knowledge. The search is timed once `--passages` of other documents are there.
"""

import argparse
import asyncio
import datetime as dt
import logging
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from bench.search.corpus import Writer
from bench.search.measuring import line, timed
from bench.search.setup import SPACE, Bench, open_bench
from palabre.contracts.v1.retriever_pb2 import DocumentHeader
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.discord.cases import Told, case_of
from palabre.discord.marks import folder_of
from palabre.discord.messages import Message, Person, Place
from palabre.discord.suggesting import FLOOR, LOOKED_AT, MOST, SAME, best, query
from palabre.retriever.search import Question

ROOT = Path(__file__).parents[2]
SERVER = 1
FLOORS = (0.30, 0.34, FLOOR, 0.42, 0.46, 0.50)

Post = dict[str, Any]


async def run(passages: int, misses: bool) -> None:
    forum = tomllib.loads((Path(__file__).parent / "forum.toml").read_text(encoding="utf-8"))
    solved, unsolved = forum["solved"], forum["unsolved"]
    with tempfile.TemporaryDirectory(prefix="palabre-bench-") as folder:
        bench = await open_bench(Path(folder))
        known = sum([await _ingest(bench, *each) for each in [*_solved(solved), *_knowledge()]])
        print(f"{len(solved)} solved posts beside the demo knowledge: {known} passages")
        again = [await _find(bench, *post["again"]) for post in solved]
        others = [await _find(bench, post["title"], post["text"]) for post in unsolved]
        _tell(again, others)
        if misses:
            _tell_misses(solved, again, unsolved, others)
        added = await bench.ingest_all(Writer().texts(passages))
        print(f"\nwith {added} passages of other documents:")
        await _time(bench, [post["again"] for post in solved])
        await bench.close()


def _solved(posts: Sequence[Post]) -> Iterator[tuple[str, str, str]]:
    """Name, title and Markdown, as the service makes them."""
    asker, helper, now = Person(1, "Alice"), Person(2, "Bruno"), dt.datetime.now(dt.UTC)
    for number, post in enumerate(posts, 1):
        place = Place("post", number, SERVER, 9, name=post["title"], owner=asker.id)
        said = [
            Message(number, place, asker, post["question"], now),
            Message(number + 1_000, place, helper, post["answer"], now),
        ]
        case = case_of(Told(place, said), "fr")
        assert case, post["title"]
        yield f"{folder_of(SERVER)}/{number}", case.title, case.text


def _knowledge() -> Iterator[tuple[str, str, str]]:
    files = sorted((ROOT / "spaces" / "logement").rglob("*.md"))
    yield from ((file.name, "", file.read_text(encoding="utf-8")) for file in files)


async def _ingest(bench: Bench, name: str, title: str, text: str) -> int:
    header = DocumentHeader(space=SPACE, document=name, media_type="text/markdown", title=title)
    done = 0
    async for progress in bench.knowledge.ingest(header, text.encode(), "fr"):
        done = progress.done.passages
    return done


async def _find(bench: Bench, title: str, text: str, folder: str = folder_of(SERVER)) -> Any:
    asked = Question(
        SPACE, [query(title, text)], ("public",), ("fr",), LOOKED_AT, floor=0.0, folder=folder
    )
    return (await bench.search.find(asked)).passages


def _tell(again: Sequence[Sequence[Passage]], others: Sequence[Sequence[Passage]]) -> None:
    print(f"{'floor':>6} {'recall@1':>9} {'recall@3':>9} {'others shown':>13} {'false':>6}")
    for floor in FLOORS:
        shown = [best(found, floor)[:MOST] for found in again]
        places = [_place(found, number) for number, found in enumerate(shown, 1)]
        first, any_ = (sum(0 < p <= most for p in places) / len(places) for most in (1, MOST))
        beside = sum(len(found) - (p > 0) for found, p in zip(shown, places, strict=True))
        wrong = sum(bool(best(found, floor)) for found in others) / len(others)
        mark = "  <- chosen" if floor == FLOOR else ""
        beside_each = beside / len(places)
        print(f"{floor:6.2f} {first:9.3f} {any_:9.3f} {beside_each:13.2f} {wrong:6.3f}{mark}")
    same = [(n, p) for n, found in enumerate(again, 1) for p in best(found)[:1] if _is_same(p)]
    right = sum(_place([p], n) == 1 for n, p in same)
    never = sum(any(map(_is_same, found)) for found in others)
    print(f"told to be the same: {len(same)}, {right} of them rightly; of the others {never}")


def _tell_misses(solved: Any, again: Any, unsolved: Any, others: Any) -> None:
    for number, (post, found) in enumerate(zip(solved, again, strict=True), 1):
        if not _place(best(found)[:MOST], number):
            print(f"missed: {post['title']} <- {post['again']}")
    for post, found in zip(unsolved, others, strict=True):
        for passage in best(found):
            print(f"false: {passage.title} {passage.relevance:.2f} <- {post['title']}")


def _is_same(passage: Passage) -> bool:
    return passage.relevance >= SAME


def _place(found: Sequence[Passage], number: int) -> int:
    """From 1; 0: it is not there."""
    names = [passage.document for passage in found]
    name = f"{folder_of(SERVER)}/{number}"
    return names.index(name) + 1 if name in names else 0


async def _time(bench: Bench, posts: Sequence[tuple[str, str]]) -> None:
    for name, folder in (("within the solved posts", folder_of(SERVER)), ("within everything", "")):
        await _find(bench, *posts[0], folder)
        calls = [partial(_find, bench, *post, folder) for post in posts]
        print(line(name, [await timed(call) for call in calls]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--passages", type=int, default=10_000)
    parser.add_argument("--misses", action="store_true", help="name what was missed, and why")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    asyncio.run(run(given.passages, given.misses))


if __name__ == "__main__":
    main()
