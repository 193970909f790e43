"""For tests and benchmarks: everything as `palabre run` starts it, in a folder of its own."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from palabre.chassis.testing import free_port
from palabre.cli.run import processes
from palabre.cli.run.instance import Instance
from palabre.cli.run.supervised import Supervised


@dataclass(frozen=True, slots=True)
class Running:
    """A Palabre that answers on `url`; `seconds` is how long it took to be ready."""

    url: str
    token: str
    folder: Path
    instance: Instance
    seconds: float
    pid: int
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """For the command line."""
        return {"PALABRE_DATA_DIR": str(self.folder)}

    def pids(self) -> dict[str, int]:
        """Process ids by name: nats, gateway, retriever, llm, tts."""
        supervised = Supervised(processes.socket_path(self.folder / "run"))
        return {p["name"]: p["pid"] for p in supervised.call("getAllProcessInfo") if p["pid"]}


@contextlib.contextmanager
def running(
    folder: Path, environment: Mapping[str, str] | None = None, *, spaces: Path | None = None
) -> Iterator[Running]:
    """Starts it, waits until it is ready, ends it as Ctrl-C does. Raises RuntimeError."""
    folder.mkdir(parents=True, exist_ok=True)
    log, begun = folder / "run.log", time.monotonic()
    values = {
        **{k: v for k, v in os.environ.items() if not k.startswith("PALABRE_")},
        "PALABRE_DATA_DIR": str(folder),
        "PALABRE_HTTP_PORT": str(free_port()),
        **({"PALABRE_SPACES_DIR": str(spaces)} if spaces else {}),
        **(environment or {}),
    }
    with log.open("ab") as output:
        command = [sys.executable, "-m", "palabre.cli", "run"]
        process = subprocess.Popen(command, env=values, stdout=output, stderr=output)
    try:
        instance = _wait(process, folder, log)
        token = (folder / "operator-token").read_text(encoding="utf-8")
        seconds = time.monotonic() - begun
        yield Running(instance.url, token, folder, instance, seconds, process.pid, log)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _wait(process: subprocess.Popen[bytes], folder: Path, log: Path) -> Instance:
    while process.poll() is None:
        text = log.read_text(encoding="utf-8", errors="replace")
        if "Palabre is ready" in text.rpartition("Palabre has stopped")[2]:
            instance = Instance.read(folder)
            if instance:
                return instance
        time.sleep(0.05)
    raise RuntimeError(f"palabre run ended:\n{log.read_text(encoding='utf-8')[-4000:]}")
