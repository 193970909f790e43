"""Ingestion: Markdown to searchable, what it does to the event loop, and what others do with it.

uv run python -m bench.ingest
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from bench.search.compared import compare
from bench.search.corpus import Text, Writer, from_folder
from bench.search.measuring import line, memory_mb, watched_loop
from bench.search.setup import Bench, open_bench
from bench.search.systems import OURS, SYSTEMS, Limits
from palabre.contracts.v1.turns_pb2 import Passage
from palabre.retriever import documents
from palabre.retriever.passages import cut
from palabre.retriever.vectors import of_passage


async def measure(texts: list[Text], folder: Path) -> None:
    _parts(texts[:100])
    before, bench = memory_mb(), await open_bench(folder)
    await _round(bench, texts, "new")
    print(f"{'memory over baseline':<46} {memory_mb() - before:.0f} MB")
    await _round(bench, texts, "the same again")
    changed = [Text(t.name, t.markdown.replace(". ", ", ", 1)) for t in texts]
    await _round(bench, changed, "a new version, one passage of each changed")
    begun = time.perf_counter()
    await bench.close()
    print(f"{'closed':<46} {time.perf_counter() - begun:.2f} s\n")


async def _round(bench: Bench, texts: list[Text], name: str) -> None:
    begun, cpu = time.perf_counter(), bench.cpu_s()
    async with watched_loop() as late:
        passages = await bench.ingest_all(texts)
    spent, each = time.perf_counter() - begun, (bench.cpu_s() - cpu) / passages * 1_000
    came = f"{passages} passages, {len(texts)} documents"
    print(f"\n{name}: {came}: {passages / spent:.0f} passages/s, {each:.2f} ms of CPU each")
    print(line("event loop late", late))


def _parts(texts: list[Text]) -> None:
    """Where the time goes, each alone."""
    begun = time.perf_counter()
    read = [documents.read(text.name, text.markdown.encode()) for text in texts]
    parsed = time.perf_counter()
    pieces = [p for d in read for p in cut(d.sections, Passage(title=d.title, language="fr"))]
    done = time.perf_counter()
    for piece in pieces:
        of_passage(piece)
    vectors = time.perf_counter()
    for name, spent in (
        ("reading", parsed - begun),
        ("cutting", done - parsed),
        ("vectors", vectors - done),
    ):
        print(f"{name:<46} {len(pieces) / spent:.0f} passages/s alone")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000", help="passages")
    parser.add_argument("--folder", type=Path, help="Markdown to repeat instead of made-up text")
    parser.add_argument("--alone", action="store_true", help="do not compare")
    parser.add_argument("--seconds", type=float, default=600, help="for a system at one size")
    parser.add_argument("--gib", type=float, default=12, help="of memory for a system")
    options = parser.parse_args()
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as temporary:
            texts = from_folder(options.folder, size) if options.folder else Writer().texts(size)
            asyncio.run(measure(list(texts), Path(temporary)))
        if not options.alone:
            others = [system for system in SYSTEMS if system is not OURS]
            compare(size, [OURS, *others], "ingest", Limits(options.seconds, options.gib))


main()
