"""The SQL database: SQLite by default, PostgreSQL or MariaDB by its address."""

import asyncio
import contextlib
import fcntl
import time
from collections.abc import AsyncIterator, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any
from weakref import WeakKeyDictionary

import structlog
from sqlalchemy import Connection, event, make_url, select, text, tuple_
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from palabre.chassis.errors import Unavailable
from palabre.gateway import timing
from palabre.gateway.tables import Table

log = structlog.get_logger()

_ASK_EVERY_S = 0.5
_DRIVERS = {
    "sqlite": ("sqlite+aiosqlite", "palabre-gateway"),
    "postgresql": ("postgresql+asyncpg", "palabre-gateway[postgresql]"),
    "postgres": ("postgresql+asyncpg", "palabre-gateway[postgresql]"),
    "mysql": ("mysql+asyncmy", "palabre-gateway[mariadb]"),
    "mariadb": ("mariadb+asyncmy", "palabre-gateway[mariadb]"),
}
_LOCKS = {
    "postgresql": ("SELECT pg_advisory_lock(7242251)", "SELECT pg_advisory_unlock(7242251)"),
    "mysql": ("SELECT GET_LOCK('palabre', 60)", "SELECT RELEASE_LOCK('palabre')"),
    "mariadb": ("SELECT GET_LOCK('palabre', 60)", "SELECT RELEASE_LOCK('palabre')"),
}
_INSERTS: dict[str, Any] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
    "mysql": mysql.insert,
    "mariadb": mysql.insert,
}


_TURNS: WeakKeyDictionary[AsyncEngine, asyncio.Lock] = WeakKeyDictionary()


class WrongDatabase(RuntimeError):
    """The address or its driver is unusable; the message says what to do."""


def address(given: str, data_dir: Path) -> URL:
    """The address with its asynchronous driver; SQLite in `data_dir` when none is given."""
    if not given:
        data_dir.mkdir(parents=True, exist_ok=True)
        return URL.create("sqlite+aiosqlite", database=str(data_dir / "gateway.sqlite"))
    url = make_url(given)
    kind = url.drivername.split("+")[0]
    if kind not in _DRIVERS:
        raise WrongDatabase(f"PALABRE_DATABASE_URL: {kind} is not one of {', '.join(_DRIVERS)}")
    return url if "+" in url.drivername else url.set(drivername=_DRIVERS[kind][0])


def connect(url: URL) -> AsyncEngine:
    """Nothing is opened yet. Raises WrongDatabase when the driver is not installed."""
    settings: dict[str, Any] = {"pool_pre_ping": True} if url.get_backend_name() != "sqlite" else {}
    if url.get_backend_name() in ("mysql", "mariadb"):  # as PostgreSQL: no locks between rows
        settings["isolation_level"] = "READ COMMITTED"
    try:
        engine = create_async_engine(url, **settings)
    except ModuleNotFoundError as error:
        extra = _DRIVERS[url.get_backend_name()][1]
        raise WrongDatabase(f"{error.name} is not installed: install {extra}") from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    timing.watch(engine)
    return engine


async def answers(engine: AsyncEngine, patience_s: float) -> None:
    """Waits for a database that starts at the same time. Raises Unavailable with its reason."""
    until, told = time.monotonic() + patience_s, ""
    while True:
        try:
            async with engine.connect():
                return
        except (OSError, DBAPIError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            reason = f"PALABRE_DATABASE_URL: no connection: {str(cause)[:200]}"
        if time.monotonic() > until:
            raise Unavailable(reason)
        if reason != told:
            log.warning(f"waiting: {reason}")
            told = reason
        await asyncio.sleep(_ASK_EVERY_S)


@contextlib.asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that writes.

    SQLite takes one at a time, and lets the others try again and again, in no order: of a thousand
    that began at once, some gave up after its five seconds. Here they wait in turn.
    """
    alone = engine.dialect.name == "sqlite"
    turn = _TURNS.setdefault(engine, asyncio.Lock()) if alone else contextlib.nullcontext()
    async with turn, engine.begin() as connection:
        yield connection


async def migrate(engine: AsyncEngine) -> None:
    """Brings the schema up to date; replicas that start together wait for one another."""
    async with _alone(engine), engine.begin() as connection:
        await connection.run_sync(_upgrade)


@contextlib.asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncIterator[None]:
    """No other process migrates meanwhile: a lock of the server, or one beside SQLite's file."""
    if engine.dialect.name == "sqlite":
        with await asyncio.to_thread(_locked, Path(f"{engine.url.database}.migrating")):
            yield
        return
    lock, unlock = _LOCKS[engine.dialect.name]
    async with engine.connect() as holder:
        await holder.execute(text(lock))
        try:
            yield
        finally:
            await holder.execute(text(unlock))


def _locked(file: Path) -> IO[str]:
    """Until it is closed, also by the end of the process. Blocks while another has it."""
    opened = file.open("a", encoding="utf-8")
    fcntl.flock(opened, fcntl.LOCK_EX)
    return opened


async def upsert(
    connection: AsyncConnection,
    table: type[Table],
    rows: Sequence[dict[str, Any]],
    update: Sequence[str] = (),
) -> None:
    """Inserts; where the primary key exists, sets the columns `update` (none: leaves the row).

    All rows have the same keys and different primary keys.
    """
    if rows:
        statement = _upserting(connection.dialect.name, table, tuple(update))
        await connection.execute(statement, list(rows))


@cache
def _upserting(dialect: str, table: type[Table], update: tuple[str, ...]) -> Any:
    """One per table: each names all of its columns again, in a circle of references."""
    statement = _INSERTS[dialect](table)
    keys = [column.name for column in table.__table__.primary_key]
    if dialect in ("mysql", "mariadb"):
        changes = {name: statement.inserted[name] for name in update or keys[:1]}
        return statement.on_duplicate_key_update(changes)
    if update:
        changes = {name: statement.excluded[name] for name in update}
        return statement.on_conflict_do_update(index_elements=keys, set_=changes)
    return statement.on_conflict_do_nothing(index_elements=keys)


async def insert_new(
    connection: AsyncConnection, table: type[Table], rows: Sequence[dict[str, Any]]
) -> set[tuple[Any, ...]]:
    """Inserts, and leaves the rows whose primary key exists; the keys of those that are new.

    As for `upsert`. Exact though other replicas insert the same; on MariaDB, which says not which
    rows it took, only while something else makes those wait.
    """
    keys = list(table.__table__.primary_key)
    if not rows:
        return set()
    if connection.dialect.name in ("mysql", "mariadb"):
        given = {tuple(row[key.name] for key in keys) for row in rows}
        query = select(*keys).where(tuple_(*keys).in_(given))
        known = {tuple(row) for row in await connection.execute(query)}
        await upsert(connection, table, rows)
        return given - known
    statement = _upserting(connection.dialect.name, table, ())
    return {tuple(row) for row in await connection.execute(statement.returning(*keys), list(rows))}


def _upgrade(connection: Connection) -> None:
    from alembic import command  # heavy, and only needed here
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "palabre.gateway:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    pragmas = ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "secure_delete=ON")
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
