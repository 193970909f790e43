"""What every service has: is it there, is it well, does its work pile up?"""

from deploy.grafana import objectives
from deploy.grafana.panels import (
    Dashboard,
    Limits,
    Query,
    Row,
    Variable,
    lines,
    number,
    quantile,
    quantiles,
    rate,
    stack,
)


def of(service: str) -> str:
    """Series of the replicas that were chosen."""
    return f'service="{service}", instance=~"$instance"'


def dashboard(service: str, question: str, *rows: Row, works: bool = True) -> Dashboard:
    """Its own rows first; `works`: it has stages."""
    shared = (health(service), work(service)) if works else (health(service),)
    instances = Variable(
        "instance", "Replica", f'label_values(up{{service="{service}"}}, instance)'
    )
    return Dashboard(
        f"palabre-{service}", f"Palabre: {service}", question, (*rows, *shared), (instances,)
    )


def health(service: str) -> Row:
    where = of(service)
    return Row(
        "Is it there, and well?",
        (
            number(
                "Up", "none",
                "1 for each replica that Prometheus reaches. 0 is a process that ended or hangs.",
                (Query(f"up{{{where}}}", "{{instance}}"),),
                limits=objectives.GONE, width=8, height=7, runbook="servicedown",
            ),
            lines(
                "Memory", "bytes",
                "Resident memory of each process. One that grows for hours without more work leaks;"
                " at its limit it is killed and begins anew.",
                (Query(f"process_resident_memory_bytes{{{where}}}", "{{instance}}"),),
                runbook="memorynearlimit",
            ),
            lines(
                "Processor", "percentunit",
                "Of one core. A service works in one thread: at 100 % its work waits, and more"
                " replicas help.",
                (Query(rate("process_cpu_seconds_total", where, "instance"), "{{instance}}"),),
                limits=Limits(warn=0.7, bad=0.95),
            ),
            lines(
                "Event loop late, p99", "s",
                "How late the loop that does everything comes back to a timer. Above 50 ms"
                " something holds it up, and every stream of every person stands still meanwhile.",
                (Query(quantile(0.99, "palabre_loop_late_seconds", where, "instance"),
                       "{{instance}}"),),
                limits=objectives.LOOP, runbook="eventlooplate",
            ),
            lines(
                "Connected to NATS", "none",
                "1 while its connection stands. Without it nothing is taken or told.",
                (Query(f"palabre_nats_connected{{{where}}}", "{{instance}}"),),
                limits=objectives.GONE, leads="palabre-nats", runbook="natsdisconnected",
            ),
            lines(
                "Reconnections to NATS", "short",
                "In the last hour. One for each restart of a node is as it should be.",
                (Query(f"increase(palabre_nats_reconnects_total{{{where}}}[1h])", "{{instance}}"),),
                leads="palabre-nats", runbook="natsflaps",
            ),
            lines(
                "Until a fact is stored", "s",
                "From its sending until NATS confirmed it. A turn waits for some of them.",
                quantiles("palabre_publish_seconds", where),
                width=12, exemplars=True, limits=Limits(warn=0.05, bad=0.5), leads="palabre-nats",
            ),
            lines(
                "Versions", "none",
                "How many replicas run which version. Two at once is an upgrade under way.",
                (Query(f"count by (version) (palabre_build_info{{{where}}})", "{{version}}"),),
                width=12,
            ),
        ),
    )  # fmt: skip


def work(service: str) -> Row:
    where = of(service)
    return Row(
        "Does its work pile up?",
        (
            lines(
                "Events that wait", "short",
                "What the stages of the service have not begun. More than comes in a few seconds"
                " means that people wait: more replicas, or something behind it is slow.",
                (Query(f"max by (stage) (palabre_stage_lag{{{where}}})", "{{stage}}"),),
                limits=Limits(warn=20, bad=200), runbook="stagelaggrows",
            ),
            lines(
                "Events in hand", "short",
                "What is being worked on now, in all replicas together.",
                (Query(f"sum by (stage) (palabre_stage_in_hand{{{where}}})", "{{stage}}"),),
            ),
            lines(
                "Time of an event", "s",
                "From an event's pull to its acknowledgement. Dots are events of single turns.",
                quantiles("palabre_stage_seconds", where, "stage"),
                exemplars=True, leads="palabre-turn",
            ),
            stack(
                "Events by outcome", "ops",
                "What became of events: done, handed back, dropped because their turn had ended.",
                (Query(rate("palabre_stage_events_total", where, "stage, outcome"),
                       "{{stage}}: {{outcome}}"),),
            ),
            lines(
                "Delivered again", "ops",
                "Events that came more than once: a replica died with them, or handed them back."
                " Without a restart it means that something behind the service is away.",
                (Query(rate("palabre_stage_redeliveries_total", where, "stage"), "{{stage}}"),),
                rare=True, runbook="eventscometwice",
            ),
            lines(
                "Dead letters", "short",
                "Events of the last hour that can never succeed; each is kept. See"
                " `palabre dead list`.",
                (Query(f"sum by (stage) (increase(palabre_dead_letters_total{{{where}}}[1h]))",
                       "{{stage}}"),),
                limits=objectives.ANY, rare=True, runbook="deadletters",
            ),
            lines(
                "gRPC calls", "s",
                "How long calls of other services took, to their end, by method; those that stream"
                " sound last as long as it does. Dots are calls of single turns.",
                quantiles("palabre_grpc_seconds", where, "method"),
                width=12, exemplars=True, leads="palabre-turn",
            ),
            stack(
                "gRPC calls by code", "ops",
                "Other than OK: UNAVAILABLE and DEADLINE_EXCEEDED are ours to mend; NOT_FOUND and"
                " INVALID_ARGUMENT are the caller's.",
                (Query(rate("palabre_grpc_seconds_count", where, "code"), "{{code}}"),),
                width=12,
            ),
        ),
    )  # fmt: skip
