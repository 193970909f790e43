"""Conversations: begin one, look at it, erase it."""

import asyncio
import contextlib
from typing import Any

from fastapi import APIRouter, Request, Response

from palabre.channels.phrases import phrase
from palabre.chassis import events
from palabre.chassis.directory import Spaces
from palabre.chassis.pictures import MEDIA_TYPE
from palabre.chassis.spaces import Space
from palabre.gateway import archive, erasure, state
from palabre.gateway.access import Asking
from palabre.gateway.conversations import Conversation
from palabre.gateway.problems import Problem
from palabre.gateway.shapes import (
    ConversationShape,
    ConversationWithTurns,
    NewConversation,
    Turn,
)

router = APIRouter(prefix="/api/v1", tags=["conversations"])

_IMAGE_S = 10.0


@router.post("/spaces/{space}/conversations", status_code=201)
async def begin(
    space: str, new: NewConversation, request: Request, caller: Asking
) -> ConversationShape:
    """Begins a conversation with a persona of the space."""
    gateway = state.of(request)
    definition = caller.space(gateway.spaces, space, "ask")
    persona = persona_name(definition, new.persona, caller.channel)
    made = await gateway.conversations.create(caller, space, persona, new.language)
    return ConversationShape(
        id=made.id, space=made.space, persona=made.persona, created_at=made.created_at
    )


@router.get("/conversations/{conversation}")
async def show(conversation: str, request: Request, caller: Asking) -> ConversationWithTurns:
    """The conversation and its turns, oldest first."""
    gateway = state.of(request)
    found = await gateway.conversations.find(conversation, caller)
    rows = await current_turns(gateway, found)
    return ConversationWithTurns(
        id=found.id,
        space=found.space,
        persona=found.persona or _default(gateway.spaces, found.space),
        created_at=found.created_at,
        turns=[_turn(row) for row in rows],
    )


@router.get("/conversations/{conversation}/images/{blob}", response_class=Response)
async def image(conversation: str, blob: str, request: Request, caller: Asking) -> Response:
    """An image of one of its turns, as JPEG, for a week after it was sent.

    No cache keeps it: the page forgets a conversation with its tab, and so does the browser.
    """
    gateway = state.of(request)
    found = await gateway.conversations.find(conversation, caller)
    rows = await current_turns(gateway, found)
    if any(blob == shown["blob"] for row in rows for shown in row.get("attachments") or []):
        with contextlib.suppress(KeyError, TimeoutError):  # a part of it has expired: no end comes
            async with asyncio.timeout(_IMAGE_S):
                data = await gateway.blobs.get(f"{found.space}/{blob}")
            headers = {"cache-control": "private, no-store"}
            return Response(data, media_type=MEDIA_TYPE, headers=headers)
    raise Problem(404, "This conversation has no such image now: images are kept for a week.")


@router.delete("/conversations/{conversation}", status_code=204)
async def erase(conversation: str, request: Request, caller: Asking) -> Response:
    """Erases the conversation for good. An administrator may erase anybody's."""
    gateway = state.of(request)
    found = await gateway.conversations.find(conversation, caller, for_administrators=True)
    await erasure.erase(gateway.bus, gateway.conversations, found)
    return Response(status_code=204)


def persona_name(space: Space, name: str, channel: str) -> str:
    """The persona that answers. Raises Problem 422 when there is none of this name."""
    if name and name not in space.personas:
        known = ", ".join(sorted(space.personas))
        raise Problem(422, f"There is no persona {name!r}: choose one of {known}.", param="persona")
    return space.persona_name(name, channel)


async def current_turns(gateway: state.State, found: Conversation) -> list[dict[str, Any]]:
    """From SQL; what the archive has not yet written comes from the bus."""
    rows = {row["id"]: row for row in await gateway.conversations.turns(found.id)}
    latest = await gateway.bus.latest(*found.thread)
    endings = [s.event for s in latest if events.body_name(s.event) in events.ENDINGS]
    begun = [s.event for s in latest if events.body_name(s.event) == "utterance_received"]
    behind = any(e.turn not in rows for e in begun) or any(
        rows.get(e.turn, {}).get("status") in (None, "running") for e in endings
    )
    if behind:
        facts = await gateway.bus.facts(*found.thread)
        rows |= {row["id"]: row for row in archive.as_rows(facts)}
    return list(rows.values())


def _turn(row: dict[str, Any]) -> Turn:
    shown = {name: row.get(name) for name in Turn.model_fields}
    shown |= {name: row.get(name) or [] for name in ("sources", "attachments")}
    if row["status"] == "failed" and not row.get("message"):
        shown["message"] = phrase(row.get("reason") or "unavailable", row.get("language") or "fr")
    return Turn.model_validate(shown)


def _default(spaces: Spaces, space: str) -> str:
    return spaces.get(space).default_persona
