"""What a dashboard shows, as data: `rendering.py` makes Grafana's JSON of it.

Widths are columns of Grafana's 24, heights its rows of 30 pixels; units are Grafana's own names
(`s`, `bytes`, `percentunit`, `reqps`), thresholds are in the panel's unit.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial

COLUMNS = 24


class Kind(StrEnum):
    LINES = "lines"
    STACK = "stack"
    BARS = "bars"
    NUMBER = "number"
    WATERFALL = "waterfall"
    TRACES = "traces"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL, or TraceQL in panels of traces; in `legend` labels stand as {{label}}."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Yellow from `warn` on, red from `bad` on; downwards where `bad` is the lower one."""

    warn: float
    bad: float | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. `description` tells what it says, and what is bad.

    `exemplars` are dots that lead to the traces of single turns, `step` is the width of a bar,
    `rare`: no data is good news, and is told as such. `names` are what series are called in place
    of their legend. `leads` is the dashboard to go on with,
    `runbook` a heading of docs/operations.md.
    """

    title: str
    unit: str
    description: str
    queries: tuple[Query, ...]
    kind: Kind = Kind.LINES
    width: int = 8
    height: int = 7
    limits: Limits | None = None
    exemplars: bool = False
    rare: bool = False
    step: str = ""
    names: tuple[tuple[str, str], ...] = ()
    leads: str = ""
    runbook: str = ""
    read_on: str = "What to do"  # what the link to it is called


lines = partial(Panel, kind=Kind.LINES)
stack = partial(Panel, kind=Kind.STACK)
bars = partial(Panel, kind=Kind.BARS)
number = partial(Panel, kind=Kind.NUMBER, width=4, height=4)


@dataclass(frozen=True, slots=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """Several may be chosen of what `query` finds; without a query it is typed in."""

    name: str
    label: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`since` is the range that it opens with; `traces`: it also asks Tempo."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    since: str = "now-3h"
    traces: bool = False


def rate(metric: str, where: str = "", by: str = "", over: str = "$__rate_interval") -> str:
    """How much a counter grows a second, for each combination of the labels `by`."""
    return _sum(by, f"rate({metric}{{{where}}}[{over}])")


def increase(metric: str, where: str = "", by: str = "", over: str = "$__range") -> str:
    """How much a counter grew: in all that is shown, or in `over`."""
    return _sum(by, f"increase({metric}{{{where}}}[{over}])")


def quantile(
    q: float, metric: str, where: str = "", by: str = "", over: str = "$__rate_interval"
) -> str:
    """Of a histogram, in its unit."""
    labels = ", ".join(("le", *by.split()))
    return f"histogram_quantile({q}, {_sum(labels, f'rate({metric}_bucket{{{where}}}[{over}])')})"


def quantiles(metric: str, where: str = "", by: str = "") -> tuple[Query, ...]:
    """The median and the 95th percentile, for each combination of the labels `by`."""
    named = " ".join(f"{{{{{label}}}}}" for label in by.split())
    return tuple(
        Query(quantile(q, metric, where, by), f"{named} p{q * 100:.0f}".strip())
        for q in (0.5, 0.95)
    )


def mean(metric: str, where: str = "", by: str = "") -> str:
    """Of a histogram, in its unit."""
    return f"{rate(f'{metric}_sum', where, by)} / {rate(f'{metric}_count', where, by)}"


def share(part: str, whole: str) -> str:
    """Of counts; 0 where there is none of the part, nothing where there is no whole."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def _sum(by: str, what: str) -> str:
    labels = ", ".join(by.replace(",", " ").split())
    return f"sum by ({labels}) ({what})" if labels else f"sum({what})"
