"""API tokens, for administrators."""

from typing import Any

from fastapi import APIRouter, Request, Response

from palabre.gateway import state
from palabre.gateway.access import Asking
from palabre.gateway.problems import Problem
from palabre.gateway.shapes import NewToken
from palabre.gateway.tokens import EVERY_SPACE, Token

router = APIRouter(prefix="/api/v1/tokens", tags=["tokens"])


@router.post("", status_code=201)
async def create(new: NewToken, request: Request, caller: Asking) -> dict[str, Any]:
    """Makes a token. Its secret is in this reply and can never be shown again."""
    gateway = state.of(request)
    caller.require("admin")
    assert caller.token is not None  # noqa: S101 (a visitor has no scope)
    for space in new.spaces:
        if not caller.token.reaches(space):
            raise Problem(403, f"Your own token is not for the space {space!r}.", param="spaces")
    made, secret = await gateway.tokens.issue(**new.model_dump())
    return _shown(made) | {"token": secret}


@router.get("")
async def all_tokens(request: Request, caller: Asking) -> dict[str, Any]:
    """The tokens that were made, without their secrets; the newest first."""
    caller.require("admin")
    return {"tokens": [_shown(token) for token in await _within_reach(request, caller.token)]}


@router.delete("/{token}", status_code=204)
async def revoke(token: str, request: Request, caller: Asking) -> Response:
    """Revokes a token: at once here, within a second on other replicas."""
    caller.require("admin")
    if token not in {known.id for known in await _within_reach(request, caller.token)}:
        raise Problem(404, "There is no such token: GET /api/v1/tokens lists them.")
    await state.of(request).tokens.revoke(token)
    return Response(status_code=204)


async def _within_reach(request: Request, mine: Token | None) -> list[Token]:
    """An administrator of some spaces sees the tokens of these spaces alone."""
    known = await state.of(request).tokens.all()
    if mine is None or mine.reaches(EVERY_SPACE):
        return known
    return [token for token in known if token.spaces <= mine.spaces]


def _shown(token: Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted(token.scopes),
        "spaces": sorted(token.spaces),
        "groups": sorted(token.groups),
        "requests_per_minute": token.requests_per_minute,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }
