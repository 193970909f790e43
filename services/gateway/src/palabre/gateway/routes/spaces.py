"""Spaces as a client may see them."""

from typing import Any

from fastapi import APIRouter, Request, Response

from palabre.chassis.spaces import Persona, Space
from palabre.gateway import state
from palabre.gateway.access import Asking

router = APIRouter(prefix="/api/v1", tags=["spaces"])


@router.get("/spaces")
async def spaces(request: Request, caller: Asking) -> dict[str, Any]:
    """The spaces that the caller may ask in, with their personas."""
    found = caller.spaces(state.of(request).spaces)
    return {"spaces": [public(name, space) for name, space in found.items()]}


@router.get("/spaces/{space}/definition", response_class=Response)
async def definition(space: str, request: Request, caller: Asking) -> Response:
    """The whole definition of a space, as its files have it."""
    found = caller.space(state.of(request).spaces, space, "spaces:write")
    return Response(found.to_json(), media_type="application/json")


def public(name: str, space: Space) -> dict[str, Any]:
    """What anybody may know of a space."""
    return {
        "id": name,
        "name": space.name,
        "languages": space.languages,
        "greeting": space.greeting,
        "disclaimer": space.disclaimer,
        "examples": space.examples,
        "personas": [_persona(id_, persona) for id_, persona in sorted(space.personas.items())],
        "default_persona": space.default_persona,
    }


def _persona(name: str, persona: Persona) -> dict[str, Any]:
    return {
        "id": name,
        "name": persona.name,
        "avatar": persona.avatar.model_dump(),
        "address": persona.address,
    }
