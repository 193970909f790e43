"""The result as a picture: SVG that follows the reader's light or dark mode.

Colours are Okabe and Ito's, which people with any colour vision tell apart; lines also differ in
their dashes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from palabre.cli.eval import bootstrap
from palabre.cli.eval.bootstrap import Estimate
from palabre.cli.eval.outcomes import PLACES, Outcome, Ranks, recall
from palabre.cli.eval.reports import Report

WIDTH, HEIGHT = 920, 440
TOP, BOTTOM = 96, 372
FLOORS = np.linspace(0, 1, 101)
# What is aimed at: nothing found, at least and at most.
RIGHTLY_AIM, WRONGLY_AIM = 0.90, 0.05

Point = tuple[float, float]

_STYLE = """
svg { color-scheme: light dark;
  --paper: #ffffff; --ink: #1f2328; --soft: #59636e; --grid: #d8dee4;
  --one: #0072b2; --two: #d55e00; --good: #009e73;
  font: 13px system-ui, sans-serif; fill: var(--ink); background: var(--paper) }
@media (prefers-color-scheme: dark) { svg {
  --paper: #0d1117; --ink: #e6edf3; --soft: #9aa4af; --grid: #30363d;
  --one: #56b4e9; --two: #f0a050; --good: #3fc49a } }
.title { font-size: 17px; font-weight: 600 } .panel { font-weight: 600 }
.soft { fill: var(--soft); font-size: 12px } .grid { stroke: var(--grid) }
.one, .two { fill: none; stroke-width: 2.5; stroke-linejoin: round }
.one { stroke: var(--one) } .two { stroke: var(--two); stroke-dasharray: 7 4 }
.band { stroke: none; opacity: .16 } .band.one { fill: var(--one) } .band.two { fill: var(--two) }
.dot { stroke: var(--paper); stroke-width: 2 } .dot.one { fill: var(--one) }
.aim { fill: var(--good); opacity: .18 } .aimed { fill: var(--good); font-size: 12px }
.halo { stroke: var(--paper); stroke-width: 4; paint-order: stroke }
"""


@dataclass(frozen=True, slots=True)
class Axes:
    """A panel: from data to pixels. The vertical axis is always 0 to 1."""

    left: float
    right: float
    least: float
    most: float

    def at(self, x: float, y: float) -> Point:
        across = (x - self.least) / (self.most - self.least)
        return self.left + across * (self.right - self.left), BOTTOM - y * (BOTTOM - TOP)

    def path(self, points: Iterable[Point]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*point) for point in points))


def drawn(report: Report) -> str:
    """Well-formed SVG, alone in its file."""
    asked, answerable = report.questions, [o for o in report.outcomes if o.answerable]
    said = f"questions: {asked['answerable']} with an answer, {asked['unanswerable']} without"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="Recall and abstention">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="var(--paper)"/>',
        _text(40, 34, "How well questions find their documents", "title"),
        _text(40, 54, f"{said}; {_name(report)}; the band is a 95 % interval", "soft"),
        *_recall(Axes(72, 420, 1, PLACES), answerable),
        *_abstention(Axes(540, 888, 0, 1), report, answerable),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _recall(axes: Axes, answerable: Sequence[Outcome]) -> list[str]:
    parts = [
        _text(axes.left, TOP - 16, "Recall: share of questions whose document is found", "panel")
    ]
    parts += _grid(axes, [(k, str(k)) for k in range(1, PLACES + 1)], "among the first k passages")
    if not answerable:
        return [*parts, _absent(axes, "no question with an answer")]
    below, asked = _figures(answerable, lambda o: o.all), _figures(answerable, lambda o: o.asked)
    around = [(k, e.low) for k, e in asked] + [(k, e.high) for k, e in reversed(asked)]
    return [
        *parts,
        f'<polygon class="band one" points="{axes.path(around)}"/>',
        *_curve(axes, below, "two", "without the floor", 0.26),
        *_curve(axes, asked, "one", "as asked", 0.14),
    ]


def _figures(
    outcomes: Sequence[Outcome], ranks: Callable[[Outcome], Ranks]
) -> list[tuple[int, Estimate]]:
    """Recall by k."""
    values = {k: np.array([recall(k)(ranks(o)) for o in outcomes]) for k in range(1, PLACES + 1)}
    return [(k, bootstrap.mean(each)) for k, each in values.items()]


def _curve(
    axes: Axes, figures: Sequence[tuple[int, Estimate]], style: str, name: str, height: float
) -> list[str]:
    """With its line of the legend, at this height."""
    line, sample = [(k, e.value) for k, e in figures], [(1.3, height), (2.3, height)]
    x, y = axes.at(2.55, height)
    said = f"{name}: {figures[0][1].value:.2f} at 1, {figures[4][1].value:.2f} at 5"
    return [
        f'<polyline class="{style}" points="{axes.path(line)}"/>',
        f'<polyline class="{style}" points="{axes.path(sample)}"/>',
        _text(x, y + 4, said, "halo"),
    ]


def _abstention(axes: Axes, report: Report, answerable: Sequence[Outcome]) -> list[str]:
    parts = [
        _text(axes.left, TOP - 16, "Abstention: nothing found, rightly, by the floor", "panel")
    ]
    unanswerable = [o for o in report.outcomes if not o.answerable]
    if not answerable or not unanswerable:
        parts += _grid(axes, _SHARES, "nothing found, wrongly")
        return [*parts, _absent(axes, "needs questions with and without an answer")]
    curve = [(_below(answerable, floor), _below(unanswerable, floor)) for floor in FLOORS]
    here = _nothing(answerable), _nothing(unanswerable)
    (x, y), (aim_x, aim_y) = axes.at(*here), axes.at(WRONGLY_AIM, 1)
    name = "as asked" if report.floor is None else f"floor {report.floor:g}"
    return [
        *parts,
        *_grid(axes, _SHARES, "nothing found, wrongly"),
        f'<rect class="aim" x="{axes.left}" y="{TOP}" width="{aim_x - axes.left:.1f}"'
        f' height="{axes.at(0, RIGHTLY_AIM)[1] - TOP:.1f}"/>',
        _text(aim_x + 6, aim_y + 13, "aim", "aimed"),
        f'<polyline class="one" points="{axes.path(curve)}"/>',
        *_marks(axes, answerable, unanswerable, report.floor),
        f'<circle class="dot one" cx="{x:.1f}" cy="{y:.1f}" r="7"/>',
        _text(
            x + 14,
            min(y + 18, BOTTOM - 8),
            f"{name}: {here[1]:.2f} rightly, {here[0]:.2f} wrongly",
            "halo",
        ),
    ]


def _marks(
    axes: Axes, answerable: Sequence[Outcome], others: Sequence[Outcome], here: float | None
) -> list[str]:
    """Some floors along the curve, not where the floor itself is."""
    parts = []
    for floor in (f for f in (0.2, 0.4, 0.6, 0.8) if here is None or abs(f - here) > 0.05):
        x, y = axes.at(_below(answerable, floor), _below(others, floor))
        parts.append(f'<circle class="dot one" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
        parts.append(_text(x + 8, y + 16, f"{floor:g}", "soft halo"))
    return parts


_SHARES = [(n / 5, f"{n / 5:.1f}") for n in range(6)]


def _grid(axes: Axes, ticks: Iterable[tuple[float, str]], name: str) -> list[str]:
    parts = []
    for share, label in _SHARES:
        (x, y), (right, _) = axes.at(axes.least, share), axes.at(axes.most, share)
        parts.append(
            f'<line class="grid" x1="{x:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}"/>'
        )
        parts.append(_text(x - 8, y + 4, label, "soft", "end"))
    parts += [_text(axes.at(x, 0)[0], BOTTOM + 18, label, "soft", "middle") for x, label in ticks]
    return [*parts, _text((axes.left + axes.right) / 2, BOTTOM + 40, name, "soft", "middle")]


def _absent(axes: Axes, why: str) -> str:
    x, y = axes.at((axes.least + axes.most) / 2, 0.5)
    return _text(x, y, why, "soft halo", "middle")


def _text(x: float, y: float, text: str, style: str, anchor: str = "start") -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{style}" {where}>{escape(text)}</text>'


def _below(outcomes: Sequence[Outcome], floor: float) -> float:
    """The share that would find nothing with this floor."""
    return sum(outcome.relevance < floor for outcome in outcomes) / len(outcomes)


def _nothing(outcomes: Sequence[Outcome]) -> float:
    return sum(outcome.nothing for outcome in outcomes) / len(outcomes)


def _name(report: Report) -> str:
    searched = report.searched
    if "space" in searched:
        return f"space {searched['space']}"
    return f"{searched['documents']} documents, {searched['passages']} passages"
