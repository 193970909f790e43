"""One turn: where did its time go? Beside it, where the time of turns goes."""

from deploy.grafana import objectives
from deploy.grafana.panels import (
    Dashboard,
    Kind,
    Panel,
    Query,
    Row,
    Variable,
    lines,
    mean,
    quantiles,
    stack,
)

WATERFALL = Row(
    "This turn",
    (
        Panel(
            "Traces of the turn", "none",
            "One, with nothing lost: a turn is a trace from its channel to its voice. Choose it to"
            " see it below. The turn's id is in every line of the log, and in the API's answers.",
            (Query('{ span.palabre.turn = "$turn" }'),),
            kind=Kind.TRACES, width=24, height=6,
        ),
        Panel(
            "Waterfall", "none",
            "Each bar is a stage, a call or a search of the chosen trace. What is empty between two"
            " bars is waiting in a queue; the longest bar is where to look.",
            (Query("$trace"),),
            kind=Kind.WATERFALL, width=24, height=16,
        ),
        Panel(
            "Slowest steps of the turn", "none",
            "Spans of the turn that lasted more than 100 ms.",
            (Query('{ span.palabre.turn = "$turn" && duration > 100ms }'
                   " | select(span.palabre.stage, resource.service.name)"),),
            kind=Kind.TRACES, width=24, height=6,
        ),
    ),
)  # fmt: skip

TURNS = Row(
    "All turns",
    (
        stack(
            "Where a turn's time goes", "s",
            "The mean time of an event in each stage, one upon the other: about what a turn takes"
            " inside, without its waiting.",
            (Query(mean("palabre_stage_seconds", 'stage!="archive"', "stage"), "{{stage}}"),),
            width=12,
        ),
        lines(
            "Waiting before each stage", "short",
            "Events that no replica has begun. A turn waits behind them.",
            (Query('stage:palabre_stage_lag:max{stage!="archive"}', "{{stage}}"),),
            width=12, leads="palabre-nats",
        ),
        lines(
            "First word", "s",
            "From admission to the first piece that was shown. A dot opens the trace of its turn.",
            quantiles("palabre_turn_first_token_seconds", "", "channel"),
            exemplars=True, limits=objectives.FIRST_TOKEN, leads="palabre-people",
        ),
        lines(
            "First token of models", "s",
            "The provider's part of it.",
            quantiles("palabre_engine_first_token_seconds", "", "engine model"),
            exemplars=True, leads="palabre-llm",
        ),
        lines(
            "Time in stages", "s",
            "From the pull of an event to its acknowledgement.",
            quantiles("palabre_stage_seconds", 'stage!="archive"', "stage"),
            exemplars=True,
        ),
    ),
)  # fmt: skip

TURN = Dashboard(
    "palabre-turn",
    "Palabre: one turn",
    "Where the time of one turn went, and of all.",
    (WATERFALL, TURNS),
    (Variable("turn", "Turn (its id)"), Variable("trace", "Trace (its id)")),
    since="now-24h",
    traces=True,
)
