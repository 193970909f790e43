"""Grafana's JSON of a dashboard, by grafana-foundation-sdk.

Built for Grafana 11.6 (schema 41), the newest that the SDK has as a release; Grafana 12 reads it
as it is. Identifiers of panels are their places, so that links to a panel last as long as it stays.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from grafana_foundation_sdk.builders import (
    common,
    dashboard as grafana,
    prometheus,
    stat,
    table,
    tempo,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import (
    common as styles,
    dashboard as models,
    tempo as tempo_models,
)

from deploy.grafana.panels import Dashboard, Kind, Limits, Panel, Query, Row, Variable

OPERATIONS = "https://palabre.example.org/docs/operations.md"
TAG = "palabre"
_PROMETHEUS = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
_TEMPO = models.DataSourceRef(type_val="tempo", uid="${tempo}")
_TRACE_URL = "/d/palabre-turn?${__url_time_range}&var-turn=${turn}&var-trace=${__value.raw}"


def rendered(given: Dashboard) -> str:
    """A file for Grafana's provisioning, or for its import."""
    return json.dumps(_dashboard(given), cls=JSONEncoder, indent=1, ensure_ascii=False) + "\n"


def _dashboard(given: Dashboard) -> models.Dashboard:
    made = (
        grafana.Dashboard(given.title)
        .uid(given.uid)
        .description(given.description)
        .tags([TAG])
        .time(given.since, "now")
        .refresh("30s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .links([_others()])
    )
    for variable in _variables(given):
        made.with_variable(variable)
    for row in given.rows:
        _add(made, row)
    return _numbered(made.build())


def _add(made: grafana.Dashboard, row: Row) -> None:
    made.with_row(grafana.Row(row.title))
    for panel in row.panels:
        made.with_panel(_BUILDERS[panel.kind](panel))


def _numbered(made: models.Dashboard) -> models.Dashboard:
    for place, panel in enumerate(made.panels or (), 1):
        panel.id_val = place
    return made


def _others() -> grafana.DashboardLink:
    """All dashboards of Palabre, at the same time."""
    return (
        grafana.DashboardLink("Palabre")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(True)
        .keep_time(True)
    )


def _variables(given: Dashboard) -> list[Any]:
    sources = [_source("datasource", "Prometheus", "prometheus")]
    if given.traces:
        sources.append(_source("tempo", "Tempo", "tempo"))
    runbooks = grafana.ConstantVariable("operations").value(OPERATIONS)
    return [*sources, runbooks, *(_variable(each) for each in given.variables)]


def _source(name: str, label: str, kind: str) -> grafana.DatasourceVariable:
    return grafana.DatasourceVariable(name).label(label).type(kind)


def _variable(given: Variable) -> Any:
    if not given.query:
        return grafana.TextBoxVariable(given.name).label(given.label).default_value("")
    return (
        grafana.QueryVariable(given.name)
        .label(given.label)
        .datasource(_PROMETHEUS)
        .query({"query": given.query, "refId": given.name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(models.VariableOption(text="All", value="$__all", selected=True))
    )


def _looks[P: (timeseries.Panel, stat.Panel, table.Panel, grafana.Panel)](
    builder: P, given: Panel
) -> P:
    """What panels of all kinds have."""
    builder.title(given.title).description(given.description).span(given.width)
    builder.height(given.height).unit(given.unit).links(_links(given))
    if given.rare:
        builder.no_value("–")
    for series, name in given.names:
        shown = models.DynamicConfigValue(id_val="displayName", value=name)
        builder.override_by_name(series, [shown])
    return builder


def _lines(given: Panel) -> timeseries.Panel:
    made = _looks(timeseries.Panel(), given).datasource(_PROMETHEUS).min(0)
    made.fill_opacity(10).show_points(styles.VisibilityMode.NEVER).legend(_legend())
    made.tooltip(
        common.VizTooltipOptions()
        .mode(styles.TooltipDisplayMode.MULTI)
        .sort(styles.SortOrder.DESCENDING)
    )
    if given.limits:
        made.thresholds(_thresholds(given.limits))
        made.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(styles.GraphThresholdsStyleMode.DASHED)
        )
    return made.targets([_promql(given, *each) for each in enumerate(given.queries)])


def _stack(given: Panel) -> timeseries.Panel:
    stacked = common.StackingConfig().mode(styles.StackingMode.NORMAL)
    return _lines(given).stacking(stacked).fill_opacity(50)


def _bars(given: Panel) -> timeseries.Panel:
    """One bar for each step; of days, those of two weeks, whatever is shown beside it."""
    made = _stack(given).draw_style(styles.GraphDrawStyle.BARS).fill_opacity(80)
    if given.step == "1d":
        made.time_from("14d")
    return made.interval(given.step)


def _number(given: Panel) -> stat.Panel:
    made = _looks(stat.Panel(), given).datasource(_PROMETHEUS)
    made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    made.graph_mode(styles.BigValueGraphMode.NONE)
    if given.limits:
        made.thresholds(_thresholds(given.limits))
    return made.targets([_promql(given, *each) for each in enumerate(given.queries)])


def _traces(given: Panel) -> table.Panel:
    """Traces, or spans where the query selects some; a click shows one as a waterfall."""
    link = {"title": "Waterfall", "url": _TRACE_URL}
    kind = "spans" if "select(" in given.queries[0].expr else "traces"
    return (
        _looks(table.Panel(), given)
        .datasource(_TEMPO)
        .override_by_name("traceID", [models.DynamicConfigValue(id_val="links", value=[link])])
        .targets([_traceql(query, kind) for query in given.queries])
    )


def _waterfall(given: Panel) -> grafana.Panel:
    made = _looks(grafana.Panel().type("traces"), given).datasource(_TEMPO)
    return made.targets([_traceql(query, "traces") for query in given.queries])


_BUILDERS: dict[Kind, Callable[[Panel], Any]] = {
    Kind.LINES: _lines,
    Kind.STACK: _stack,
    Kind.BARS: _bars,
    Kind.NUMBER: _number,
    Kind.TRACES: _traces,
    Kind.WATERFALL: _waterfall,
}


def _promql(panel: Panel, place: int, query: Query) -> prometheus.Dataquery:
    made = prometheus.Dataquery().ref_id(chr(ord("A") + place)).expr(query.expr)
    made.datasource(_PROMETHEUS).legend_format(query.legend or "__auto")
    if panel.kind == Kind.NUMBER:
        return made.instant()
    return made.range().exemplar(panel.exemplars)


def _traceql(query: Query, table_type: str) -> tempo.TempoQuery:
    made = tempo.TempoQuery().ref_id("A").datasource(_TEMPO).query_type("traceql")
    return made.query(query.expr).limit(50).table_type(tempo_models.SearchTableType(table_type))


def _thresholds(limits: Limits) -> grafana.ThresholdsConfig:
    """Green first, or red first where less is worse."""
    marks: Sequence[tuple[float | None, str]]
    if limits.bad is None:
        marks = ((None, "green"), (limits.warn, "yellow"))
    elif limits.bad > limits.warn:
        marks = ((None, "green"), (limits.warn, "yellow"), (limits.bad, "red"))
    else:
        marks = ((None, "red"), (limits.bad, "yellow"), (limits.warn, "green"))
    steps = [models.Threshold(value, color) for value, color in marks]
    return grafana.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(styles.LegendDisplayMode.LIST)
        .placement(styles.LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _links(given: Panel) -> list[Any]:
    links = []
    if given.leads:
        url = f"/d/{given.leads}?${{__url_time_range}}"
        links.append(_link(given.leads.replace("-", ": "), url))
    if given.runbook:
        links.append(_link(given.read_on, f"${{operations}}#{given.runbook}"))
    return links


def _link(title: str, url: str) -> grafana.DashboardLink:
    return grafana.DashboardLink(title).type(models.DashboardLinkType.LINK).url(url)
