"""What a schema does not see: that the manifests fit together, and fit the services."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from palabre.chassis import streams
from palabre.chassis.health import Health
from tests.deploy.built import (
    COMBINATIONS,
    Build,
    Resource,
    amount,
    build,
    containers_of,
    labels_of,
    name_of,
    pod_of,
    port_names,
)

pytestmark = pytest.mark.parametrize("folder", COMBINATIONS, ids=str)
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def _containers(folder: Path) -> Iterator[tuple[Resource, Resource]]:
    for workload in build(folder).workloads():
        for container in containers_of(workload):
            yield workload, container


def test_every_container_has_requests_and_a_memory_limit_that_are_quantities(
    folder: Path,
) -> None:
    for workload, container in _containers(folder):
        resources = container["resources"]
        assert amount(resources["requests"]["cpu"]) > 0, name_of(workload)
        limit = amount(resources["limits"]["memory"])
        assert 64 << 20 <= amount(resources["requests"]["memory"]) <= limit, name_of(workload)
        for quantity in resources["limits"].values():
            amount(quantity)


def test_every_image_has_a_tag_that_is_not_latest(folder: Path) -> None:
    for _, container in _containers(folder):
        tag = container["image"].rpartition(":")[2]
        assert re.match(r"v?\d", tag), container["image"]


def test_the_namespace_takes_restricted_pods_alone_and_every_resource_is_in_it(
    folder: Path,
) -> None:
    labels = build(folder).get("Namespace", "palabre")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    for resource in build(folder).resources:
        if resource["kind"] not in ("Namespace", "PriorityClass"):
            assert resource["metadata"]["namespace"] == "palabre", name_of(resource)


def test_every_pod_is_such_as_the_restricted_profile_takes(folder: Path) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    volumes = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "name"}
    volumes |= {"persistentVolumeClaim", "projected", "secret"}
    for workload, container in _containers(folder):
        pod = pod_of(workload)
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"}
        assert not pod["securityContext"].keys() & {"sysctls", "seLinuxOptions", "windowsOptions"}
        assert all(volume.keys() <= volumes for volume in pod.get("volumes", []))
        assert not any("hostPort" in port for port in container.get("ports", []))


def test_every_pod_is_locked_down(folder: Path) -> None:
    for workload, container in _containers(folder):
        pod, own = pod_of(workload), container["securityContext"]
        assert pod["securityContext"]["runAsNonRoot"], name_of(workload)
        assert pod["securityContext"]["runAsUser"] >= 999
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert own == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name_of(workload)


def test_a_service_finds_pods_and_their_ports(folder: Path) -> None:
    for service in build(folder).of("Service"):
        found = build(folder).selected(service["spec"]["selector"])
        assert found, name_of(service)
        for workload in found:
            for port in service["spec"]["ports"]:
                assert port["targetPort"] in port_names(workload), (name_of(service), port)


def test_a_workload_selects_its_own_pods_alone(folder: Path) -> None:
    for workload in build(folder).of("Deployment", "StatefulSet"):
        selector = workload["spec"]["selector"]["matchLabels"]
        assert build(folder).selected(selector) == [workload]


def test_ports_are_ports_and_probes_name_one(folder: Path) -> None:
    for workload, container in _containers(folder):
        ports = {p["name"]: p["containerPort"] for p in container.get("ports", [])}
        assert all(1024 < port < 65_536 for port in ports.values()), name_of(workload)
        for probe in (container[kind] for kind in _PROBES if "httpGet" in container.get(kind, {})):
            assert probe["httpGet"]["port"] in ports, name_of(workload)


def test_probes_of_our_services_ask_for_what_health_answers(folder: Path) -> None:
    for _, deployment in build(folder).ours():
        container = pod_of(deployment)["containers"][0]
        paths = [container[kind]["httpGet"]["path"] for kind in _PROBES]
        assert paths == ["/ready", "/ready", "/live"]
        for path in paths:
            statuses: list[str] = []
            Health().answer({"PATH_INFO": path}, lambda s, _, found=statuses: found.append(s))
            assert statuses[0].split()[0] in ("200", "503")


def test_a_service_has_time_to_start_and_to_drain(folder: Path) -> None:
    for _, deployment in build(folder).ours():
        container = pod_of(deployment)["containers"][0]
        start = container["startupProbe"]
        wanted = 600 if "gpu" in name_of(deployment) else 120
        assert start["periodSeconds"] * start["failureThreshold"] >= wanted
        drain = float(build(folder).environment(container)["PALABRE_DRAIN_S"])
        assert pod_of(deployment)["terminationGracePeriodSeconds"] == drain + 10
        assert container["lifecycle"]["preStop"]["sleep"]["seconds"] < 10


def test_an_update_and_an_eviction_leave_a_speaker(folder: Path) -> None:
    speaker = build(folder).get("Deployment", "tts")
    assert speaker["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert build(folder).get("PodDisruptionBudget", "tts")["spec"]["minAvailable"] >= 1
    engines = build(folder).environment(pod_of(speaker)["containers"][0])["PALABRE_TTS_ENGINES"]
    assert engines.split(",")[-1] == "espeak"


def test_who_reads_models_waits_for_the_job_that_brings_them(folder: Path) -> None:
    found = build(folder)
    for _, deployment in found.ours():
        if "persistentVolumeClaim" in str(pod_of(deployment).get("volumes")):
            [waiting] = pod_of(deployment)["initContainers"]
            assert waiting["image"] == pod_of(deployment)["containers"][0]["image"]
            [mark] = re.findall(r"-e /models/(\S+) ]", waiting["command"][-1])
            [filling] = containers_of(found.get("Job", "models"))
            assert f"touch /target/{mark}\n" in filling["args"][-1]


def test_budgets_and_scalers_name_what_is_there(folder: Path) -> None:
    found = build(folder)
    for budget in found.of("PodDisruptionBudget"):
        assert found.selected(budget["spec"]["selector"]["matchLabels"]), name_of(budget)
    for scaler in found.of("ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        scaled = found.get(target.get("kind", "Deployment"), target["name"])
        assert "replicas" not in scaled["spec"], "an update would undo what the scaler did"
        assert scaler["spec"]["minReplicaCount"] <= scaler["spec"]["maxReplicaCount"]
        assert "fallback" not in scaler["spec"], "a fixed number would scale down in a rush"
    for scaler in found.of("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        assert "replicas" not in found.get(target["kind"], target["name"])["spec"]
        assert 2 <= scaler["spec"]["minReplicas"] <= scaler["spec"]["maxReplicas"]
        for metric in scaler["spec"]["metrics"]:
            assert 0 < amount(metric["resource"]["target"]["averageValue"]) < 1, "a process: a core"


def test_the_cpu_speakers_are_never_scaled_to_none(folder: Path) -> None:
    least = [
        scaler["spec"]["minReplicaCount"]
        for scaler in build(folder).of("ScaledObject")
        if scaler["spec"]["scaleTargetRef"]["name"] != "tts-gpu"
    ]
    assert all(count >= 1 for count in least)


def test_a_scaler_looks_at_a_durable_of_the_service_that_it_scales(folder: Path) -> None:
    found = build(folder)
    services = {name_of(deployment): service for service, deployment in found.ours()}
    for scaler in found.of("ScaledObject"):
        for trigger in scaler["spec"]["triggers"]:
            if trigger["type"] == "nats-jetstream":
                told = trigger["metadata"]
                durable = streams.durable(told["consumer"])
                assert durable.service == services[scaler["spec"]["scaleTargetRef"]["name"]]
                assert told["stream"] == "TURNS"
                host, _, port = told["natsServerMonitoringEndpoint"].partition(":")
                name, namespace, *_ = host.split(".")
                service = found.get("Service", name)
                assert service["metadata"]["namespace"] == namespace
                assert int(port) in [p["port"] for p in service["spec"]["ports"]]


def test_volumes_and_priorities_are_there(folder: Path) -> None:
    found = build(folder)
    for workload in found.workloads():
        pod = pod_of(workload)
        assert found.find("PriorityClass", pod["priorityClassName"]), name_of(workload)
        claims = [c["metadata"]["name"] for c in workload["spec"].get("volumeClaimTemplates", [])]
        assert _mounted(workload) <= {v["name"] for v in pod.get("volumes", [])} | set(claims)
        for volume in pod.get("volumes", []):
            _is_there(found, volume)


def _mounted(workload: Resource) -> set[str]:
    return {m["name"] for c in containers_of(workload) for m in c.get("volumeMounts", [])}


def _is_there(found: Build, volume: Resource) -> None:
    if "configMap" in volume:
        found.get("ConfigMap", volume["configMap"]["name"])
    if "secret" in volume:
        assert found.has_secret(volume["secret"]["secretName"]), volume
    if "persistentVolumeClaim" in volume:
        found.get("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])


def test_jetstream_may_store_what_the_streams_may_hold_and_the_disk_has_it(folder: Path) -> None:
    found = build(folder)
    nats = found.get("StatefulSet", "nats")
    config = next(v["configMap"]["name"] for v in pod_of(nats)["volumes"] if v["name"] == "config")
    text = found.get("ConfigMap", config)["data"]["nats.conf"]
    limits = dict(re.findall(r"max_(file|memory)_store: (\d+)(?:GB|MB)", text))
    file, memory = int(limits["file"]) << 30, int(limits["memory"]) << 20
    disk = nats["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"]
    held = {"file": 0, "memory": 0}
    for config_ in streams.everything(3):
        assert config_.storage
        held[config_.storage.value] += config_.max_bytes or 0
    assert held["file"] <= file < amount(disk)
    assert held["memory"] <= memory
    container = pod_of(nats)["containers"][0]
    assert memory < amount(container["resources"]["requests"]["memory"])


def test_the_routes_of_nats_lead_to_every_node_by_its_name(folder: Path) -> None:
    nats = build(folder).get("StatefulSet", "nats")
    environment = {e["name"]: e.get("value", "") for e in pod_of(nats)["containers"][0]["env"]}
    names = list(environment)
    assert names.index("ROUTE_PASSWORD") < names.index("ROUTES"), "$(…) sees what is before it"
    routes = json.loads(environment["ROUTES"].replace("$(ROUTE_PASSWORD)", "word"))
    nodes = build(folder).get("Service", nats["spec"]["serviceName"])
    port = {p["name"]: p["port"] for p in nodes["spec"]["ports"]}["cluster"]
    assert nodes["spec"]["publishNotReadyAddresses"], "nodes find one another before they are ready"
    assert routes == [
        f"nats://route:word@nats-{number}.{name_of(nodes)}:{port}"
        for number in range(nats["spec"]["replicas"])
    ]


def test_pods_are_spread_by_labels_that_they_have(folder: Path) -> None:
    for workload in build(folder).workloads():
        for spread in pod_of(workload).get("topologySpreadConstraints", []):
            labels = labels_of(workload)
            assert spread["labelSelector"]["matchLabels"].items() <= labels.items()
            keys = set(spread.get("matchLabelKeys", [])) - {"pod-template-hash"}
            assert keys <= labels.keys()


def test_a_monitor_finds_pods_with_the_port_that_it_names(folder: Path) -> None:
    found = build(folder)
    for monitor in found.of("PodMonitor"):
        ports = {p["port"] for p in monitor["spec"]["podMetricsEndpoints"]}
        selected = [w for w in found.workloads() if _matches(monitor["spec"]["selector"], w)]
        assert len(selected) >= 1, name_of(monitor)
        assert all(ports <= port_names(w).keys() for w in selected), name_of(monitor)
    for monitor in found.of("ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        services = [s for s in found.of("Service") if wanted <= s["metadata"]["labels"].items()]
        ports = {p["name"] for s in services for p in s["spec"]["ports"]}
        for endpoint in monitor["spec"]["endpoints"]:
            assert endpoint["port"] in ports
            told = endpoint["authorization"]["credentials"]
            assert told["key"] in found.secret(told["name"])


def _matches(selector: Resource, workload: Resource) -> bool:
    labels = labels_of(workload)
    keys = {e["key"] for e in selector.get("matchExpressions", [])}
    return keys <= labels.keys() and selector.get("matchLabels", {}).items() <= labels.items()


def test_an_ingress_leads_to_a_service_and_links_name_its_host(folder: Path) -> None:
    found = build(folder)
    for ingress in found.of("Ingress"):
        for rule in ingress["spec"]["rules"]:
            assert ingress["spec"]["tls"][0]["hosts"] == [rule["host"]]
            for path in rule["http"]["paths"]:
                service = found.get("Service", path["backend"]["service"]["name"])
                names = [p["name"] for p in service["spec"]["ports"]]
                assert path["backend"]["service"]["port"]["name"] in names
            gateway = pod_of(found.get("Deployment", "gateway"))["containers"][0]
            url = found.environment(gateway)["PALABRE_PUBLIC_URL"]
            assert url == f"https://{rule['host']}"


def test_a_certificate_names_the_services_whose_pods_show_it(folder: Path) -> None:
    found = build(folder)
    certificates = {c["spec"]["secretName"]: c["spec"] for c in found.of("Certificate")}
    for workload in found.of("Deployment", "StatefulSet") if certificates else ():
        shown = [
            certificates[v["secret"]["secretName"]]
            for v in pod_of(workload).get("volumes", [])
            if "secret" in v
        ]
        wanted = {
            name_of(s)
            for s in found.of("Service")
            if s["spec"]["selector"].items() <= labels_of(workload).items()
            and any(p["name"] in ("grpc", "nats") for p in s["spec"]["ports"])
        }
        assert not wanted or wanted <= set(shown[0]["dnsNames"]), name_of(workload)


def test_a_speaker_on_a_gpu_asks_for_one_kind_of_it_in_both_places(folder: Path) -> None:
    if speaker := build(folder).find("Deployment", "tts-gpu"):
        resources = pod_of(speaker)["containers"][0]["resources"]
        wanted = {k: v for k, v in resources["limits"].items() if k.startswith("nvidia.com/")}
        assert list(wanted.values()) == [1]
        assert wanted.items() <= resources["requests"].items()
        assert speaker["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
