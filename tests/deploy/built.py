"""Manifests as kustomize builds them, and how to look something up in them."""

import base64
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

K8S = Path("deploy/k8s")
COMBINATIONS = sorted(
    file.parent for place in ("overlays", "tests") for file in K8S.glob(f"{place}/*/*.yaml")
    if file.name == "kustomization.yaml"
)  # fmt: skip

Resource = Mapping[str, Any]
SERVICES = ("gateway", "retriever", "llm", "tts", "discord")
WORKLOADS = ("Deployment", "StatefulSet", "Job")
_KUBECTL = Path(sys.executable).with_name("kubectl")
_UNITS = {"": 1, "m": 0.001, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|[KMGT]i|[kM])?")


class Build:
    """The resources of one combination."""

    def __init__(self, folder: Path, resources: list[Resource]) -> None:
        self.folder = folder
        self.resources = resources

    def of(self, *kinds: str) -> Iterator[Resource]:
        return (r for r in self.resources if r["kind"] in kinds)

    def find(self, kind: str, name: str) -> Resource | None:
        return next((r for r in self.of(kind) if name_of(r) == name), None)

    def get(self, kind: str, name: str) -> Resource:
        found = self.find(kind, name)
        assert found, f"{self.folder}: there is no {kind} {name}"
        return found

    def workloads(self) -> Iterator[Resource]:
        return self.of(*WORKLOADS)

    def ours(self) -> Iterator[tuple[str, Resource]]:
        """(service, Deployment): a service may have several, as tts has one on GPUs."""
        for deployment in self.of("Deployment"):
            if service := deployment["metadata"].get("labels", {}).get("palabre/service"):
                yield service, deployment

    def selected(self, selector: Mapping[str, str]) -> list[Resource]:
        """Workloads whose pods have these labels."""
        wanted = selector.items()
        return [w for w in self.workloads() if wanted <= labels_of(w).items()]

    def environment(self, container: Resource) -> dict[str, str]:
        """What is known of it here; a value that only the cluster knows is empty."""
        found: dict[str, str] = {}
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                found |= self.get("ConfigMap", source["configMapRef"]["name"])["data"]
            else:
                found |= self.secret(source["secretRef"]["name"])
        return found | {e["name"]: e.get("value", "") for e in container.get("env", [])}

    def secret(self, name: str) -> dict[str, str]:
        """Keys and values; those of an ExternalSecret are empty."""
        if found := self.find("Secret", name):
            data = found.get("data", {})
            return {key: decoded(value) for key, value in data.items()}
        return dict.fromkeys((d["secretKey"] for d in self._external(name)["spec"]["data"]), "")

    def has_secret(self, name: str) -> bool:
        """A Secret that is here, or is made from what is here."""
        made = [c["spec"]["secretName"] for c in self.of("Certificate")]
        external = [e["spec"]["target"]["name"] for e in self.of("ExternalSecret")]
        return bool(self.find("Secret", name)) or name in made + external

    def _external(self, name: str) -> Resource:
        return next(e for e in self.of("ExternalSecret") if e["spec"]["target"]["name"] == name)


@cache
def build(folder: Path) -> Build:
    done = subprocess.run(
        [_KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False
    )
    assert not done.returncode, f"{folder}: {done.stderr}"
    assert not done.stderr, f"{folder}: {done.stderr}"  # what is deprecated, too
    return Build(folder, [r for r in yaml.safe_load_all(done.stdout) if r])


def name_of(resource: Resource) -> str:
    return str(resource["metadata"]["name"])


def pod_of(workload: Resource) -> Resource:
    found: Resource = workload["spec"]["template"]["spec"]
    return found


def labels_of(workload: Resource) -> dict[str, str]:
    found: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return found


def containers_of(workload: Resource) -> list[Resource]:
    pod = pod_of(workload)
    return [*pod.get("initContainers", []), *pod["containers"]]


def port_names(workload: Resource) -> dict[str, int]:
    return {
        p["name"]: p["containerPort"] for c in containers_of(workload) for p in c.get("ports", [])
    }


def amount(quantity: str | int) -> float:
    """In bytes or cores. Raises AssertionError for what is no quantity of Kubernetes."""
    found = _QUANTITY.fullmatch(str(quantity))
    assert found, f"{quantity!r} is no quantity"
    return float(found[1]) * _UNITS[found[2] or ""]


def decoded(value: str) -> str:

    return base64.b64decode(value).decode()
