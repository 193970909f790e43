"""Every combination builds, and every resource is of its schema, with no field that it lacks."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
from cloudcoil.models.cert_manager import v1 as cert_manager
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as prometheus
from referencing import Registry, Resource as Schema

from tests.deploy.built import COMBINATIONS, K8S, Resource, build, name_of

# With lifecycle.sleep and matchLabelKeys; the newest that the package has.
VERSIONS = ("1.31.0", "1.37.0")
_SCHEMAS = Path(kubernetes_validate.__file__).with_name("kubernetes-json-schema")
MODELS: dict[str, Any] = {
    "ScaledObject": keda.ScaledObject,
    "PodMonitor": prometheus.PodMonitor,
    "ServiceMonitor": prometheus.ServiceMonitor,
    "PrometheusRule": prometheus.PrometheusRule,
    "Certificate": cert_manager.Certificate,
    "Issuer": cert_manager.Issuer,
}
# No package has it; what we use of https://external-secrets.io/latest/api/externalsecret/.
EXTERNAL_SECRET = {
    "type": "object",
    "required": ["refreshInterval", "secretStoreRef", "target", "data"],
    "additionalProperties": False,
    "properties": {
        "refreshInterval": {"type": "string"},
        "secretStoreRef": {
            "type": "object",
            "required": ["name", "kind"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string"},
                "kind": {"enum": ["SecretStore", "ClusterSecretStore"]},
            },
        },
        "target": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {"name": {"type": "string"}},
        },
        "data": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["secretKey", "remoteRef"],
                "additionalProperties": False,
                "properties": {
                    "secretKey": {"type": "string"},
                    "remoteRef": {
                        "type": "object",
                        "required": ["key", "property"],
                        "additionalProperties": False,
                        "properties": {"key": {"type": "string"}, "property": {"type": "string"}},
                    },
                },
            },
        },
    },
}


def _strict(schema: Any) -> Any:
    """Objects whose fields are known have no others."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _strict(value) for key, value in schema.items()}
    if isinstance(closed.get("pattern"), str):  # Go takes flags anywhere, Python at the start
        closed["pattern"] = closed["pattern"].replace("^(?i)", "(?i)^")
    if "properties" in closed and isinstance(closed["properties"], dict):
        closed.setdefault("additionalProperties", False)
    return closed


@cache
def _schema(kind: str) -> dict[str, Any]:
    if kind == "ExternalSecret":
        return {"type": "object", "properties": {"spec": EXTERNAL_SECRET}}
    found: dict[str, Any] = _strict(MODELS[kind].model_json_schema(by_alias=True))
    return found


@cache
def _definitions(version: str) -> Registry:
    text = (_SCHEMAS / f"v{version}-local-strict/_definitions.json").read_text(encoding="utf-8")
    return Schema.from_contents(json.loads(text)) @ Registry()


@cache
def _kubernetes(version: str, kind: str, api_version: str) -> jsonschema.Draft202012Validator:
    """As kubernetes_validate.validate does it, which reads 2 MB anew for each resource."""
    group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", api_version)
    file = _SCHEMAS / f"v{version}-local-strict/{kind.lower()}-{group}.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    registry = Schema.from_contents(schema) @ _definitions(version)
    return jsonschema.Draft202012Validator(schema, registry=registry)


def validate(resource: Resource) -> None:
    """Raises a ValidationError. What is of no known kind is an error, too."""
    if resource["kind"] in {*MODELS, "ExternalSecret"}:
        jsonschema.validate(resource, _schema(resource["kind"]))
        return
    for version in VERSIONS:
        _kubernetes(version, resource["kind"], resource["apiVersion"]).validate(resource)


@pytest.mark.parametrize("folder", COMBINATIONS, ids=str)
def test_every_resource_of_a_combination_is_of_its_schema(folder: Path) -> None:
    resources = build(folder).resources
    assert len(resources) > 20
    for resource in resources:
        validate(resource)


@pytest.mark.parametrize("folder", COMBINATIONS, ids=str)
def test_names_are_such_as_dns_takes_and_stand_for_one_resource(folder: Path) -> None:
    seen = set()
    for resource in build(folder).resources:
        name = name_of(resource)
        assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name), name
        key = (resource["kind"], resource["metadata"].get("namespace"), name)
        assert key not in seen, key
        seen.add(key)


def test_every_component_is_built_by_something() -> None:
    texts = "".join(file.read_text(encoding="utf-8") for file in K8S.rglob("kustomization.yaml"))
    found = {file.parent.name for file in K8S.glob("components/*/kustomization.yaml")}
    assert found
    assert not {name for name in found if f"components/{name}\n" not in texts}


def test_a_mistyped_field_of_a_custom_resource_is_found() -> None:
    wrong = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "tts"},
        "spec": {"scaleTargetRef": {"name": "tts"}, "triggers": [], "minReplicasCount": 1},
    }
    with pytest.raises(jsonschema.ValidationError, match="minReplicasCount"):
        validate(wrong)


def test_a_mistyped_field_of_a_deployment_is_found() -> None:
    good = next(build(K8S / "overlays/local").of("Deployment"))
    with pytest.raises(jsonschema.ValidationError, match="replica"):
        validate({**good, "spec": {**good["spec"], "replica": 2}})
