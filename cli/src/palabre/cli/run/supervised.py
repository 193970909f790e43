"""supervisord: a child of ours, spoken to over its own socket."""

import contextlib
import http.client
import os
import signal
import socket
import sys
import time
import xmlrpc.client
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from palabre.chassis.settings import WRONG_SETTINGS
from palabre.cli.run import processes


class Supervised:
    """What supervisord can be asked over its socket (its XML-RPC interface)."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._proxy = xmlrpc.client.ServerProxy("http://supervisor", _UnixTransport(path))

    def call(self, method: str, *args: Any) -> Any:
        try:
            return getattr(self._proxy.supervisor, method)(*args)
        finally:
            self._proxy("close")()

    def is_up(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return bool(self.call("getState")["statename"] == "RUNNING")
        return False


class Supervisor(Supervised):
    """supervisord as a child process."""

    def __init__(self, folder: Path, pid: int) -> None:
        super().__init__(processes.socket_path(folder))
        self.pid = pid
        self._status: int | None = None

    @classmethod
    def start(cls, folder: Path) -> Self:
        """With `folder/supervisord.conf`. In a process group of its own: Ctrl-C is ours."""
        config = str(folder / "supervisord.conf")
        command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", config]
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        return cls(folder, os.posix_spawn(sys.executable, command, env, setpgroup=0))

    def has_ended(self) -> bool:
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = os.waitstatus_to_exitcode(status) if pid else None
        return self._status is not None

    def stop_all(self, first: Iterable[str]) -> None:
        """Asks these to stop, all at once, then supervisord to end itself and what is left.

        On a connection of its own: a signal may come in the middle of another call.
        """
        with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Fault):
            own = Supervised(self._path)
            for name in first:
                own.call("stopProcess", name, False)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def is_refused(self, name: str) -> bool:
        """This program cannot start with its settings, and is not started again."""
        with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Fault):
            info = self.call("getProcessInfo", name)
            return bool(info["statename"] == "EXITED" and info["exitstatus"] == WRONG_SETTINGS)
        return False

    def age_s(self, name: str) -> float:
        """How long this program has been running without an end, 0 when it is not."""
        with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Fault):
            info = self.call("getProcessInfo", name)
            if info["statename"] == "RUNNING":
                return float(info["now"] - info["start"])
        return 0.0

    def wait(self) -> int:
        while not self.has_ended():
            time.sleep(0.1)
        return self._status or 0


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("localhost")
        unix = socket.socket(socket.AF_UNIX)
        try:
            unix.connect(self._path)
        except OSError:
            unix.close()
            raise
        connection.sock = unix
        self._connection = host, connection  # where `close` looks for it
        return connection
