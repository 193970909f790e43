"""The bus: are its nodes there, is there room, and does anything pile up?"""

from deploy.grafana import objectives
from deploy.grafana.panels import (
    Dashboard,
    Limits,
    Query,
    Row,
    lines,
    number,
    quantiles,
    rate,
    stack,
)

# Beside each node runs github.com/nats-io/prometheus-nats-exporter.
_NODES = 'service="nats"'

NODES = Row(
    "Are its nodes there?",
    (
        number(
            "Nodes up", "none",
            "1 for each node. With two of three nothing is lost; with one nothing is stored.",
            (Query(f"up{{{_NODES}}}", "{{instance}}"),),
            width=8, height=7, limits=objectives.GONE, runbook="natsnodedown",
        ),
        lines(
            "Services connected", "none",
            "How many replicas of each service have their connection to NATS.",
            (Query("sum by (service) (palabre_nats_connected)", "{{service}}"),),
            runbook="natsdisconnected",
        ),
        lines(
            "Reconnections", "short",
            "Of all services in the last hour. Many at once: a node was restarted or lost.",
            (Query("sum by (service) (increase(palabre_nats_reconnects_total[1h]))",
                   "{{service}}"),),
            runbook="natsflaps",
        ),
        lines(
            "Messages in and out", "ops",
            "Of each node, a second. What comes in goes out several times: to streams, stages and"
            " readers.",
            (Query(rate("gnatsd_varz_in_msgs", _NODES, "instance"), "{{instance}} in"),
             Query(rate("gnatsd_varz_out_msgs", _NODES, "instance"), "{{instance}} out")),
        ),
        lines(
            "Memory", "bytes",
            "Of each node. LIVE is in memory, 256 MiB at most.",
            (Query(f"gnatsd_varz_mem{{{_NODES}}}", "{{instance}}"),),
        ),
        lines(
            "Slow consumers", "short",
            "Connections that the node cut in the last hour because they did not read fast enough.",
            (Query(f"increase(gnatsd_varz_slow_consumers{{{_NODES}}}[1h])", "{{instance}}"),),
            limits=objectives.ANY,
        ),
        lines(
            "Until a fact is stored", "s",
            "From its sending until a majority of nodes has it and says so. A slow disk shows here"
            " first.",
            quantiles("palabre_publish_seconds", "", "service"),
            width=12, exemplars=True, limits=Limits(warn=0.05, bad=0.5),
        ),
        lines(
            "Not confirmed", "ops",
            "Attempts to store a fact that NATS did not confirm, by service and reason. Each is"
            " made again for 20 seconds; then its event goes back to the stage.",
            (Query(rate("palabre_publish_failures_total", "", "service, reason"),
                   "{{service}}: {{reason}}"),),
            width=12, rare=True, runbook="natsquorumlost",
        ),
    ),
)  # fmt: skip

ROOM = Row(
    "Is there room?",
    (
        lines(
            "Full", "percentunit",
            "Of what a stream may hold. At 100 % the oldest facts are dropped: they were kept for"
            " less than a week.",
            (Query("stream:palabre_stream_fill:ratio", "{{stream}}"),),
            limits=objectives.FULL, runbook="streamnearlyfull",
        ),
        lines(
            "Bytes", "bytes",
            "Of each stream, on one of its nodes.",
            (Query("max by (stream) (palabre_stream_bytes)", "{{stream}}"),),
        ),
        lines(
            "Messages", "short",
            "Of each stream. What is in DEAD is to be looked at: `palabre dead list`.",
            (Query("max by (stream) (palabre_stream_messages)", "{{stream}}"),),
        ),
    ),
)  # fmt: skip

PILES = Row(
    "Does anything pile up?",
    (
        lines(
            "Events that wait", "short",
            "By stage. The first one that grows is the one that is too slow.",
            (Query("stage:palabre_stage_lag:max", "{{stage}}"),),
            limits=Limits(warn=20, bad=200), runbook="stagelaggrows",
        ),
        stack(
            "Events by stage", "ops",
            "What stages have done with, whatever came of it.",
            (Query("sum by (stage) (stage_outcome:palabre_stage_events:rate5m)", "{{stage}}"),),
        ),
        lines(
            "Not yet acknowledged", "short",
            "What consumers hold, as NATS counts it.",
            (Query(f"max by (consumer_name) (jetstream_consumer_num_ack_pending{{{_NODES},"
                   ' stream_name="TURNS"})', "{{consumer_name}}"),),
        ),
        lines(
            "Delivered again", "ops",
            "Events that came more than once, by stage.",
            (Query(rate("palabre_stage_redeliveries_total", "", "stage"), "{{stage}}"),),
            rare=True, runbook="eventscometwice",
        ),
        lines(
            "Dead letters", "short",
            "Events of the last hour that can never succeed, by stage.",
            (Query("stage:palabre_dead_letters:increase1h", "{{stage}}"),),
            rare=True, limits=objectives.ANY, runbook="deadletters",
        ),
        lines(
            "Unknown events", "ops",
            "Events that only a newer version knows, left for it. After an upgrade they must end.",
            (Query(rate("palabre_unknown_events_total", "", "stage"), "{{stage}}"),),
            rare=True, runbook="unknownevents",
        ),
    ),
)  # fmt: skip

NATS = Dashboard("palabre-nats", "Palabre: nats", "The bus.", (NODES, ROOM, PILES))
