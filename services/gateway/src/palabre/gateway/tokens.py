"""API tokens: 256 random bits, kept as SHA-256, bound to scopes and spaces, revocable at once."""

import asyncio
import datetime as dt
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from palabre.chassis.ids import uuid7
from palabre.gateway.database import upsert, writing
from palabre.gateway.problems import Problem
from palabre.gateway.tables import TokenRow

Scope = Literal["ask", "search", "documents:write", "spaces:write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
EVERY_SPACE = "*"
FRESH_S = 0.9  # how long another replica may not know of a revocation
_RENEWED_S = 0.4  # a token in use is read again before it goes stale: nobody waits for SQL
_REMEMBERED = 10_000
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Token:
    """What a token allows. `admin` includes every scope; "*" is every space."""

    id: str
    name: str
    scopes: frozenset[str]
    spaces: frozenset[str]
    groups: tuple[str, ...] = ()
    requests_per_minute: int = 0
    created_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None

    def allows(self, scope: Scope) -> bool:
        return scope in self.scopes or "admin" in self.scopes

    def reaches(self, space: str) -> bool:
        return space in self.spaces or EVERY_SPACE in self.spaces


class Tokens:
    """Finds tokens by their secret. A token that was read is trusted for FRESH_S seconds."""

    def __init__(self, engine: AsyncEngine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._clock = engine, clock
        self._known: dict[str, tuple[float, Token | None]] = {}
        self._reading: dict[str, asyncio.Task[Token | None]] = {}

    async def find(self, secret: str) -> Token:
        """Raises Problem 401 for what is unknown, expired or revoked."""
        token = await self._read(digest(secret))
        now = dt.datetime.now(dt.UTC)
        if token is None:
            raise refused("This token is unknown: check that it is whole, or ask for another.")
        if token.revoked_at:
            raise refused("This token was revoked: ask for another.")
        if token.expires_at and token.expires_at <= now:
            raise refused("This token has expired: ask for another.")
        return token

    async def issue(
        self,
        name: str,
        scopes: Iterable[str],
        spaces: Iterable[str],
        *,
        groups: Iterable[str] = (),
        requests_per_minute: int = 0,
        expires_at: dt.datetime | None = None,
    ) -> tuple[Token, str]:
        """A new token and its secret, which nobody can show again."""
        secret = new_secret()
        row = {
            "id": uuid7(),
            "name": name,
            "digest": digest(secret),
            "scopes": sorted(scopes),
            "spaces": sorted(spaces),
            "groups": sorted(groups),
            "requests_per_minute": requests_per_minute,
            "created_at": dt.datetime.now(dt.UTC),
            "expires_at": expires_at,
            "revoked_at": None,
        }
        async with writing(self._engine) as connection:
            await upsert(connection, TokenRow, [row])
        self._forget()
        return _token(row), secret

    async def all(self) -> list[Token]:
        """The newest first, revoked ones too."""
        query = select(*TokenRow.__table__.columns).order_by(TokenRow.created_at.desc())
        async with self._engine.connect() as connection:
            return [_token(row) for row in (await connection.execute(query)).mappings()]

    async def revoke(self, token_id: str) -> bool:
        """False when there is no such token."""
        now = dt.datetime.now(dt.UTC)
        change = update(TokenRow).where(TokenRow.id == token_id).values(revoked_at=now)
        async with writing(self._engine) as connection:
            found = (await connection.execute(change)).rowcount
        self._forget()
        return bool(found)

    async def bootstrap(self, given: str) -> str | None:
        """Makes sure of an administrator. Returns a secret to show once, where one was made.

        A given token replaces the one that was given or made before.
        """
        if not given and any("admin" in t.scopes and not t.revoked_at for t in await self.all()):
            return None
        secret = given or new_secret()
        row = {
            "id": "bootstrap",
            "name": "bootstrap",
            "digest": digest(secret),
            "scopes": ["admin"],
            "spaces": [EVERY_SPACE],
            "groups": [],
            "requests_per_minute": 0,
            "created_at": dt.datetime.now(dt.UTC),
            "expires_at": None,
            "revoked_at": None,
        }
        async with writing(self._engine) as connection:
            await upsert(connection, TokenRow, [row], ["digest", "revoked_at"])
        self._forget()
        return None if given else secret

    async def _read(self, hashed: str) -> Token | None:
        """One query at a time for a token, however many ask."""
        read_at, token = self._known.get(hashed, (float("-inf"), None))
        age = self._clock() - read_at
        if age < _RENEWED_S:
            return token
        reading = self._reading.get(hashed)
        if reading is None:
            reading = self._reading[hashed] = asyncio.create_task(self._look_up(hashed))
            reading.add_done_callback(lambda task: task.cancelled() or task.exception())
        return token if age < FRESH_S else await asyncio.shield(reading)

    async def _look_up(self, hashed: str) -> Token | None:
        begun, ours = self._clock(), asyncio.current_task()
        query = select(*TokenRow.__table__.columns).where(TokenRow.digest == hashed)
        try:
            async with self._engine.connect() as connection:
                row = (await connection.execute(query)).mappings().first()
            token = _token(row) if row and hmac.compare_digest(row["digest"], hashed) else None
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            if self._reading.get(hashed) is ours:
                self._known[hashed] = (begun, token)
            return token
        finally:
            if self._reading.get(hashed) is ours:
                del self._reading[hashed]

    def _forget(self) -> None:
        """What is being read may be what was changed."""
        self._known.clear()
        self._reading.clear()


def new_secret() -> str:
    return f"palabre_{secrets.token_urlsafe(32)}"


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def refused(detail: str) -> Problem:
    return Problem(401, detail, code="invalid_api_key", headers=_CHALLENGE)


def _token(row: Mapping[Any, Any]) -> Token:
    return Token(
        id=row["id"],
        name=row["name"],
        scopes=frozenset(row["scopes"]),
        spaces=frozenset(row["spaces"]),
        groups=tuple(row["groups"]),
        requests_per_minute=row["requests_per_minute"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
