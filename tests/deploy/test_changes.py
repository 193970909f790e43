"""What happens to a running installation: an update, a drain, another overlay."""

import itertools
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from tests.deploy.built import COMBINATIONS, K8S, Build, Resource, build, labels_of, name_of

EVERYWHERE = pytest.mark.parametrize("folder", COMBINATIONS, ids=str)
# One node, one replica of each: a drain of it waits for somebody.
SEVERAL = pytest.mark.parametrize(
    "folder", [f for f in COMBINATIONS if f != K8S / "overlays/local"], ids=str
)


@dataclass(frozen=True, slots=True)
class Pods:
    """Of one workload: how many there are, and how many may be away for which reason."""

    replicas: int
    unavailable: int  # during an update
    surge: int
    least: int | None  # PodDisruptionBudget: minAvailable,
    most_away: int | None  # or maxUnavailable

    @classmethod
    def of(cls, found: Build, workload: Resource, replicas: int) -> Self:
        budget: dict[str, int] = next(
            (
                b["spec"]
                for b in found.of("PodDisruptionBudget")
                if b["spec"]["selector"]["matchLabels"].items() <= labels_of(workload).items()
            ),
            {},
        )
        rolling = workload["spec"].get("strategy", {}).get("rollingUpdate", {})
        away, surge = rolling.get("maxUnavailable", 1), rolling.get("maxSurge", 0)
        return cls(replicas, away, surge, budget.get("minAvailable"), budget.get("maxUnavailable"))

    def evictable(self, ready: int) -> int:
        """As the eviction API decides it; without a budget it takes all."""
        if self.least is not None:
            return max(0, ready - self.least)
        if self.most_away is not None:
            return max(0, self.most_away - (self.replicas - ready))
        return ready

    def least_ready(self) -> int:
        """During an update, while nodes are drained as far as the budget lets them."""
        old, new, fewest = self.replicas, 0, self.replicas
        while new < self.replicas:
            going = min(old, old + new - (self.replicas - self.unavailable))
            old -= max(0, going)
            fewest = min(fewest, old + new - self.evictable(old + new))
            coming = min(self.replicas - new, self.replicas + self.surge - old - new)
            assert going > 0 or coming > 0, "the update stands still"
            new += max(0, coming)
        return fewest


def _replicas(found: Build, workload: Resource) -> range:
    """Whatever a scaler or the manifest may want."""
    for scaler in found.of("ScaledObject", "HorizontalPodAutoscaler"):
        spec = scaler["spec"]
        if spec["scaleTargetRef"]["name"] == name_of(workload):
            least = spec.get("minReplicaCount", spec.get("minReplicas"))
            most = spec.get("maxReplicaCount", spec.get("maxReplicas"))
            return range(least, most + 1)
    count = workload["spec"]["replicas"]
    return range(count, count + 1)


def _all_pods(found: Build, name: str, kind: str = "Deployment") -> list[Pods]:
    workload = found.get(kind, name)
    return [Pods.of(found, workload, count) for count in _replicas(found, workload)]


@EVERYWHERE
def test_an_update_during_a_drain_leaves_one_of_each_that_somebody_waits_for(folder: Path) -> None:
    for name in ("gateway", "retriever", "llm", "tts"):
        for pods in _all_pods(build(folder), name):
            assert pods.least_ready() >= 1, (name, pods)


@EVERYWHERE
def test_an_update_during_a_drain_leaves_nats_its_quorum(folder: Path) -> None:
    [pods] = _all_pods(build(folder), "nats", "StatefulSet")
    assert pods.least_ready() >= pods.replicas // 2 + 1


@SEVERAL
def test_a_drain_gets_on(folder: Path) -> None:
    found = build(folder)
    for workload in found.of("Deployment", "StatefulSet"):
        for count in _replicas(found, workload):
            pods = Pods.of(found, workload, count)
            assert count == 0 or pods.evictable(count) >= 1, (name_of(workload), pods)


@EVERYWHERE
def test_an_update_of_a_speaker_on_a_gpu_needs_no_second_gpu(folder: Path) -> None:
    found = build(folder)
    if found.find("Deployment", "tts-gpu"):
        for pods in _all_pods(found, "tts-gpu"):
            assert (pods.surge, pods.unavailable) == (0, 1)


def test_an_update_that_may_neither_stop_nor_start_one_is_seen_to_stand_still() -> None:
    with pytest.raises(AssertionError, match="stands still"):
        Pods(2, unavailable=0, surge=0, least=1, most_away=None).least_ready()


def test_a_speaker_that_may_be_stopped_before_the_next_one_starts_is_seen() -> None:
    assert Pods(1, unavailable=1, surge=0, least=None, most_away=None).least_ready() == 0
    assert Pods(2, unavailable=0, surge=1, least=None, most_away=None).least_ready() == 0
    assert Pods(2, unavailable=0, surge=1, least=1, most_away=None).least_ready() == 1


IMMUTABLE = {
    "Deployment": ("selector",),
    "StatefulSet": ("selector", "serviceName", "podManagementPolicy", "volumeClaimTemplates"),
    "PersistentVolumeClaim": ("accessModes", "storageClassName", "resources"),
    "Service": ("clusterIP",),
}


def test_what_the_api_server_lets_nobody_change_is_the_same_in_every_combination() -> None:
    """Otherwise to take a component in, or leave it out, would be refused."""
    seen: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for folder in COMBINATIONS:
        for resource in build(folder).of(*IMMUTABLE):
            key = (resource["kind"], name_of(resource))
            fields = IMMUTABLE[resource["kind"]]
            seen[key].append({f: resource["spec"].get(f) for f in fields})
    assert ("StatefulSet", "nats") in seen
    for key, versions in seen.items():
        assert all(a == b for a, b in itertools.pairwise(versions)), key


@EVERYWHERE
def test_what_the_base_has_keeps_its_name(folder: Path) -> None:
    plain = K8S / "tests/plain"
    kinds = ("Deployment", "StatefulSet", "Service", "PodDisruptionBudget", "PriorityClass")
    names = {(r["kind"], name_of(r)) for r in build(plain).of(*kinds)}
    assert names <= {(r["kind"], name_of(r)) for r in build(folder).of(*kinds)}


@EVERYWHERE
def test_a_change_of_settings_renews_the_pods_that_read_them(folder: Path) -> None:
    """By the name of the ConfigMap, which has a hash of its content."""
    found = build(folder)
    [settings] = [n for n in map(name_of, found.of("ConfigMap")) if n.startswith("settings-")]
    assert re.fullmatch(r"settings-[a-z0-9]{10}", settings)
    for service, deployment in found.ours():
        text = str(deployment["spec"]["template"])
        assert settings in text, service
    nats = str(found.get("StatefulSet", "nats")["spec"]["template"])
    assert re.search(r"\'name\': \'nats-[a-z0-9]{10}\'", nats)
