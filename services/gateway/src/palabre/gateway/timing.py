"""How long SQL takes, what it refuses, and how many connections are taken."""

import time
from functools import cache
from typing import Any

from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from palabre.chassis.telemetry import SECONDS, observe

STATEMENTS = Histogram(
    "palabre_sql_seconds",
    "Statements until the database has answered, by their first word",
    ["statement"],
    buckets=SECONDS,
)
FAILURES = Counter(
    "palabre_sql_failures_total", "Statements that failed, by the error's name", ["error"]
)
CONNECTIONS = Gauge("palabre_sql_connections", "Connections to the database that are in use")
_WORDS = frozenset({"select", "insert", "update", "delete"})
_kept = cache(Histogram.labels)


def watch(engine: AsyncEngine) -> None:
    watched, pool = engine.sync_engine, engine.sync_engine.pool
    event.listen(watched, "before_cursor_execute", _begin)
    event.listen(watched, "after_cursor_execute", _end)
    event.listen(watched, "handle_error", _fail)
    if isinstance(pool, QueuePool):
        CONNECTIONS.set_function(pool.checkedout)


def _begin(
    connection: Any, cursor: Any, statement: str, given: Any, context: Any, many: Any
) -> None:
    context.palabre_begun = time.perf_counter()


def _end(connection: Any, cursor: Any, statement: str, given: Any, context: Any, many: Any) -> None:
    word = statement[:6].lower()
    child = _kept(STATEMENTS, word if word in _WORDS else "other")
    observe(child, time.perf_counter() - context.palabre_begun)


def _fail(context: ExceptionContext) -> None:
    FAILURES.labels(type(context.original_exception).__name__).inc()
