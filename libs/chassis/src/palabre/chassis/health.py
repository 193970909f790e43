"""The operations port: /live, /ready, /metrics. In a thread, so that a stuck loop is seen."""

import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

STUCK_S = 10.0
_metrics = make_wsgi_app()


class Health:
    """What a service says of itself. `tick` is called by the event loop."""

    def __init__(self) -> None:
        self.ready = False
        self.checks: list[Callable[[], bool]] = []
        self._ticked = time.monotonic()

    def tick(self) -> None:
        self._ticked = time.monotonic()

    @property
    def live(self) -> bool:
        return time.monotonic() - self._ticked < STUCK_S

    def answer(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """WSGI."""
        if environ["PATH_INFO"] == "/metrics":
            return _metrics(environ, start)  # type: ignore[no-any-return]
        good = {
            "/live": lambda: self.live,
            "/ready": lambda: self.live and self.ready and all(c() for c in self.checks),
        }.get(environ["PATH_INFO"])
        status = "404 Not Found" if not good else "200 OK" if good() else "503 Not Ready"
        start(status, [("Content-Type", "text/plain")])
        return [status.encode()]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Probes and scrapes are not worth a line."""


def serve(health: Health, host: str, port: int) -> _Server:
    """Port 0 takes a free one: `server_port` says which. Ends with `shutdown`."""
    server = make_server(host, port, health.answer, server_class=_Server, handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, daemon=True, name="operations").start()
    return server
