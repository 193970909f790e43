"""supervisord as the conductor sees it."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from palabre.cli.run import processes
from palabre.cli.run.instance import ALWAYS
from palabre.cli.run.supervised import Supervisor


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    """With a program `nats` that only sleeps; a socket's path may not be long."""
    with tempfile.TemporaryDirectory(prefix="palabre-") as name:
        folder = Path(name)
        sleep = folder / "sleep"
        sleep.write_text(f"#!/bin/sh\nexec {shutil.which('sleep')} 60\n", encoding="utf-8")
        sleep.chmod(0o700)
        environments: dict[str, dict[str, str]] = {
            service: {"PALABRE_OPS_PORT": "many"} for service in ALWAYS
        }
        config = processes.supervisor_config(folder, str(sleep), environments)
        (folder / "supervisord.conf").write_text(config, encoding="utf-8")
        started = Supervisor.start(folder)
        with contextlib.ExitStack() as ending:
            ending.callback(started.wait)
            ending.callback(started.stop_all, ["nats"])
            while not started.is_up():
                assert not started.has_ended()
                time.sleep(0.05)
            yield started


def test_a_program_that_lives_grows_older(supervisor: Supervisor) -> None:
    assert supervisor.age_s("nats") == 0
    supervisor.call("startProcess", "nats", False)
    while not supervisor.age_s("nats"):
        time.sleep(0.05)
    supervisor.call("stopProcess", "nats")
    assert supervisor.age_s("nats") == 0


def test_what_is_no_program_has_no_age(supervisor: Supervisor) -> None:
    assert supervisor.age_s("supervisor") == 0


def test_what_cannot_start_with_its_settings_is_not_started_again(supervisor: Supervisor) -> None:
    supervisor.call("startProcess", "llm", False)  # with a setting that cannot be
    while not supervisor.is_refused("llm"):
        assert not supervisor.is_refused("nats")
        time.sleep(0.05)
    time.sleep(2)  # supervisord would have by now
    assert supervisor.is_refused("llm")
