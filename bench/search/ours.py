"""What rivals/trial.py asks of the others, asked of Palabre's retriever: the same files and phases.

python -m bench.search.ours all|ingest|reopen CORPUS FOLDER

It reads the Markdown (docs.jsonl, more-docs.jsonl) that the others' passages were cut from, filters
by tier inside the query, and judges what it found.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from bench.search.corpus import PASSAGES_A_DOCUMENT, Text
from bench.search.measuring import disk_mb, memory_mb, percentile, timed, watched_loop
from bench.search.setup import SPACE, Bench, open_bench

PLACES = 6
WARM = 20
# Turns come at this pace while documents are ingested.
PAUSE_S = 0.02
LONGEST_S = 60.0


async def run(mode: str, corpus: Path, folder: Path) -> None:
    questions = json.loads((corpus / "questions.json").read_text(encoding="utf-8"))
    say("begun", memory_mb=memory_mb("VmRSS"))
    if mode == "reopen":
        await _reopen(folder, questions[0])
        return
    bench = await open_bench(folder)
    await _ingest(bench, corpus / "docs.jsonl")
    if mode == "all":
        await _alone(bench, questions)
        await _during(bench, corpus / "more-docs.jsonl", questions)
    child = bench.weighting.pid
    beside = memory_mb("VmHWM", child) if child else 0
    begun = time.perf_counter()
    await bench.close()
    say("saved", seconds=time.perf_counter() - begun, disk_mb=disk_mb(folder / "index"))
    say("peak", memory_mb=memory_mb("VmHWM") + beside)


def say(phase: str, **figures: Any) -> None:
    print(json.dumps({"phase": phase, **figures}), flush=True)


async def _ingest(bench: Bench, file: Path) -> None:
    begun, cpu = time.perf_counter(), bench.cpu_s()
    async with watched_loop() as late:
        passages = await bench.ingest_all(_told(texts(file)))
    seconds, spent = time.perf_counter() - begun, bench.cpu_s() - cpu
    say("ingested", passages=passages, seconds=seconds, cpu_s=spent, late_ms=_late(late))


async def _alone(bench: Bench, questions: Sequence[str]) -> None:
    for question in questions[:WARM]:
        await bench.find(question, PLACES)
    times, begun, cpu = list[float](), time.perf_counter(), time.process_time()
    for question in questions[WARM:]:
        times.append(await timed(partial(bench.find, question, PLACES)))
        if time.perf_counter() - begun > LONGEST_S:
            break
    say("alone", ms=times, cpu_ms=(time.process_time() - cpu) * 1_000 / len(times))


async def _during(bench: Bench, file: Path, questions: Sequence[str]) -> None:
    """Other documents come in all the while."""
    begun, times, asked = time.perf_counter(), list[float](), itertools.cycle(questions)
    async with watched_loop() as late:
        ingesting = asyncio.create_task(bench.ingest_all(texts(file)))
        while not ingesting.done():
            times.append(await timed(partial(bench.find, next(asked), PLACES)))
            await asyncio.sleep(PAUSE_S)
    rate = await ingesting / (time.perf_counter() - begun)
    say("during", ms=times, rate=rate, late_ms=_late(late))


async def _reopen(folder: Path, question: str) -> None:
    """Twice: what was written is compacted by the first, in a process of its own."""
    begun = time.perf_counter()
    bench = await open_bench(folder)
    opened = time.perf_counter() - begun
    first = await timed(partial(bench.find, question, PLACES))
    assert await bench.index.count(SPACE)
    resident, compacting = memory_mb("VmRSS"), getrusage(RUSAGE_CHILDREN).ru_maxrss / 1e3
    await bench.close()
    begun = time.perf_counter()
    bench = await open_bench(folder)
    again = time.perf_counter() - begun
    say("reopened", seconds=opened, first_ms=first, memory_mb=resident)
    say("once more", seconds=again, compacting_mb=compacting)
    await bench.close()


def texts(file: Path) -> Iterator[Text]:
    with file.open(encoding="utf-8") as lines:
        yield from (Text(**json.loads(line)) for line in lines)


def _told(documents: Iterator[Text]) -> Iterator[Text]:
    """Says how far it came, for the one who stops it."""
    for number, text in enumerate(documents):
        if number % 500 == 0:
            say("at", passages=number * PASSAGES_A_DOCUMENT)
        yield text


def _late(late: Sequence[float]) -> dict[str, float]:
    return {"p50": percentile(late, 0.5), "p99": percentile(late, 0.99), "max": max(late)}


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
