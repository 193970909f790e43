"""What is measured: each is started on loopback, and ended by process id."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.overhead import machine
from palabre.chassis.testing import free_port
from palabre.cli.testing import Running, running

ROOT = Path(__file__).parents[2]
RIVALS = Path(__file__).with_name("rivals")
SPACE = ROOT / "spaces" / "logement"
INSTALL_S, START_S = 600, 90
WORKERS = 2  # as many as there are cores: Palabre has several processes too


class NotHere(Exception):
    """It cannot be installed or started here; the message says why."""


@dataclass(slots=True)
class Serving:
    """A server that answers. `prefix` goes before a model's name."""

    name: str
    url: str
    stop: contextlib.ExitStack
    pids: Mapping[str, int]
    token: str = ""
    prefix: str = ""
    system: Running | None = None  # Palabre

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop.close()

    def cpu_s(self) -> dict[str, float]:
        """Seconds used so far, by process; the client is this one."""
        found = {name: machine.cpu_s(pid) for name, pid in self.pids.items()}
        return found | {"client": machine.cpu_s(os.getpid())}


@dataclass(frozen=True, slots=True)
class Model:
    url: str
    pid: int


def questions() -> list[str]:
    """The demo space's own."""
    lines = (SPACE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["question"] for line in lines]


@contextlib.contextmanager
def model() -> Iterator[Model]:
    """The stand-in, in a process of its own."""
    command = [sys.executable, "-m", "tests.standins.model"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield Model(process.stdout.readline().strip(), process.pid)
    finally:
        _end(process)


def palabre(folder: Path, model_url: str, models: Sequence[str], **further: str) -> Serving:
    """Everything as `palabre run` starts it; the demo space with a persona for each model.

    `further` are more settings.
    """
    space = folder / "spaces" / SPACE.name
    shutil.copytree(SPACE, space)
    camille = (SPACE / "personas" / "camille.toml").read_text(encoding="utf-8")
    for name in models:
        head = f'models = ["{name}"]\n'
        (space / "personas" / f"{name}.toml").write_text(head + camille, encoding="utf-8")
    settings = {
        "PALABRE_LLM_BASE_URL": model_url,
        "PALABRE_LLM_API_KEY": "none",
        "PALABRE_LLM_MODEL": models[0],
        **further,
    }
    stop = contextlib.ExitStack()
    system = stop.enter_context(running(folder / "data", settings, spaces=space.parent))
    pids = {"run": system.pid, **system.pids()}
    prefix = f"{SPACE.name}/"
    return Serving("palabre", f"{system.url}/v1", stop, pids, system.token, prefix, system)


def litellm(folder: Path, model_url: str, models: Sequence[str]) -> Serving:
    """LiteLLM's proxy: no retrieval, no history, no database; it only passes on."""
    folder.mkdir()
    config = folder / "config.json"  # JSON is YAML
    names = {"model": "openai/*", "api_base": model_url, "api_key": "none"}
    config.write_text(json.dumps({"model_list": [{"model_name": "*", "litellm_params": names}]}))
    port, key = free_port(), f"sk-{secrets.token_hex(32)}"
    command = ["litellm", "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    # uvicorn kills whoever does not answer within five seconds, which they take to import it all.
    command += ["--num_workers", str(WORKERS), "--timeout_worker_healthcheck", str(START_S)]
    _install("--with", "litellm[proxy]", "litellm", "--version")
    serving = _rival(
        "litellm",
        folder,
        ["--with", "litellm[proxy]", *command],
        {
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_LOG": "ERROR",
            "LITELLM_MASTER_KEY": key,
        },
        f"http://127.0.0.1:{port}",
        "/health/liveliness",
    )
    serving.token = key
    return serving


def langchain(folder: Path, model_url: str, models: Sequence[str]) -> Serving:
    """A small app of FastAPI, LangChain and Chroma with the same knowledge."""
    folder.mkdir()
    port, script = free_port(), str(RIVALS / "chroma_app.py")
    _install("--script", script, "--check")
    settings = {
        "RIVAL_MODEL_URL": model_url,
        "RIVAL_KNOWLEDGE": str(SPACE / "knowledge"),
        "RIVAL_PORT": str(port),
        "RIVAL_WORKERS": str(WORKERS),
    }
    url = f"http://127.0.0.1:{port}"
    return _rival("langchain", folder, ["--script", script], settings, url, "/ready")


ALL: dict[str, Callable[[Path, str, Sequence[str]], Serving]] = {
    "palabre": palabre,
    "litellm": litellm,
    "langchain": langchain,
}


def _uv() -> list[str]:
    if not (uv := machine.uv_path()):
        raise NotHere("uv is nowhere to be found")
    return [uv, "run", "--no-project", "--quiet", "--python", "3.12"]


def _install(*arguments: str) -> None:
    """An environment of its own, which uv keeps; nothing of it enters the workspace."""
    command = [*_uv(), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotHere(f"not installed within {INSTALL_S} s") from None
    if done.returncode:
        raise NotHere((done.stderr.strip().splitlines() or ["no reason given"])[-1])


def _rival(
    name: str,
    folder: Path,
    command: Sequence[str],
    settings: Mapping[str, str],
    url: str,
    ready: str,
) -> Serving:
    stop = contextlib.ExitStack()
    log = stop.enter_context((folder / "log").open("wb"))
    process = subprocess.Popen(
        [*_uv(), *command], env=os.environ | settings, stdout=log, stderr=log
    )
    stop.callback(_end, process)
    ends = time.monotonic() + START_S
    while not _answers(url + ready):
        if process.poll() is not None or time.monotonic() > ends:
            stop.close()
            said = (folder / "log").read_text("utf-8", errors="replace").strip().splitlines()
            raise NotHere(f"it did not start: {said[-1] if said else 'no reason given'}")
        time.sleep(0.2)
    family = machine.family(process.pid)
    pids = {f"{name} {number}": pid for number, pid in enumerate(family)}
    return Serving(name, f"{url}/v1", stop, pids)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """The process and its descendants: first asked, then killed."""
    family = machine.family(process.pid)
    for number, patience_s in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
            if not any(Path(f"/proc/{pid}").exists() for pid in family):
                return
