"""The figures of a size, side by side."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.search.measuring import percentile
from bench.search.systems import Trial

NOT_MEASURED = "–"

Phases = dict[str, dict[str, Any]]


def show(size: int, done: Sequence[Trial]) -> None:
    """A column a system; below, who was stopped and how busy the machine was."""
    table = Table(
        "", *(t.system.name for t in done), title=f"{size:,} passages", title_justify="left"
    )
    for name, figure in ROWS.items():
        table.add_row(name, *(_cell(figure, t.phases) for t in done))
    if len(done) > 1:
        table.add_row("its p50 as a multiple of ours", *(_ratio(t, done[0]) for t in done))
    console = Console(width=max(100, 30 + 24 * len(done)))
    console.print(table)
    for t in done:
        if t.stopped:
            console.print(f"{t.system.name}: {t.stopped}", highlight=False)
    others = max(t.others for t in done)
    console.print(
        f"Other processes had up to {others:.0%} of the cores meanwhile.\n", highlight=False
    )


def _cell(figure: Callable[[Phases], str], phases: Phases) -> str:
    try:
        return figure(phases)
    except KeyError:
        return NOT_MEASURED


def _times(times: Sequence[float]) -> str:
    return f"{percentile(times, 0.5):.2f} / {percentile(times, 0.99):.2f}"


def _per_passage(ingested: dict[str, Any]) -> str:
    return f"{ingested['cpu_s'] * 1_000 / ingested['passages']:.2f}"


def _ratio(trial: Trial, ours: Trial) -> str:
    try:
        theirs, own = trial.phases["alone"]["ms"], ours.phases["alone"]["ms"]
    except KeyError:
        return NOT_MEASURED
    return f"{percentile(theirs, 0.5) / percentile(own, 0.5):.1f} ×"


ROWS: dict[str, Callable[[Phases], str]] = {
    "search alone, p50 / p99 ms": lambda p: _times(p["alone"]["ms"]),
    "  CPU a search, ms": lambda p: f"{p['alone']['cpu_ms']:.2f}",
    "while ingesting, p50 / p99 ms": lambda p: _times(p["during"]["ms"]),
    "  of which failed": lambda p: str(p["during"].get("problems", 0)),
    "ingested, passages/s": lambda p: (
        f"{p['ingested']['passages'] / p['ingested']['seconds']:,.0f}"
    ),
    "  CPU a passage, ms": lambda p: _per_passage(p["ingested"]),
    "  while searched": lambda p: f"{p['during']['rate']:,.0f}",
    "event loop late, p99 / max ms": lambda p: (
        f"{p['during']['late_ms']['p99']:.1f} / {p['during']['late_ms']['max']:.1f}"
    ),
    "peak memory over its start, MB": lambda p: (
        f"{p['peak']['memory_mb'] - p['begun']['memory_mb']:,.0f}"
    ),
    "on disk, MB": lambda p: f"{p['saved']['disk_mb']:,.0f}",
    "saved and closed, s": lambda p: f"{p['saved']['seconds']:.2f}",
    "opened again, s": lambda p: f"{p['reopened']['seconds']:.2f}",
    "  first search, ms": lambda p: f"{p['reopened']['first_ms']:.1f}",
    "  memory then, MB": lambda p: f"{p['reopened']['memory_mb']:,.0f}",
    "  compacting before that, peak MB": lambda p: f"{p['once more']['compacting_mb']:,.0f}",
    "opened once more, s": lambda p: f"{p['once more']['seconds']:.2f}",
}
