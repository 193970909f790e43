"""What `palabre eval` shows: figures with their intervals, and the questions that went wrong."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from palabre.cli.eval.bootstrap import Estimate
from palabre.cli.eval.outcomes import (
    FLOORLESS,
    OF_PASSAGES,
    RIGHTLY,
    SCORES,
    WRONGLY,
    Outcome,
    misses,
)
from palabre.cli.eval.reports import LATENCIES, Report
from palabre.cli.screen import console, table


def show(report: Report) -> None:
    """Two columns: as a person gets it, and what stands in the ranking below the floor."""
    asked, figures = report.questions, report.figures
    console.print(
        f"Questions: {asked['answerable']} with an answer, {asked['unanswerable']} without;"
        f" {_where(report.searched)}.",
        highlight=False,
        markup=False,
    )
    names = [name + of for of in ("", OF_PASSAGES) for name in SCORES if name + of in figures]
    rows = [(name, _share(figures[name]), _share(figures[name + FLOORLESS])) for name in names]
    rows += [(name, _share(figures[name]), "") for name in (RIGHTLY, WRONGLY) if name in figures]
    rows += [(f"latency {name}", _ms(figures[f"latency {name}"]), "") for name in LATENCIES]
    console.print()
    table("", "as asked, 95 % interval", "without the floor", rows=rows)
    if by_kind := list(_kinds(report.outcomes)):
        console.print()
        table("kind", "questions", "recall@1", "recall@5", "nothing found", rows=by_kind)


def show_misses(outcomes: Sequence[Outcome], most: int) -> None:
    """The worst of these; the floor is named where it hid what was found."""
    wrong = misses(outcomes)
    shown = wrong[:most]
    if not shown:
        return
    console.print(f"\nThe worst {len(shown)} of {len(wrong)} that did not get theirs first:")
    rows = ((Text(o.question), _became(o), Text(_wanted(o)), Text(_first(o))) for o in shown)
    text_table("question", "what came of it", "wanted", "found first", rows=rows)


def text_table(*columns: str, rows: Iterable[Iterable[object]]) -> None:
    """A table whose cells are not read as markup: questions hold brackets."""
    shown = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        shown.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in row))
    console.print(shown)


def _where(searched: dict[str, Any]) -> str:
    if "space" in searched:
        return f"space {searched['space']} on {searched['url']}"
    setting = ", ".join(f"{key} {_said(value)}" for key, value in searched["setting"].items())
    return f"{searched['documents']} documents, {searched['passages']} passages; {setting}"


def _said(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _share(e: Estimate) -> str:
    return f"{e.value:.3f}  {e.low:.3f} to {e.high:.3f}"


def _ms(e: Estimate) -> str:
    return f"{e.value:.1f}  {e.low:.1f} to {e.high:.1f} ms"


def _kinds(outcomes: Sequence[Outcome]) -> Iterable[tuple[object, ...]]:
    """Nothing when the questions have no kinds."""
    for kind in sorted({o.kind for o in outcomes} - {""}):
        of_kind = [o for o in outcomes if o.kind == kind]
        answerable = [o for o in of_kind if o.answerable]
        recalls = (
            f"{sum(SCORES[name](o.asked) for o in answerable) / len(answerable):.2f}"
            if answerable
            else ""
            for name in ("recall@1", "recall@5")
        )
        nothing = sum(o.nothing for o in of_kind)
        yield kind, len(of_kind), *recalls, nothing


def _became(outcome: Outcome) -> str:
    if not outcome.answerable:
        return f"answered, relevance {outcome.relevance:.2f}"
    if outcome.asked.places:
        return f"place {min(outcome.asked.places)}"
    below = f", place {min(outcome.all.places)} below the floor" if outcome.all.places else ""
    return f"{'nothing found' if outcome.nothing else 'not found'}{below}"


def _wanted(outcome: Outcome) -> str:
    return ", ".join(outcome.documents) or "nothing"


def _first(outcome: Outcome) -> str:
    return outcome.found[0] if outcome.found else ""
