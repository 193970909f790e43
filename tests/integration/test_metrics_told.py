"""What is told at /metrics is what docs/metrics.md says, for everything that `make run` starts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from docs.metrics import SERVICES, Metric, metrics
from palabre.cli.run.instance import TARGETS
from palabre.cli.testing import Running, running

pytestmark = pytest.mark.timeout(240)  # everything starts, and all sources are read
DISCORD = {"PALABRE_DISCORD_TOKEN": "token", "PALABRE_DISCORD_API": "http://127.0.0.1:9"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("run")
    with running(folder, DISCORD, spaces=Path("spaces").resolve()) as system:
        yield system


@pytest.fixture(scope="module")
def told(system: Running) -> dict[str, set[str]]:
    """Names of metrics, by service."""
    targets = json.loads((system.folder / TARGETS).read_text(encoding="utf-8"))
    return {each["labels"]["service"]: _names(each["targets"][0]) for each in targets}


def _names(target: str) -> set[str]:
    found = re.findall(r"^# HELP (palabre_\w+)", httpx.get(f"http://{target}/metrics").text, re.M)
    return {name for name in found if not name.endswith("_created")}


@pytest.fixture(scope="module")
def listed() -> list[Metric]:
    return metrics()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_tells_every_metric_that_the_table_says(
    told: dict[str, set[str]], listed: list[Metric], service: str
) -> None:
    wanted = {metric.name for metric in listed if service in metric.services}
    assert wanted - told[service] == set()


def test_no_metric_is_told_that_has_no_line(
    told: dict[str, set[str]], listed: list[Metric]
) -> None:
    assert set.union(*told.values()) == {metric.name for metric in listed}


def test_a_metric_is_made_where_the_table_finds_it(tmp_path: Path) -> None:
    hidden = "from prometheus_client import Gauge\n\ndef f():\n    return Gauge('palabre_x', 'x')\n"
    (tmp_path / "hidden.py").write_text(hidden, encoding="utf-8")
    with pytest.raises(ValueError, match=r"hidden\.py:4: make this metric at the top"):
        metrics([tmp_path / "hidden.py"])
