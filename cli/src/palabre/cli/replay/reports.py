"""Then and now, side by side: on the terminal, and as a page that loads nothing."""

from collections.abc import Iterable, Iterator
from importlib import resources
from itertools import islice
from pathlib import Path

from jinja2 import Environment
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from palabre.cli.replay.differing import Pair, Summary
from palabre.cli.replay.shown import printable
from palabre.cli.replay.sides import Cited, Side, money
from palabre.cli.screen import console

MOST = 500  # turns of a page: those that changed go first
_STYLES = {"same": "", "removed": "red strike", "added": "green bold"}
_SIDE_BY_SIDE = 100  # columns of a terminal


def show(pair: Pair) -> None:
    console.print()
    console.print(Text(printable(pair.question), style="bold"))
    then = Panel(_text(pair, "removed"), title="then", subtitle=figures(pair.before))
    now = Panel(_text(pair, "added"), title="now", subtitle=figures(pair.after))
    if console.width >= _SIDE_BY_SIDE:
        both = Table.grid(expand=True, padding=(0, 1))
        both.add_column(ratio=1)
        both.add_column(ratio=1)
        both.add_row(then, now)
        console.print(both)
    else:
        console.print(then, now, sep="\n")
    for sign, sources, style in (("+", pair.gained, "green"), ("−", pair.lost, "red")):
        for source in sources:
            console.print(Text(f"  {sign} {printable(named(source))}", style=style))
    console.print(Text(f"  {verdict(pair)}", style="dim"))


def show_summary(summary: Summary) -> None:
    console.print()
    for line in summary_lines(summary):
        console.print(line, highlight=False, markup=False)


def verdict(pair: Pair) -> str:
    """In a few words."""
    if pair.is_same:
        return "the same answer"
    before, after = pair.before, pair.after
    if after.status != before.status:
        return f"{before.status} then, {' '.join(filter(None, [after.status, after.reason]))} now"
    if before.mode != after.mode:
        return f"{before.mode} then, {after.mode} now"
    return "other words" if not (pair.gained or pair.lost) else "other sources"


def summary_lines(summary: Summary) -> Iterator[str]:
    yield f"answers: {summary.turns} asked for again, {summary.changed} changed"
    yield f"sources: gained by {summary.with_gained}, lost by {summary.with_lost}"
    yield (
        f"does not know: {summary.newly_unknown} more, {summary.newly_known} fewer;"
        f" no answer now: {summary.newly_failed}"
    )
    change = summary.cost_after - summary.cost_before
    unpriced = f"; price unknown: {summary.unpriced}" if summary.unpriced else ""
    yield (
        f"cost: {money(summary.cost_before, summary.currency)} then,"
        f" {money(summary.cost_after, summary.currency)} now ({change:+f}){unpriced}"
    )
    if medians := summary.medians:
        yield f"time, median: {medians[0]:.2f} s then, {medians[1]:.2f} s now"


def figures(side: Side) -> str:
    time = f"{side.seconds:.2f} s" if side.seconds is not None else ""
    said = [side.mode or side.status, side.persona, side.model, money(side.cost, side.currency)]
    return " · ".join(filter(None, [*said, time]))


def named(source: Cited) -> str:
    return f"{source.path} ({source.document})"


def write_page(file: Path, title: str, summary: Summary, pairs: Iterable[Pair]) -> None:
    """Self-contained; nothing in it is loaded, and what people and models said is only text."""
    changed = list(islice((pair for pair in pairs if not pair.is_same), MOST))
    template = resources.files("palabre.cli.replay").joinpath("page.html.j2").read_text("utf-8")
    page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(template)
    content = page.render(
        title=title,
        lines=list(summary_lines(summary)),
        pairs=changed,
        same=summary.turns - summary.changed,
        left_out=summary.changed - len(changed),
        verdict=verdict,
        figures=figures,
        named=named,
    )
    file.write_text(content, encoding="utf-8")


def _text(pair: Pair, kept: str) -> Text:
    """One of the two texts, with what only it has marked."""
    text = Text()
    for piece in pair.pieces:
        if piece.change in ("same", kept):
            text.append(printable(piece.text), style=_STYLES[piece.change])
    return text or Text("(nothing)", style="dim")
