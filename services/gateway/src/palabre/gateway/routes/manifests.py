"""Proof that a file of speech was made here by a machine."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from palabre.gateway import state
from palabre.gateway.access import Asking
from palabre.gateway.manifests import verified
from palabre.gateway.problems import Problem

router = APIRouter(tags=["speech"])


@router.get("/.well-known/palabre-audio-key")
async def key(request: Request) -> dict[str, Any]:
    """The public key that verifies manifests, as a JWK set."""
    return state.of(request).manifests.signer.keys()


@router.get("/api/v1/turns/{turn}/audio/manifest")
async def of_turn(turn: str, request: Request, caller: Asking) -> dict[str, Any]:
    """The signed manifests of all files that were made of a turn's speech, the newest last."""
    gateway = state.of(request)
    await gateway.conversations.of_turn(turn, caller)
    return _shown(gateway, await gateway.manifests.of_turn(turn))


@router.get("/api/v1/audio/manifests/{sha256}")
async def of_file(
    sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")], request: Request, caller: Asking
) -> dict[str, Any]:
    """The signed manifest of the file with this SHA-256: whoever has the file may ask."""
    gateway = state.of(request)
    found = await gateway.manifests.of_file(sha256)
    if not found:
        raise Problem(
            404, "No file with these bytes was made here lately: was it cut, or encoded anew?"
        )
    return _shown(gateway, found)


def _shown(gateway: state.State, signed: list[str]) -> dict[str, Any]:
    keys = gateway.manifests.signer.keys()
    return {"manifests": [{"jws": jws, "manifest": verified(jws, keys)} for jws in signed]}
