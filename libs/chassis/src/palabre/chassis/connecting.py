"""The connection to NATS: made once, kept for as long as the process lives, and told of."""

import ssl
from pathlib import Path

import nats
import structlog
from nats.aio.client import Client
from prometheus_client import Counter, Gauge

log = structlog.get_logger()

CONNECTED = Gauge("palabre_nats_connected", "1 while the connection to NATS stands")
RECONNECTS = Counter("palabre_nats_reconnects_total", "Times that the connection to NATS came back")
ERRORS = Counter(
    "palabre_nats_errors_total", "What the client of NATS complained of, by its name", ["error"]
)


async def connect(url: str, name: str, user: str, password: str, ca: Path | None) -> Client:
    """Waits for the server. With `ca`, it must show a certificate of it.

    `url`: of one server, or of several of a cluster, parted by commas.
    """
    client = await nats.connect(
        url.split(","),
        name=f"palabre-{name}",
        user=user or None,
        password=password or None,
        tls=ssl.create_default_context(cafile=ca) if ca else None,
        inbox_prefix=f"_INBOX_{name}",
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.2,
        connect_timeout=2,
        ping_interval=10,
        error_cb=_complained,
        disconnected_cb=_gone,
        reconnected_cb=_back,
        pending_size=8 << 20,
    )
    CONNECTED.set(1)
    return client


async def _complained(error: Exception) -> None:
    ERRORS.labels(type(error).__name__).inc()
    log.warning("nats error", error=type(error).__name__, detail=str(error)[:200])


async def _gone() -> None:
    CONNECTED.set(0)
    log.info("nats connection ended")


async def _back() -> None:
    CONNECTED.set(1)
    RECONNECTS.inc()
    log.info("nats connection is back")
