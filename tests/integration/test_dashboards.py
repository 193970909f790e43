"""Every panel's query, asked of a real Prometheus after a minute in which everything happened."""

import asyncio
import contextlib
import http.server
import json
import math
import re
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from palabre.chassis.testing import until
from palabre.cli.run.instance import TARGETS
from tests.deploy.test_dashboards import PANELS
from tests.integration import minute, prometheus
from tests.integration.minute import Minute
from tests.integration.prometheus import Prometheus

pytestmark = [
    prometheus.needed,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(300),  # a minute of everything, on a busy machine
]

SERVICES = 5
_FILE = Path("deploy/grafana/provisioning/datasources/palabre.yaml")
SOURCES = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["datasources"]
# What cannot be here, in the words of those who document it (tests/deploy/metrics.py), and faults
# of ours that nothing from outside provokes; by the label `service` of whoever exports it.
ELSEWHERE = {
    "nats": """
gnatsd_healthz_status 0
gnatsd_varz_in_msgs{server_id="nats-0"} 1000
gnatsd_varz_out_msgs{server_id="nats-0"} 4000
gnatsd_varz_mem{server_id="nats-0"} 5.2e7
gnatsd_varz_slow_consumers{server_id="nats-0"} 0
jetstream_consumer_num_ack_pending{stream_name="TURNS",consumer_name="answer"} 2
""",
    "qdrant": """
rest_responses_total{method="POST",endpoint="/collections/{name}/points/query",status="200"} 70
""",
    "dcgm": """
DCGM_FI_DEV_GPU_UTIL{gpu="0",Hostname="node-1"} 71
DCGM_FI_DEV_FB_USED{gpu="0",Hostname="node-1"} 5120
DCGM_FI_DEV_GPU_TEMP{gpu="0",Hostname="node-1"} 63
DCGM_FI_DEV_POWER_USAGE{gpu="0",Hostname="node-1"} 180
""",
    "tts": """
palabre_gpu_memory_bytes{kind="used"} 4.1e9
palabre_gpu_memory_bytes{kind="reserved"} 5.0e9
palabre_gpu_memory_bytes{kind="total"} 2.4e10
palabre_gpu_queue 1
""",
    "gateway": """
palabre_publish_failures_total{reason="TimeoutError"} 2
palabre_sql_failures_total{error="OperationalError"} 2
""",
    "retriever": """
palabre_index_failures_total{reason="unreachable"} 2
palabre_searches_without_meaning_total{reason="away"} 3
""",
    "discord": """
palabre_discord_faults_total{work="connection"} 1
""",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Minute]:
    async with minute.begun(tmp_path_factory.mktemp("minute")) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watcher(
    lived: Minute, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Prometheus]:
    folder = tmp_path_factory.mktemp("watch")
    with exporters(folder / "elsewhere.json") as file:
        targets = [lived.system.folder / TARGETS, file]
        context = prometheus.watching(folder, targets)
        found = await asyncio.to_thread(context.__enter__)
        try:
            await until(lambda: len(found.query("up == 1")) >= SERVICES + len(ELSEWHERE), 30)
            await lived.lived()
            await asyncio.sleep(3)  # some scrapes more, for rates
            yield found
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)


@contextlib.contextmanager
def exporters(file: Path) -> Iterator[Path]:
    """A server for what is elsewhere: a path for each service, and Prometheus' file of targets."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Exporter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"
    targets = [
        {
            "targets": [address],
            "labels": {
                "service": name,
                "__metrics_path__": f"/{name}",
                "instance": f"{name}-elsewhere",
            },
        }
        for name in ELSEWHERE
    ]
    file.write_text(json.dumps(targets), encoding="utf-8")
    try:
        yield file
    finally:
        server.shutdown()
        server.server_close()


class _Exporter(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = ELSEWHERE[self.path[1:]].lstrip().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a scrape a second."""


def asked(expression: str) -> str:
    """As Grafana asks it when all of everything is chosen."""
    for name, value in {
        "$__rate_interval": "20s",
        "$__range": "5m",
        "$space": ".*",
        "$channel": ".*",
        "$instance": ".*",
    }.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return expression


async def test_every_query_of_every_panel_returns_data(watcher: Prometheus) -> None:
    silent = []
    for dashboard, panel in PANELS:
        for target in panel["targets"]:
            if "expr" in target:
                found = watcher.range(asked(target["expr"]), 120)
                if not any(math.isfinite(v) for series in found for _, v in series.points):
                    silent.append(f"{dashboard}: {panel['title']}: {target['expr']}")
    assert not silent, "\n".join(silent)


async def test_dots_on_panels_of_latency_lead_to_traces_that_were_kept(
    lived: Minute, watcher: Prometheus
) -> None:
    asked_for = {
        t["expr"] for _, panel in PANELS for t in panel["targets"] if t.get("exemplar")
    }  # fmt: skip
    dots = {query: watcher.exemplars(asked(query), 300) for query in asked_for}
    without = [query for query, found in dots.items() if not found]
    assert not without, "\n".join(without)
    led = {e["labels"]["trace_id"] for d in dots.values() for s in d for e in s["exemplars"]}
    kept = {span.trace for span in lived.collector.spans}
    assert len(led & kept) > 0.9 * len(led)  # the last ones are still on their way


async def test_spans_have_what_the_dashboard_of_one_turn_asks_tempo_for(lived: Minute) -> None:
    queries = [t["query"] for _, p in PANELS for t in p["targets"] if "query" in t]
    names = {n for query in queries for n in re.findall(r"span\.([\w.]+)", query)}
    assert names == {"palabre.turn", "palabre.stage"}
    spans = lived.collector.spans
    assert all(any(name in span.values for span in spans) for name in names)
    assert {span.service for span in spans} >= {"palabre-gateway", "palabre-llm", "palabre-tts"}


async def test_the_lists_to_choose_from_have_what_there_is(watcher: Prometheus) -> None:
    channels = {s.labels["channel"] for s in watcher.query("palabre_turns_received_total")}
    assert {"api", "discord"} <= channels
    assert {s.labels["service"] for s in watcher.query("up == 1")} >= {"gateway", "llm", "discord"}


async def test_queries_from_a_trace_to_metrics_return_data(watcher: Prometheus) -> None:
    for query in SOURCES[1]["jsonData"]["tracesToMetrics"]["queries"]:
        expression = query["query"].replace("$$__tags", 'stage="answer"')
        assert watcher.range(expression, 120), expression


async def test_a_label_of_a_legend_is_one_of_its_series(watcher: Prometheus) -> None:
    """Grafana leaves out what is not."""
    for dashboard, panel in PANELS:
        for target in panel["targets"]:
            if "{{" not in target.get("legendFormat", ""):
                continue
            labels = {p.split("}}")[0] for p in target["legendFormat"].split("{{")[1:]}
            there = {name for s in watcher.range(asked(target["expr"]), 120) for name in s.labels}
            assert labels <= there, (dashboard, panel["title"])


async def test_the_minute_was_answered(lived: Minute, watcher: Prometheus) -> None:
    outcomes = {s.labels["outcome"] for s in watcher.query("palabre_turns_total")}
    assert {"grounded", "no_knowledge", "refused", "failed", "cancelled"} <= outcomes
    await until(lambda: bool(watcher.query("palabre_dead_letters_total > 0")), 10)
