"""The real Prometheus over something that runs, with the configuration of deploy/prometheus.

Debian's package `prometheus` brings it; without it, tests that are marked `needed` are skipped.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from palabre.chassis.testing import free_port

CONFIG = Path("deploy/prometheus/local.yml").resolve()
RULES = sorted(CONFIG.parent.glob("rules/*.yml"))
BINARY = shutil.which("prometheus")
needed = pytest.mark.skipif(
    not BINARY, reason="no prometheus on PATH: install Debian's package `prometheus`"
)


@dataclass(frozen=True, slots=True)
class Series:
    """`points` are (Unix time in seconds, value), the oldest first; one of an instant query."""

    labels: dict[str, str]
    points: list[tuple[float, float]]

    @property
    def value(self) -> float:
        return self.points[-1][1]


class Prometheus:
    """What its HTTP API answers. Raises AssertionError with its reason for a wrong expression."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=10)

    def query(self, expression: str) -> list[Series]:
        """Its series now; none where it has no data. A scalar is a series without labels."""
        found = self._get("query", query=expression)
        if found["resultType"] == "scalar":
            return [_series({}, [found["result"]])]
        return [_series(each["metric"], [each["value"]]) for each in found["result"]]

    def range(self, expression: str, seconds: float, step_s: float = 1) -> list[Series]:
        """Over the last `seconds`."""
        now = time.time()
        asked = {"query": expression, "start": now - seconds, "end": now, "step": step_s}
        found = self._get("query_range", **asked)
        return [_series(each["metric"], each["values"]) for each in found["result"]]

    def exemplars(self, expression: str, seconds: float) -> list[dict[str, Any]]:
        """[{"seriesLabels", "exemplars": [{"labels", "value", "timestamp"}]}]."""
        now = time.time()
        found: list[dict[str, Any]] = self._get(
            "query_exemplars", query=expression, start=now - seconds, end=now
        )
        return found

    def firing(self) -> dict[str, dict[str, str]]:
        """The alerts that fire, by name: their annotations."""
        alerts = self._get("alerts")["alerts"]
        firing = [each for each in alerts if each["state"] == "firing"]
        return {each["labels"]["alertname"]: each["annotations"] for each in firing}

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str, **asked: Any) -> Any:
        answer = self._http.get(f"/api/v1/{path}", params=asked).json()
        assert answer["status"] == "success", answer
        return answer["data"]


def _series(labels: dict[str, str], points: Sequence[tuple[float, str]]) -> Series:
    return Series(labels, [(at, float(value)) for at, value in points])


# Ranges, `offset`, and the keys `for` and `interval` of a file of rules.
_DURATION = re.compile(r"(?<=\[)\d+[smhd](?=\])|(?<=offset )\d+[smhd]|(?<=(?:for|val): )\d+[smhd]")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def shortened(folder: Path, factor: int) -> list[Path]:
    """Copies of the rules in which all time goes by so much faster; what they ask stays."""

    def shorter(found: re.Match[str]) -> str:
        seconds = int(found[0][:-1]) * _UNITS[found[0][-1]]
        return f"{max(1, round(seconds / factor))}s"

    folder.mkdir(parents=True, exist_ok=True)
    for file in RULES:
        text = _DURATION.sub(shorter, file.read_text(encoding="utf-8"))
        (folder / file.name).write_text(text, encoding="utf-8")
    return [folder / file.name for file in RULES]


@contextlib.contextmanager
def watching(
    folder: Path, targets: Sequence[Path], rules: Sequence[Path] = RULES
) -> Iterator[Prometheus]:
    """Scrapes what these files of targets name, and evaluates these rules, once a second.

    A running system has such a file (`instance.TARGETS` in its folder); a test adds stand-ins of
    exporters by one of its own. State is below `folder`.
    """
    assert BINARY
    folder.mkdir(parents=True, exist_ok=True)
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(yaml.safe_dump(_config(targets, rules)), encoding="utf-8")
    command = [
        BINARY, f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage",
        "--log.level=warn",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, env={**os.environ, "GOMAXPROCS": "1"})
    found = Prometheus(f"http://127.0.0.1:{port}")
    try:
        _wait(found.url, process, folder / "log")
        yield found
    finally:
        found.close()
        process.terminate()
        process.wait(20)


def _config(targets: Sequence[Path], rules: Sequence[Path]) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(file) for file in rules]
    files = [str(file.resolve()) for file in targets]
    config["scrape_configs"][0]["file_sd_configs"][0]["files"] = files
    return config


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    while process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/-/ready").status_code == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"prometheus ended: {log.read_text(encoding='utf-8')}")
