"""The configuration of a nats-server for one machine: users with their permissions, limits."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from palabre.chassis import streams

USERS = (*streams.WORKERS, streams.OPERATOR)


def passwords(folder: Path) -> dict[str, str]:
    """One per user, made once and kept in `folder/nats-users.json` (readable by its owner)."""
    file = folder / "nats-users.json"
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if missing := [user for user in USERS if user not in known]:  # all, or a newer release's
        known |= {user: secrets.token_urlsafe(24) for user in missing}
        folder.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return known


def render(port: int, folder: Path, users: Mapping[str, str], **more: object) -> str:
    """The text of a nats.conf, listening on loopback only; state and log are below `folder`.

    `more` is put beside it, such as `cluster`.
    """
    config = {
        "host": "127.0.0.1",
        "port": port,
        "max_payload": 1 << 20,
        "log_file": str(folder / "nats.log"),
        "logfile_size_limit": 16 << 20,
        "logfile_max_num": 3,
        "jetstream": {"store_dir": str(folder / "jetstream"), "max_memory_store": 512 << 20,
                      "max_file_store": 64 << 30},
        "authorization": {"users": [_user(name, word) for name, word in users.items()]},
        **more,
    }  # fmt: skip
    return json.dumps(config, indent=1)


def _user(name: str, password: str) -> dict[str, object]:
    rights = streams.permissions(name)
    return {
        "user": name,
        "password": password,
        "permissions": {
            "publish": {"allow": rights["publish"]},
            "subscribe": {"allow": rights["subscribe"]},
        },
    }
