"""Search beside what one would use instead: the same passages and questions, in one run.

uv run python -m bench.search                                  # 1,000 and 10,000 passages
uv run python -m bench.search --sizes 1000,50000,500000 --json figures.json
uv run python -m bench.search --quality FOLDER QUESTIONS.jsonl  # how well, on your own documents
"""

import argparse
import asyncio
import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.search import quality
from bench.search.compared import compare
from bench.search.setup import open_bench
from bench.search.systems import SYSTEMS, Limits, System

# Passages up to which every system has the same time.
FULL_TIME = 100_000


async def measure_quality(folder: Path, questions: Path, languages: str) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        bench = await open_bench(Path(temporary), tuple(languages.split(",")))
        await quality.measure(bench, quality.texts_of(folder), quality.questions_of(questions))
        await bench.index.close()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quality", nargs=2, type=Path, metavar=("FOLDER", "QUESTIONS"))
    parser.add_argument("--languages", default="fr", help="of the space, such as fr,en")
    parser.add_argument("--sizes", default="1000,10000", help="passages")
    parser.add_argument(
        "--only", default="", help="systems, by a part of their names: palabre,chroma"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=600,
        help=f"for a system at one size; in proportion more above {FULL_TIME:,} passages",
    )
    parser.add_argument("--gib", type=float, default=12, help="of memory for a system")
    parser.add_argument("--json", type=Path, help="keep all figures here")
    return parser.parse_args()


def chosen(only: str) -> list[System]:
    parts = [part.lower() for part in only.split(",")]
    return [s for s in SYSTEMS if any(part in s.name.lower() for part in parts)]


def main() -> None:
    options = arguments()
    if options.quality:
        folder, questions = options.quality
        asyncio.run(measure_quality(folder, questions, options.languages))
        return
    kept = {}
    for size in map(int, options.sizes.split(",")):
        limits = Limits(options.seconds * max(1, size / FULL_TIME), options.gib)
        done = compare(size, chosen(options.only), "all", limits)
        kept[size] = [asdict(each) for each in done]
    if options.json:
        found = {"cores": os.cpu_count(), "load": os.getloadavg(), "sizes": kept}
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


main()
