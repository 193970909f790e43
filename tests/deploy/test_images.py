"""Dockerfiles and compose.yaml, as far as they can be looked at without an engine."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from palabre.chassis import nats_config
from palabre.chassis.testing.server import binary, free_port
from palabre.cli.settings import CliSettings
from tests.deploy.built import COMBINATIONS, SERVICES, build, containers_of
from tests.deploy.test_environment import NEEDED, SETTINGS, fields

DOCKERFILES = {s: Path(f"services/{s}/Dockerfile") for s in SERVICES} | {
    "operator": Path("cli/Dockerfile")
}
COMPOSE = Path("deploy/compose.yaml")


def _services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_has_the_locked_packages_of_its_member_and_runs_as_nobody_special(
    name: str,
) -> None:
    text = DOCKERFILES[name].read_text(encoding="utf-8")
    project = tomllib.loads((DOCKERFILES[name].parent / "pyproject.toml").read_text("utf-8"))
    project = project["project"]
    assert f"uv sync --locked --no-default-groups --no-editable --package {project['name']}" in text
    assert (
        set(re.findall(r"--extra (\w+)", text)) <= project.get("optional-dependencies", {}).keys()
    )
    assert "\nUSER 10001:10001\n" in text.rpartition("FROM")[2]
    module = project["name"].replace("-", ".")
    entry = "/palabre/bin/palabre" if name == "operator" else module
    assert f'"{entry}"]' in text.splitlines()[-1]


def test_every_image_of_ours_in_the_manifests_has_a_dockerfile() -> None:
    known = {f"palabre/{name}" for name in DOCKERFILES}
    texts = "".join(file.read_text(encoding="utf-8") for file in DOCKERFILES.values())
    for folder in COMBINATIONS:
        for workload in build(folder).workloads():
            for container in containers_of(workload):
                image = container["image"].partition(":")[0]
                if image.startswith("palabre/") and image != "palabre/models":  # yours to make
                    assert image in known or f"-t {image}:" in texts


def test_services_of_compose_are_given_settings_that_they_have() -> None:
    for name, kind in SETTINGS.items():
        given = fields(kind, _services()[name]["environment"])
        assert given.keys() >= NEEDED[name]
        assert given["nats_user"] == name
    for name in ("streams", "setup"):
        fields(CliSettings, _services()[name]["environment"])


def test_services_of_compose_are_asked_whether_they_are_ready() -> None:
    """The command itself, here: at the address that the settings have nobody answers."""
    for name in SETTINGS:
        service = _services()[name]
        kind, _, *code = service["healthcheck"]["test"]
        assert kind == "CMD"
        port = service["environment"]["PALABRE_OPS_PORT"]
        assert f"http://127.0.0.1:{port}/ready" in code[-1]
        asked = [sys.executable, *code[:-1], code[-1].replace(port, str(free_port()))]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "Connection refused" in done.stderr


def test_files_of_compose_are_there() -> None:
    for service in _services().values():
        if build_ := service.get("build"):
            assert (COMPOSE.parent / build_["context"] / build_["dockerfile"]).exists()
        for volume in service.get("volumes", []):
            if volume.startswith("."):
                assert (COMPOSE.parent / volume.partition(":")[0]).exists()


def test_nats_of_compose_takes_its_configuration(tmp_path: Path) -> None:
    for name in ("deploy/nats.conf", "deploy/k8s/base/nats/users.conf"):
        text = Path(name).read_text(encoding="utf-8")
        (tmp_path / Path(name).name).write_text(text, encoding="utf-8")
    given = _services()["nats"]["environment"]
    assert given.keys() == {f"{user.upper()}_PASSWORD" for user in nats_config.USERS}
    done = subprocess.run(
        [binary(), "-t", "-c", str(tmp_path / "nats.conf")],
        env=dict.fromkeys(given, "a-word"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_compose_and_kubernetes_have_the_same_versions_of_what_we_stand_on() -> None:
    images = (service["image"].partition(":") for service in _services().values())
    compose = {name: tag for name, _, tag in images}
    seen = set()
    for folder in COMBINATIONS:
        for workload in build(folder).workloads():
            for container in containers_of(workload):
                name, _, tag = container["image"].partition(":")
                if compose.get(name):
                    assert tag.removesuffix("-unprivileged") == compose[name]
                    seen.add(name)
    assert seen >= {"nats", "qdrant/qdrant", "postgres"}
