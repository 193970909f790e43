"""Search: how fast, alone and while documents come in; with --quality, how well.

uv run python -m bench.search
uv run python -m bench.search --quality FOLDER QUESTIONS.jsonl
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.search import chroma, quality
from bench.search.corpus import Text, Writer, from_folder
from bench.search.measuring import line, memory_mb, percentile, timed, watched_loop
from bench.search.setup import SPACE, Bench, open_bench

QUESTIONS = 400
# Turns come at this pace while documents are ingested.
PAUSE_S = 0.02


async def speed(passages: int, source: Path | None, folder: Path) -> tuple[list[Text], list[float]]:
    """Prints one size's figures; gives back what the others are measured with."""
    writer = Writer()
    texts = list(from_folder(source, passages) if source else writer.texts(passages))
    questions = [writer.question() for _ in range(QUESTIONS)] if not source else _titles(texts)
    before, bench = memory_mb(), await open_bench(folder)
    begun = time.perf_counter()
    ingested = await bench.ingest_all(texts)
    print(f"\n{ingested} passages, ingested at {ingested / (time.perf_counter() - begun):.0f}/s")
    print(f"{'memory over baseline':<46} {memory_mb() - before:.0f} MB")
    alone = await _alone(bench, questions)
    print(line("search: three sparse fields and a filter", alone))
    await _while_ingesting(bench, questions, max(1_000, passages // 10))
    await bench.index.close()
    await _reopen(folder, questions[0])
    return texts, alone


async def _alone(bench: Bench, questions: Sequence[str]) -> list[float]:
    for question in questions[:20]:
        await bench.find(question)
    return [await timed(partial(bench.find, question)) for question in questions]


async def _while_ingesting(bench: Bench, questions: Sequence[str], passages: int) -> None:
    """Other documents come in all the while."""
    others = (Text(f"n{t.name}", t.markdown) for t in Writer(2).texts(passages))
    begun, times, asked = time.perf_counter(), list[float](), itertools.cycle(questions)
    async with watched_loop() as late:
        ingesting = asyncio.create_task(bench.ingest_all(others))
        while not ingesting.done():
            times.append(await timed(partial(bench.find, next(asked))))
            await asyncio.sleep(PAUSE_S)
    rate = await ingesting / (time.perf_counter() - begun)
    print(line(f"search while ingesting ({rate:.0f}/s)", times))
    print(line("event loop late, while both go on", late))


async def _reopen(folder: Path, question: str) -> None:
    begun = time.perf_counter()
    bench = await open_bench(folder)
    opened = time.perf_counter() - begun
    first = await timed(partial(bench.find, question))
    count = await bench.index.count(SPACE)
    print(f"{'opened again':<46} {opened:.2f} s for {count}, first search {first:.1f} ms")
    await bench.index.close()


def _titles(texts: Sequence[Text]) -> list[str]:
    """First lines that say something, for folders without questions."""
    heads = ((x for x in t.markdown.splitlines() if x.startswith(("# ", "title"))) for t in texts)
    return [next(lines, "").partition(" ")[2] for lines in heads][:QUESTIONS]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quality", nargs=2, type=Path, metavar=("FOLDER", "QUESTIONS"))
    parser.add_argument("--languages", default="fr", help="of the space, such as fr,en")
    parser.add_argument("--sizes", default="1000,50000", help="passages")
    parser.add_argument("--folder", type=Path, help="Markdown to repeat instead of made-up text")
    parser.add_argument("--no-chroma", action="store_true", help="do not compare")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        if options.quality:
            bench = await open_bench(Path(temporary), tuple(options.languages.split(",")))
            folder, questions = options.quality
            await quality.measure(bench, quality.texts_of(folder), quality.questions_of(questions))
            await bench.index.close()
            return
        for size in map(int, options.sizes.split(",")):
            folder = Path(temporary) / str(size)
            texts, alone = await speed(size, options.folder, folder)
            if not options.no_chroma:
                theirs = await asyncio.to_thread(chroma.compare, texts, folder)
                _say(theirs, percentile(alone, 0.5), percentile(alone, 0.99))


def _say(theirs: chroma.Figures | None, p50: float, p99: float) -> None:
    if not theirs:
        return
    p50, p99 = percentile(theirs.times_ms, 0.5) / p50, percentile(theirs.times_ms, 0.99) / p99
    print(line("LangChain + Chroma, its model not counted", theirs.times_ms))
    print(f"{'  ingested, memory over baseline':<46} {theirs.rate:.0f}/s, {theirs.mb:.0f} MB")
    print(f"{'  its time in ours':<46} p50 {p50:.1f} x, p99 {p99:.1f} x")


asyncio.run(main())
