"""Conversations of anybody, as the archive keeps them: for who operates (`palabre replay`)."""

from typing import Any

import structlog
from fastapi import APIRouter, Request

from palabre.gateway import state
from palabre.gateway.access import Asking
from palabre.gateway.callers import Caller
from palabre.gateway.shapes import Wanted

router = APIRouter(prefix="/api/v1/archive", tags=["archive"])

log = structlog.get_logger()


@router.get("/conversations/{conversation}")
async def conversation(conversation: str, request: Request, caller: Asking) -> dict[str, Any]:
    """Its turns, oldest first, as they are stored. For administrators of its space."""
    caller.require("admin")
    conversations = state.of(request).conversations
    found = await conversations.find(conversation, caller, for_administrators=True)
    _note(caller, conversation=found.id)
    return {
        "id": found.id,
        "space": found.space,
        "channel": found.channel,
        "turns": await conversations.turns(found.id),
    }


@router.post("/turns")
async def turns(wanted: Wanted, request: Request, caller: Asking) -> dict[str, Any]:
    """These turns, as they are stored; those that do not exist are left out.

    For administrators; those of spaces that the token is not for do not exist.
    """
    caller.require("admin")
    rows = await state.of(request).conversations.turns_of(wanted.turns)
    found = [row for row in rows if caller.administers(row["space"])]
    _note(caller, turns=len(found))
    return {"turns": found}


def _note(caller: Caller, **what: object) -> None:
    """Who reads what others said is in the log; what they said never is."""
    log.info("the archive was read", by=caller.id, **what)
