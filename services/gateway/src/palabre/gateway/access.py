"""Finds out who asks, by token or by the page's cookie."""

import hashlib
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request

from palabre.gateway import state
from palabre.gateway.callers import Caller
from palabre.gateway.problems import Problem
from palabre.gateway.tokens import refused
from palabre.gateway.visitors import COOKIE

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def caller(request: Request) -> Caller:
    """Raises Problem 401, 403 or 429."""
    gateway = state.of(request)
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and secret:
        token = await gateway.tokens.find(secret.strip())
        found = Caller(opaque("token", token.id), "api", token)
        gateway.limits.hit(found.id, token.requests_per_minute or gateway.limits.per_minute)
        return found
    visitor = gateway.visitors.read(request.cookies.get(COOKIE, ""))
    if visitor is None:
        raise refused("Send a token: Authorization: Bearer <token>.")
    if request.method not in SAFE:
        _check_origin(request)
    found = Caller(opaque("visitor", visitor), "web")
    gateway.limits.hit(found.id, gateway.limits.visitor_per_minute)
    return found


Asking = Annotated[Caller, Depends(caller)]


def _check_origin(request: Request) -> None:
    """Another site must not act in a visitor's name."""
    origin = urlsplit(request.headers.get("origin", "")).netloc
    if not origin or origin != request.headers.get("host"):
        raise Problem(403, "Cookies only count on our own page: send a token instead.")


def opaque(kind: str, secret: str) -> str:
    """How a person is known everywhere but in the table of tokens."""
    return hashlib.sha256(f"{kind}:{secret}".encode()).hexdigest()[:32]
