"""Where traffic is closed, what each service calls is open, and little else."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.built import COMBINATIONS, Build, Resource, build, labels_of, name_of, pod_of

CLOSED = [folder for folder in COMBINATIONS if any(build(folder).of("NetworkPolicy"))]
pytestmark = pytest.mark.parametrize("folder", CLOSED, ids=str)


def _chosen(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    if not selector.get("matchLabels", {}).items() <= labels.items():
        return False
    for wanted in selector.get("matchExpressions", []):
        value = labels.get(wanted["key"])
        if wanted["operator"] == "In" and value not in wanted["values"]:
            return False
        if wanted["operator"] == "Exists" and value is None:
            return False
    return True


def _open(
    found: Build, way: str, own: Mapping[str, str], other: Mapping[str, str], port: int
) -> bool:
    """`way` is ingress or egress, as a pod with the labels `own` has it."""
    peers = "from" if way == "ingress" else "to"
    for policy in found.of("NetworkPolicy"):
        spec = policy["spec"]
        if not _chosen(spec["podSelector"], own):
            continue
        for rule in spec.get(way, []):
            ports = [p["port"] for p in rule["ports"]]
            among = (p["podSelector"] for p in rule[peers] if "podSelector" in p)
            if port in ports and any(_chosen(peer, other) for peer in among):
                return True
    return False


def _calls(found: Build) -> Iterator[tuple[Resource, Resource, int]]:
    """(who, whom, port) of every address that a service is given."""
    for _, deployment in found.ours():
        environment = found.environment(pod_of(deployment)["containers"][0])
        addresses = [
            value.rpartition("/")[2]
            for name, value in environment.items()
            if name.endswith("_ADDRESS") or name in ("PALABRE_NATS_URL", "PALABRE_QDRANT_URL")
        ]
        engines = environment.get("PALABRE_TTS_ENGINES", "").split(",")
        addresses += [e.partition("@")[2] for e in engines if "@" in e]
        for address in addresses:
            host, _, port = address.partition(":")
            selector = found.get("Service", host)["spec"]["selector"]
            for callee in found.selected(selector):
                yield deployment, callee, int(port)


def test_everything_is_closed_that_nothing_opens(folder: Path) -> None:
    default = build(folder).get("NetworkPolicy", "default")["spec"]
    assert default["podSelector"] == {}
    assert default["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in default


def test_who_calls_may_go_out_and_whom_it_calls_lets_it_in(folder: Path) -> None:
    found, seen = build(folder), 0
    for caller, callee, port in _calls(found):
        own, other = labels_of(caller), labels_of(callee)
        assert _open(found, "egress", own, other, port), (name_of(caller), name_of(callee))
        assert _open(found, "ingress", other, own, port), (name_of(caller), name_of(callee))
        seen += 1
    assert seen >= 12


def test_nodes_of_nats_reach_one_another_and_the_operator_reaches_them(folder: Path) -> None:
    found = build(folder)
    nats = labels_of(found.get("StatefulSet", "nats"))
    operator = labels_of(found.get("Deployment", "operator"))
    gateway = labels_of(found.get("Deployment", "gateway"))
    for way in ("ingress", "egress"):
        assert _open(found, way, nats, nats, 6222)
    for callee, port in ((nats, 4222), (gateway, 8080)):
        assert _open(found, "egress", operator, callee, port)
        assert _open(found, "ingress", callee, operator, port)


def test_who_has_no_business_with_the_index_or_the_routes_does_not_reach_them(
    folder: Path,
) -> None:
    found = build(folder)
    qdrant = labels_of(found.get("StatefulSet", "qdrant"))
    nats = labels_of(found.get("StatefulSet", "nats"))
    for service, deployment in found.ours():
        labels = labels_of(deployment)
        assert _open(found, "ingress", qdrant, labels, 6333) == (service == "retriever")
        assert not _open(found, "ingress", nats, labels, 6222)
        assert not _open(found, "ingress", nats, labels, 8222)


def test_every_policy_is_about_pods_that_some_combination_has(folder: Path) -> None:
    everywhere = [labels_of(w) for each in COMBINATIONS for w in build(each).workloads()]
    for policy in build(folder).of("NetworkPolicy"):
        assert any(_chosen(policy["spec"]["podSelector"], labels) for labels in everywhere)


def test_the_collector_of_spans_is_in_reach_of_every_service(folder: Path) -> None:
    found = build(folder)
    for _, deployment in found.ours():
        environment = found.environment(pod_of(deployment)["containers"][0])
        if endpoint := environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
            host, _, port = endpoint.removeprefix("http://").partition(":")
            namespace = host.partition(".")[2]
            assert int(port) in _ports_open_to(found, labels_of(deployment), namespace)


def _ports_open_to(found: Build, labels: Mapping[str, str], namespace: str) -> set[int]:
    wanted = {"kubernetes.io/metadata.name": namespace}
    return {
        port["port"]
        for policy in found.of("NetworkPolicy")
        if _chosen(policy["spec"]["podSelector"], labels)
        for rule in policy["spec"].get("egress", [])
        for peer in rule["to"]
        if peer.get("namespaceSelector", {}).get("matchLabels") == wanted
        for port in rule["ports"]
    }
