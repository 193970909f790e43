"""Two results of the same questions: what differs, and whether that can be chance."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from palabre.cli.eval import bootstrap
from palabre.cli.eval.bootstrap import Difference
from palabre.cli.eval.outcomes import MEASURES, Measure, Outcome
from palabre.cli.eval.reports import LATENCIES, Report
from palabre.cli.eval.tables import text_table
from palabre.cli.screen import console, errors
from palabre.cli.server import Trouble

CHANCE = 0.05
# Whose questions are listed.
LISTED = "recall@5"


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure over the questions that both have."""

    measure: Measure
    a: float
    b: float
    difference: Difference
    gained: tuple[Outcome, ...]
    lost: tuple[Outcome, ...]

    @property
    def verdict(self) -> str:
        """In plain words."""
        d = self.difference
        if not self.gained and not self.lost:
            return "the same"
        if d.p < CHANCE:
            return "better" if d.value * self.measure.good > 0 else "worse"
        return "not shown"


def compared(a: Report, b: Report) -> list[Compared]:
    """Raises Trouble when they have no question in common."""
    pairs = _pairs(a, b)
    return [found for measure in MEASURES if (found := _of(measure, pairs))]


def show(a: Report, b: Report, listed: int) -> None:
    """Raises Trouble."""
    found = compared(a, b)
    console.print("\nFrom A to B:", style="bold")
    console.print(f"A: {_varied(a, b)}\nB: {_varied(b, a)}\n", markup=False, highlight=False)
    text_table("", "A", "B", "B − A, 95 % interval", "p", "+", "−", "B is", rows=_rows(found))
    _show_latency(a, b)
    for either in found:
        if either.measure.name == LISTED:
            console.print(_resolution(either.difference), highlight=False)
            _list("gained", either.gained, listed)
            _list("lost", either.lost, listed)


def _pairs(a: Report, b: Report) -> list[tuple[Outcome, Outcome]]:
    theirs = {outcome.key: outcome for outcome in b.outcomes}
    pairs = [
        (outcome, other)
        for outcome in a.outcomes
        if (other := theirs.get(outcome.key)) and other.documents == outcome.documents
    ]
    if not pairs:
        raise Trouble("the two results have no question in common: evaluate the same file twice")
    if len(pairs) < max(len(a.outcomes), len(b.outcomes)):
        left_out = len(a.outcomes) + len(b.outcomes) - 2 * len(pairs)
        errors.print(f"{left_out} questions are left out: only one of the results has them.")
    return pairs


def _of(measure: Measure, pairs: Iterable[tuple[Outcome, Outcome]]) -> Compared | None:
    """None when it is about none of them."""
    both = [(a, b) for a, b in pairs if measure.applies(a) and measure.applies(b)]
    if not both:
        return None
    of_a, of_b = (np.array([measure.worth(pair[side]) for pair in both]) for side in (0, 1))
    better = (of_b - of_a) * measure.good
    return Compared(
        measure,
        float(of_a.mean()),
        float(of_b.mean()),
        bootstrap.difference(of_a, of_b),
        gained=tuple(b for (_, b), change in zip(both, better, strict=True) if change > 0),
        lost=tuple(b for (_, b), change in zip(both, better, strict=True) if change < 0),
    )


def _rows(found: Iterable[Compared]) -> Iterator[tuple[object, ...]]:
    for c in found:
        d = c.difference
        interval = f"{d.value:+.3f}  {d.low:+.3f} to {d.high:+.3f}"
        moved = len(c.gained), len(c.lost)
        p = f"{d.p:.3f}" if d.p >= 0.001 else "<0.001"
        yield c.measure.name, f"{c.a:.3f}", f"{c.b:.3f}", interval, p, *moved, c.verdict


def _show_latency(a: Report, b: Report) -> None:
    said = (
        f"{name[len('latency ') :]} {a.figures[name].value:.1f} → {b.figures[name].value:.1f}"
        for name in (f"latency {share}" for share in LATENCIES)
    )
    console.print(f"Latency, each when it ran: {', '.join(said)} ms.", highlight=False)


def _resolution(d: Difference) -> str:
    """What `not shown` leaves open."""
    reach = max(abs(d.low), abs(d.high))
    return (
        f"“Not shown” is no difference that these {d.of} questions could show; in {LISTED} it"
        f" may still be as large as {reach:.2f}. + and − count the questions gained and lost."
    )


def _varied(report: Report, other: Report) -> str:
    """What this one has and the other has not."""
    mine, theirs = _flat(report), _flat(other)
    own = [f"{key} {value}" for key, value in mine.items() if theirs.get(key) != value]
    return ", ".join(own) or f"evaluated at {report.made_at}"


def _flat(report: Report) -> Mapping[str, object]:
    searched: dict[str, object] = dict(report.searched)
    setting = searched.pop("setting", None)
    return searched | (setting if isinstance(setting, dict) else {})


def _list(what: str, outcomes: tuple[Outcome, ...], most: int) -> None:
    shown = outcomes[:most]
    if shown:
        console.print(f"\n{LISTED}: {len(outcomes)} {what}")
    for outcome in shown:
        console.print(f"  {outcome.question}", markup=False, highlight=False)
