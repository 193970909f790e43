"""Each service is given the settings that it reads and the secrets that it needs, and no other."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from palabre.chassis import nats_config
from palabre.cli.settings import CliSettings
from palabre.discord.settings import DiscordSettings
from palabre.gateway.settings import GatewaySettings
from palabre.llm.settings import Settings as LlmSettings
from palabre.retriever.settings import RetrieverSettings
from palabre.tts.settings import Settings as TtsSettings
from tests.deploy.built import COMBINATIONS, Build, build, containers_of, name_of, pod_of

pytestmark = pytest.mark.parametrize("folder", COMBINATIONS, ids=str)

SETTINGS: dict[str, type[BaseSettings]] = {
    "gateway": GatewaySettings,
    "retriever": RetrieverSettings,
    "llm": LlmSettings,
    "tts": TtsSettings,
    "discord": DiscordSettings,
}
# Without these a service does not start here, or two replicas of it differ.
NEEDED = {
    "gateway": {
        "nats_password", "grpc_token", "database_url", "secret", "audio_key", "bootstrap_token",
    },
    "retriever": {"nats_password", "grpc_token", "qdrant_api_key"},
    "llm": {"nats_password", "grpc_token"},
    "tts": {"nats_password", "grpc_token"},
    "discord": {"nats_password", "grpc_token", "discord_token"},
}  # fmt: skip


def fields(kind: type[BaseSettings], environment: dict[str, str]) -> dict[str, str]:
    """By field. Raises AssertionError for a variable that the settings do not have."""
    variables = {
        str(field.validation_alias or f"PALABRE_{name}").upper(): name
        for name, field in kind.model_fields.items()
    }
    unknown = environment.keys() - variables.keys()
    assert not unknown, f"{kind.__name__} has no {', '.join(sorted(unknown))}"
    return {variables[name]: value for name, value in environment.items()}


def secrets_of(kind: type[BaseSettings]) -> set[str]:
    return {
        name for name, field in kind.model_fields.items() if "SecretStr" in repr(field.annotation)
    }


def test_the_needed_secrets_are_secrets_of_the_settings(folder: Path) -> None:
    assert SecretStr.__name__ in repr(GatewaySettings.model_fields["secret"].annotation)
    for service, needed in NEEDED.items():
        assert needed <= secrets_of(SETTINGS[service])


def test_a_service_is_given_settings_that_it_has_and_every_secret_that_it_needs(
    folder: Path,
) -> None:
    seen = set()
    for service, deployment in build(folder).ours():
        given = fields(SETTINGS[service], _environment(build(folder), service, name_of(deployment)))
        assert given.keys() >= NEEDED[service]
        seen.add(service)
    assert seen == SETTINGS.keys()


def test_a_secret_of_the_settings_is_never_written_into_a_manifest(folder: Path) -> None:
    for service, deployment in build(folder).ours():
        for container in containers_of(deployment):
            plain = {e["name"] for e in container.get("env", []) if e.get("value")}
            hidden = {f"PALABRE_{name}".upper() for name in secrets_of(SETTINGS[service])}
            assert not plain & hidden


def test_the_values_are_such_as_the_settings_take(folder: Path) -> None:
    found = build(folder)
    for service, deployment in found.ours():
        kind = SETTINGS[service]
        values = fields(kind, _environment(found, service, name_of(deployment)))
        files = {"grpc_certificate", "grpc_key", "grpc_ca", "grpc_client_ca", "nats_ca"}
        for name in files & values.keys():
            _is_mounted(found, name_of(deployment), values.pop(name))
        kind.model_validate({name: value for name, value in values.items() if value})


def _environment(found: Build, service: str, deployment: str) -> dict[str, str]:
    container = pod_of(found.get("Deployment", deployment))["containers"][0]
    assert container["name"] == "service"
    return found.environment(container)


def _is_mounted(found: Build, deployment: str, file: str) -> None:
    container = pod_of(found.get("Deployment", deployment))["containers"][0]
    assert any(file.startswith(m["mountPath"] + "/") for m in container["volumeMounts"]), file


def test_a_service_is_the_nats_user_of_its_name_with_the_password_that_nats_has(
    folder: Path,
) -> None:
    found = build(folder)
    known = found.secret(_secret(found, "StatefulSet", "nats"))
    assert known.keys() == {f"{u.upper()}_PASSWORD" for u in (*nats_config.USERS, "route")}
    for service, deployment in found.ours():
        environment = _environment(found, service, name_of(deployment))
        assert environment["PALABRE_NATS_USER"] == service
        assert environment["PALABRE_NATS_PASSWORD"] == known[f"{service.upper()}_PASSWORD"]
    # nats-server reads them as values of its configuration: 1e5 would be a number.
    assert all(not word or word[0].isalpha() for word in known.values())


def _secret(found: Build, kind: str, name: str) -> str:
    container = pod_of(found.get(kind, name))["containers"][0]
    return next(str(s["secretRef"]["name"]) for s in container["envFrom"] if "secretRef" in s)


def test_the_operator_is_given_settings_of_the_command_line(folder: Path) -> None:
    operator = build(folder).get("Deployment", "operator")
    for container in containers_of(operator):
        environment = build(folder).environment(container)
        given = fields(CliSettings, environment)
        assert given["nats_user"] == "operator"
        assert "nats_password" in given


def test_every_address_is_a_service_with_that_port(folder: Path) -> None:
    found = build(folder)
    checked = 0
    for service, deployment in found.ours():
        environment = _environment(found, service, name_of(deployment))
        for name, value in environment.items():
            if name.endswith("_ADDRESS") or name in ("PALABRE_NATS_URL", "PALABRE_QDRANT_URL"):
                host, _, port = value.rpartition("/")[2].partition(":")
                ports = [p["port"] for p in found.get("Service", host)["spec"]["ports"]]
                assert int(port) in ports, (name, value)
                checked += 1
    assert checked >= 12


def test_a_service_listens_on_the_ports_that_its_container_names(folder: Path) -> None:
    for service, deployment in build(folder).ours():
        container = pod_of(deployment)["containers"][0]
        environment = _environment(build(folder), service, name_of(deployment))
        for port in container["ports"]:
            variable = f"PALABRE_{port['name'].upper()}_PORT"
            assert environment[variable] == str(port["containerPort"])
            assert environment[f"PALABRE_{port['name'].upper()}_HOST"] == "0.0.0.0"  # noqa: S104
