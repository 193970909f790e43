"""How documents of each format are read: what survives, how long it takes, how much memory.

uv run python -m bench.reading                 # beside markitdown, in an environment of its own
uv run python -m bench.reading --without-rival

Words are those of the source that are found again; a table is whole when every row makes sense by
itself; a page is right when the passage knows on which one it stands.
"""

import argparse
import asyncio
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.overhead.machine import uv_path
from palabre.retriever.documents import Document, read
from palabre.retriever.documents.isolation import Isolated
from tests.making import files
from tests.making.texts import Part, Text, text

RIVAL = Path(__file__).with_name("markitdown_script.py")
TEXTS = 7
SIZES = {"docx of 10 pages": 10, "pdf of 50 pages": 50, "epub of 300 pages": 300}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--without-rival", action="store_true")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print(_peak(Path(options.peak)))
        return
    with tempfile.TemporaryDirectory() as folder:
        made = _made(Path(folder))
        rival = {} if options.without_rival else _rival(Path(folder))
        _print_survival(made, rival)
        asyncio.run(_print_speed(Path(folder)))


def _made(folder: Path) -> dict[Path, Text]:
    made = {}
    for suffix, make in files.FORMATS.items():
        for number in range(TEXTS):
            file = folder / f"{number}.{suffix}"
            made[file] = text(number)
            file.write_bytes(make(made[file]))
    return made


def _print_survival(made: dict[Path, Text], rival: dict[str, str]) -> None:
    print("| format | words | tables | pages | markitdown: words | tables |")
    print("|---|---|---|---|---|---|")
    for suffix in files.FORMATS:
        ours = [
            (t, read(f.name, f.read_bytes())) for f, t in made.items() if f.suffix[1:] == suffix
        ]
        theirs = [(t, rival.get(f.name, "")) for f, t in made.items() if f.suffix[1:] == suffix]
        row = [
            _share(_words(_said(d), t) for t, d in ours),
            _share(_tables(_said(d), t) for t, d in ours),
            _share(_pages(d, t) for t, d in ours)
            if any(s.page for s in ours[0][1].sections)
            else "",
            _share(_words(s, t) for t, s in theirs) if any(s for _, s in theirs) else "–",
            _share(_tables(s, t) for t, s in theirs) if any(s for _, s in theirs) else "–",
        ]
        print(f"| {suffix} | {' | '.join(row)} |", flush=True)


def _said(document: Document) -> str:
    headings = {heading for s in document.sections for heading in s.headings}
    blocks = [block.text for s in document.sections for block in s.blocks]
    return "\n".join([document.title, *headings, *blocks])


def _words(said: str, made: Text) -> float:
    wanted = _counted(made.words())
    return 1 - (wanted - _counted([said])).total() / wanted.total()


def _counted(texts: Iterable[str]) -> Counter[str]:
    return Counter(re.findall(r"\w+", unicodedata.normalize("NFC", " ".join(texts))))


def _tables(said: str, made: Text) -> float:
    lines = {re.sub(r"\s+", " ", line) for line in said.split("\n")}
    return _mean([_row(row) in lines for part in made.parts for row in part.table])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _pages(document: Document, made: Text) -> float:
    first = min(s.page for s in document.sections if made.parts[0].heading in s.headings)
    return _mean([_is_on(document, part, first + n) for n, part in enumerate(made.parts)])


def _is_on(document: Document, part: Part, page: int) -> bool:
    return {s.page for s in document.sections if part.heading in s.headings} == {page}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _share(values: Iterable[float]) -> str:
    return f"{_mean(list(values)):.2%}"


def _rival(folder: Path) -> dict[str, str]:
    """Name to Markdown; empty where uv or the package cannot be had."""
    uv = uv_path() or "uv"
    command = [uv, "run", "--quiet", "--no-project", "--script", str(RIVAL), str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        print("markitdown is left out: uv could not install it", file=sys.stderr)
        return {}
    said = json.loads(done.stdout)
    print(f"markitdown: {said['start_s']:.2f} s to start, {said['peak_mb']:.0f} MB at most")
    markdown: dict[str, str] = said["markdown"]
    return markdown


async def _print_speed(folder: Path) -> None:
    print("\n| document | first, s | next, s | peak, MB | KiB of text |")
    print("|---|---|---|---|---|")
    for name, pages in SIZES.items():
        suffix = name.split()[0]
        file = folder / f"large.{suffix}"
        await asyncio.to_thread(file.write_bytes, files.FORMATS[suffix](_long(pages)))
        data, isolated, took = await asyncio.to_thread(file.read_bytes), Isolated(), []
        for _ in range(4):
            begun = time.perf_counter()
            document = await isolated.read(file.name, data)
            took.append(time.perf_counter() - begun)
        await isolated.close()
        peak, size = await asyncio.to_thread(_measured, file), len(_said(document)) / 1024
        print(
            f"| {name} | {took[0]:.2f} | {min(took[1:]):.2f} | {peak:.0f} | {size:.0f} |",
            flush=True,
        )


def _long(pages: int) -> Text:
    """Each part fills about a page."""
    parts = [part for number in range(pages) for part in text(number, parts=1).parts]
    return Text("Un long document", parts)


def _measured(file: Path) -> float:
    command = [sys.executable, "-m", "bench.reading", "--peak", str(file)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _peak(file: Path) -> float:
    """Megabytes of a process that reads nothing else."""
    read(file.name, file.read_bytes())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
