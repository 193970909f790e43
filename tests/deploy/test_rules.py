"""Rules, what they stand on, their tests and the sections that say what to do, held together."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.prometheus.resource import groups
from tests.deploy import metrics
from tests.deploy.built import COMBINATIONS, K8S, SERVICES, build

RULES: list[dict[str, Any]] = [rule for group in groups() for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
OPERATIONS = Path("docs/operations.md").read_text(encoding="utf-8")
TRIED = [
    test
    for file in sorted(Path("deploy/prometheus/tests").glob("*.yml"))
    for test in yaml.safe_load(file.read_text(encoding="utf-8"))["tests"]
]


def _sections() -> list[str]:
    _, _, rest = OPERATIONS.partition("\n## On each alert\n")
    return re.findall(r"^### (\w+)$", rest.partition("\n## ")[0], re.MULTILINE)


def test_every_alert_has_a_section_and_every_section_an_alert() -> None:
    assert sorted(_sections()) == sorted(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_urgent_it_is_what_it_means_and_where_to_read_on(name: str) -> None:
    told = ALERTS[name]["annotations"]
    assert ALERTS[name]["labels"]["severity"] in ("page", "ticket")
    assert told["summary"]
    assert told["description"]
    assert told["runbook_url"].endswith(f"/docs/operations.md#{name.lower()}")


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_tried_both_quiet_and_firing(name: str) -> None:
    expected = [
        bool(each["exp_samples"])
        for test in TRIED
        for each in test["promql_expr_test"]
        if f'alertname="{name}"' in each["expr"]
    ]
    assert set(expected) == {True, False}


def test_rules_name_metrics_that_exist() -> None:
    for rule in RULES:
        unknown = metrics.named(rule["expr"]) - metrics.names() - RECORDED
        assert not unknown, (rule.get("alert") or rule["record"], unknown)


def test_tests_of_rules_feed_metrics_that_exist() -> None:
    for test in TRIED:
        for series in test["input_series"]:
            assert metrics.named(series["series"]) <= metrics.names(), series


def test_what_is_recorded_is_named_level_metric_operation() -> None:
    for name in RECORDED:
        assert re.fullmatch(r"[a-z_]+:[a-z0-9_]+:[a-z0-9_]+", name), name


def test_a_promised_time_is_a_boundary_of_the_histogram() -> None:
    promised = [r["expr"] for r in RULES if r.get("record") == "slo:palabre_good_events:count"]
    found = [re.fullmatch(r'(\w+)_bucket\{le="([\d.]+)"\}', each) for each in promised]
    boundaries = [match for match in found if match]
    assert len(boundaries) == 2
    for match in boundaries:
        buckets = metrics.boundaries(match[1])
        assert match[2] in buckets, (match[1], buckets)


def test_the_services_that_must_run_are_those_that_always_do() -> None:
    found = (r for r in RULES if r.get("record") == "service:palabre_needed:info")
    assert {r["labels"]["service"] for r in found} == set(SERVICES) - {"discord"}


WATCHED = [folder for folder in COMBINATIONS if any(build(folder).of("PrometheusRule"))]


@pytest.mark.parametrize("folder", WATCHED, ids=str)
def test_what_is_scraped_has_the_labels_that_rules_know_it_by(folder: Path) -> None:
    monitors = list(build(folder).of("PodMonitor", "ServiceMonitor"))
    assert monitors
    for monitor in monitors:
        spec = monitor["spec"]
        for endpoint in spec.get("podMetricsEndpoints", []) + spec.get("endpoints", []):
            made = {r["targetLabel"]: r for r in endpoint["relabelings"]}
            assert made["job"]["replacement"] == "palabre"
            assert made.keys() == {"job", "service"}


def test_an_overlay_says_where_the_runbooks_are() -> None:
    overlay = build(K8S / "overlays/production")
    documents = next(c for c in overlay.of("ConfigMap") if "runbooks" in c["data"])
    rules = overlay.get("PrometheusRule", "palabre")["spec"]["groups"]
    urls = [
        r["annotations"]["runbook_url"] for g in rules for r in g["rules"] if "annotations" in r
    ]
    assert len(urls) == len(ALERTS)
    assert all(url.startswith(documents["data"]["runbooks"] + "#") for url in urls)
