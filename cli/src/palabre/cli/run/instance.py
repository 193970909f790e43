"""What runs on this machine: its ports, its tokens, written where the command line finds it."""

import json
import os
import secrets
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

ALWAYS = ("gateway", "retriever", "llm", "tts")
DISCORD = "discord"  # where there is a bot to run
RUN = "run.json"
TARGETS = "prometheus-targets.json"


@dataclass(frozen=True, slots=True)
class Ports:
    """All on loopback."""

    http: int
    nats: int
    grpc: dict[str, int]
    operations: dict[str, int]

    @property
    def services(self) -> tuple[str, ...]:
        """Those that run, in the order in which they are started."""
        return tuple(self.operations)

    def targets(self) -> list[dict[str, Any]]:
        """Where the services' metrics are, as `file_sd_configs` of Prometheus reads it."""
        return [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"service": service}}
            for service, port in self.operations.items()
        ]

    @classmethod
    def choose(cls, http: int, services: Sequence[str]) -> Self:
        """Free ones; HTTP's is given."""
        nats, *others = _free(1 + 2 * len(services))
        grpc = dict(zip(services, others, strict=False))
        operations = dict(zip(services, others[len(services) :], strict=True))
        return cls(http, nats, grpc, operations)


@dataclass(frozen=True, slots=True)
class Instance:
    """A running Palabre, as `run.json` in its data folder tells it."""

    pid: int
    ports: Ports

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports.http}"

    @property
    def nats_url(self) -> str:
        return f"nats://127.0.0.1:{self.ports.nats}"

    def write(self, folder: Path) -> None:
        """For the command line, and for a Prometheus on this machine."""
        (folder / RUN).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        (folder / TARGETS).write_text(json.dumps(self.ports.targets(), indent=1), encoding="utf-8")

    @staticmethod
    def forget(folder: Path) -> None:
        """After a clean end. Prometheus drops its targets too; of a crash it tells."""
        for name in (RUN, TARGETS):
            (folder / name).unlink(missing_ok=True)

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """None when nothing runs there."""
        try:
            values = json.loads((folder / RUN).read_text(encoding="utf-8"))
            os.kill(values["pid"], 0)
        except (FileNotFoundError, ProcessLookupError):
            return None
        return cls(values["pid"], Ports(**values["ports"]))


def operator_token(folder: Path, given: str) -> tuple[str, bool]:
    """The administrator's token, and whether it was made just now; readable by its owner only."""
    file = folder / "operator-token"
    if not given and file.exists():
        return file.read_text(encoding="utf-8").strip(), False
    token = given or f"palabre_{secrets.token_urlsafe(32)}"
    file.touch(mode=0o600)
    file.write_text(token, encoding="utf-8")
    return token, not given


def _free(count: int) -> list[int]:
    holders = [socket.socket() for _ in range(count)]
    try:
        for holder in holders:
            holder.bind(("127.0.0.1", 0))
        return [int(holder.getsockname()[1]) for holder in holders]
    finally:
        for holder in holders:
            holder.close()
