"""What is measured side by side, each in a process and an environment of its own, within limits."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.overhead.machine import Others, uv_path

RIVALS = Path(__file__).with_name("rivals")
LOOK_S = 0.25


@dataclass(frozen=True, slots=True)
class System:
    """`script` is of rivals/; empty: ourselves."""

    name: str
    script: str = ""
    keeps: bool = True


OURS = System("Palabre")
SYSTEMS = (
    OURS,
    System("LangChain + Chroma", "with_chroma.py"),
    System("LlamaIndex, simple store", "with_simple_store.py"),
    System("LlamaIndex, BM25", "with_bm25s.py"),
    System("LangChain, BM25", "with_rank_bm25.py", keeps=False),
)


@dataclass(frozen=True, slots=True)
class Limits:
    seconds: float
    gib: float


@dataclass(slots=True)
class Trial:
    """Figures by phase, as trial.py says them; `stopped` says why there are no more of them.

    `others` is the share of all cores that other processes had meanwhile.
    """

    system: System
    phases: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped: str = ""
    others: float = 0.0


def trial(system: System, mode: str, corpus: Path, folder: Path, limits: Limits) -> Trial:
    """Ingests and searches, then opens what was kept in a second process."""
    done, command = Trial(system), _command(system)
    if not command:
        done.stopped = "uv could not make its environment"
        return done
    own = folder / (Path(system.script).stem or "ours")
    _run(done, [*command, mode, str(corpus), str(own)], own, limits)
    if mode == "all" and system.keeps and not done.stopped:
        _run(done, [*command, "reopen", str(corpus), str(own)], own, limits)
    shutil.rmtree(own, ignore_errors=True)
    return done


def _command(system: System) -> list[str]:
    """Its interpreter, so that nothing stands between its memory and us; empty without uv."""
    if not system.script:
        return [sys.executable, "-m", "bench.search.ours"]
    uv, script = uv_path(), str(RIVALS / system.script)
    if (
        not uv
        or subprocess.run([uv, "sync", "--quiet", "--script", script], check=False).returncode
    ):
        return []
    found = subprocess.run(
        [uv, "python", "find", "--script", script], capture_output=True, text=True, check=True
    )
    return [found.stdout.strip(), script]


def _run(done: Trial, command: Sequence[str], folder: Path, limits: Limits) -> None:
    """Adds its phases; stops it at the limits."""
    said, wrong = folder.with_suffix(".out"), folder.with_suffix(".err")
    with (
        said.open("w", encoding="utf-8") as output,
        wrong.open("w", encoding="utf-8") as errors,
        subprocess.Popen(command, stdout=output, stderr=errors) as process,
    ):
        _watch(done, process, limits)
    lines = said.read_text(encoding="utf-8").splitlines()
    for figures in (json.loads(line) for line in lines if line.startswith('{"phase"')):
        done.phases[figures.pop("phase")] = figures
    if done.stopped and "ingested" not in done.phases:
        done.stopped += f", after {done.phases.get('at', {}).get('passages', 0):,} passages"
    if process.returncode and not done.stopped:
        lines = wrong.read_text(encoding="utf-8").strip().splitlines()
        done.stopped = (lines or ["it ended without a word"])[-1][:120]


def _watch(done: Trial, process: subprocess.Popen[bytes], limits: Limits) -> None:
    begun, others = time.monotonic(), Others([process.pid])
    while process.poll() is None:
        time.sleep(LOOK_S)
        done.others = others.share
        if not done.stopped and (why := _beyond(process.pid, time.monotonic() - begun, limits)):
            done.stopped = f"stopped: {why}"
            process.kill()


def _beyond(pid: int, seconds: float, limits: Limits) -> str:
    """Which limit was passed; empty when none was."""
    if seconds > limits.seconds:
        return f"longer than {limits.seconds:.0f} s"
    return f"more than {limits.gib:g} GiB" if _gib(pid) > limits.gib else ""


def _gib(pid: int) -> float:
    """Resident, without files that are only mapped; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / (1 << 20)
