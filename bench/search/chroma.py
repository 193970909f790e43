"""The same texts in LangChain + Chroma, in an environment of its own, where uv can make one."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.search.corpus import Text

SCRIPT = Path(__file__).with_name("chroma_script.py")
TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Figures:
    times_ms: list[float]
    rate: float
    mb: float


def compare(texts: Sequence[Text], folder: Path) -> Figures | None:
    """None, with a line that says why, when it cannot be run. Blocking: minutes."""
    if not (uv := shutil.which("uv")):
        print("not compared with LangChain + Chroma: uv is not on PATH")
        return None
    corpus = folder / "corpus.json"
    corpus.write_text(json.dumps([text.markdown for text in texts]), encoding="utf-8")
    done = subprocess.run(
        [uv, "run", "--no-project", "--script", str(SCRIPT), str(corpus), str(folder / "chroma")],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"not compared with LangChain + Chroma: {last}")
        return None
    return Figures(**json.loads(done.stdout.splitlines()[-1]))
