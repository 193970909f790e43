"""The real Prometheus over everything that `make run` starts."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from palabre.chassis.testing import until
from palabre.cli.run.instance import TARGETS
from palabre.cli.testing import Running, running
from tests.integration import prometheus
from tests.integration.prometheus import Prometheus

pytestmark = prometheus.needed


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("run"), spaces=Path("spaces").resolve()) as system:
        yield system


@pytest.fixture(scope="module")
def watcher(system: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with prometheus.watching(tmp_path_factory.mktemp("watch"), [system.folder / TARGETS]) as found:
        yield found


def test_every_service_that_runs_is_scraped_by_its_name(
    system: Running, watcher: Prometheus
) -> None:
    def scraped() -> set[str]:
        return {series.labels["service"] for series in watcher.query("up == 1")}

    asyncio.run(until(lambda: scraped() == set(system.instance.ports.services), 20))
    assert watcher.query('count(up{job="palabre"})')[0].value == len(system.instance.ports.services)


def test_an_objective_is_a_series(watcher: Prometheus) -> None:
    asyncio.run(until(lambda: bool(watcher.query("slo:palabre_objective:ratio")), 10))


def test_of_what_was_ended_no_target_is_left(tmp_path: Path) -> None:
    with running(tmp_path, spaces=tmp_path) as system:
        assert (system.folder / TARGETS).exists()
    assert not (tmp_path / TARGETS).exists()
