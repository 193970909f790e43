"""A PostgreSQL of its own on loopback, where it is installed (Debian's package `postgresql`)."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from palabre.chassis.testing import free_port

_NOBODY = "postgres"  # it refuses to run as root


def installed() -> Path | None:
    """The folder of its programs, of the newest version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    beside = shutil.which("initdb")
    return found[-1].parent if found else Path(beside).parent if beside else None


@contextlib.contextmanager
def postgres() -> Iterator[str | None]:
    """The address of an empty database, as SQLAlchemy has it; None where it is not installed."""
    programs = installed()
    if programs is None:
        yield None
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="palabre-pg-") as folder:
        if os.getuid() == 0:
            os.chown(folder, pwd.getpwnam(_NOBODY).pw_uid, -1)
        data = f"{folder}/data"
        options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
        _run(programs / "initdb", "-D", data, "-A", "trust", "-U", "palabre")
        log = f"{folder}/log"
        _run(programs / "pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
        try:
            yield f"postgresql://palabre@127.0.0.1:{port}/postgres"
        finally:
            _run(programs / "pg_ctl", "-D", data, "-m", "immediate", "stop")


def _run(program: Path, *arguments: str) -> None:
    as_nobody = ["runuser", "-u", _NOBODY, "--"] if os.getuid() == 0 else []
    subprocess.run([*as_nobody, program, *arguments], check=True, stdout=subprocess.DEVNULL)
