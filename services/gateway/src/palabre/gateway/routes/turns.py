"""Turns: ask, follow, cancel, hear, rate."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from palabre.channels import admission
from palabre.channels.admission import OtherWords, Running, turn_of_key
from palabre.channels.views import ConversationView, Position, TurnView
from palabre.channels.waiting import Gone
from palabre.channels.watching import Patience, watch
from palabre.chassis import events
from palabre.chassis.bus import Stored
from palabre.contracts.v1 import events_pb2 as pb, turns_pb2
from palabre.gateway import spent, state
from palabre.gateway.access import Asking
from palabre.gateway.callers import Caller
from palabre.gateway.conversations import Conversation
from palabre.gateway.problems import Problem
from palabre.gateway.routes.conversations import persona_name
from palabre.gateway.shapes import Accepted, Cancel, Feedback, NewUtterance
from palabre.gateway.sse import KEEP_ALIVE, Stream, encode, resumable

router = APIRouter(prefix="/api/v1", tags=["turns"])

IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", max_length=200)]


@router.post("/conversations/{conversation}/utterances", status_code=202)
async def ask(
    conversation: str,
    new: NewUtterance,
    request: Request,
    caller: Asking,
    idempotency_key: IdempotencyKey = "",
) -> Accepted:
    """Says something; the answer comes on `…/events`. One turn of a conversation at a time."""
    gateway = state.of(request)
    found = await gateway.conversations.find(conversation, caller)
    gateway.load.check()
    utterance = await _utterance(gateway, found, new, caller)
    turn = turn_of_key(caller.id, found.id, idempotency_key)
    if not turn:  # one that was begun before is told anew, whatever was spent since
        await spent.check(gateway, found.thread, utterance)
    first = gateway.admission.begin(found.thread, utterance, turn)
    gateway.conversations.admitted(first.turn, found)
    try:
        await gateway.admission.admit(first, interrupt=new.interrupt)
    except Running as running:
        raise _conflict(running.turn) from running
    except OtherWords as error:
        raise Problem(
            422, "This Idempotency-Key was used with another question: use a new one."
        ) from error
    return Accepted(turn=first.turn, conversation=found.id)


@router.post("/conversations/{conversation}/cancel", status_code=202)
async def cancel(
    conversation: str, request: Request, caller: Asking, told: Cancel | None = None
) -> dict[str, str]:
    """Stops the running turn."""
    gateway = state.of(request)
    found = await gateway.conversations.find(conversation, caller)
    heard = told.heard if told else 0
    turn = await gateway.admission.cancel(found.thread, "stop", heard)
    if turn is None:
        raise Problem(409, "Nothing runs in this conversation: there is nothing to cancel.")
    return {"turn": turn}


@router.get("/conversations/{conversation}/events", response_class=Response)
async def follow(
    conversation: str,
    request: Request,
    caller: Asking,
    turn: str = "",
    last_event_id: Annotated[str, Header(alias="Last-Event-ID")] = "",
    last_event_id_: Annotated[str, Query(alias="last_event_id")] = "",
) -> Response:
    """Server-sent events; with `?turn=` those of one turn, until its end."""
    gateway = state.of(request)
    found = await gateway.conversations.find(conversation, caller)
    seen = Position.parse(last_event_id or last_event_id_)
    view, since = await _view(gateway, found, turn, seen, caller)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(gateway.limits.stream(caller.id, caller.channel))
        source = await stack.enter_async_context(
            gateway.bus.follow(*found.thread, since_turn=since)
        )
        close = stack.pop_all().aclose
    return Stream(
        lambda gone: resumable(_told(gateway, found, source, view, gone)),
        "text/event-stream",
        close=close,
        patience_s=gateway.settings.stream_patience_s,
    )


@router.post("/turns/{turn}/feedback", status_code=204)
async def rate(turn: str, given: Feedback, request: Request, caller: Asking) -> Response:
    """Says whether an answer helped."""
    gateway = state.of(request)
    found = await gateway.conversations.of_turn(turn, caller)
    await gateway.conversations.rate(turn, found, caller.id, given.score, given.comment)
    return Response(status_code=204)


def check_text(text: str, longest: int, param: str = "text", *, shows: bool = False) -> None:
    """A question that shows something need not say anything. Raises Problem 422 or 413."""
    if not text.strip() and not shows:
        raise Problem(422, "The question is empty: write something.", param=param)
    if len(text) > longest:
        raise Problem(
            413,
            f"The question has {len(text)} characters: at most {longest} are read.",
            param=param,
        )


async def _utterance(
    gateway: state.State, found: Conversation, new: NewUtterance, caller: Caller
) -> turns_pb2.Utterance:
    space = caller.space(gateway.spaces, found.space, "ask")
    check_text(new.text, gateway.settings.max_text_chars, shows=bool(new.attachments))
    images = await gateway.attachments.named(found.space, [each.blob for each in new.attachments])
    for image, each in zip(images, new.attachments, strict=True):
        image.name = each.name
    return turns_pb2.Utterance(
        text=new.text,
        author=caller.author,
        attachments=images,
        language=new.language or found.language,
        persona=persona_name(space, new.persona or found.persona, found.channel),
        speech=new.speech,
        speech_encoding=turns_pb2.AUDIO_ENCODING_OPUS,
        replaceable=True,
    )


def _conflict(turn: str) -> Problem:
    return Problem(
        409,
        "A turn of this conversation is running: wait for its end, cancel it, or send"
        " interrupt = true.",
        refusal="busy",
        turn=turn,
    )


async def _view(
    gateway: state.State, found: Conversation, turn: str, seen: Position | None, caller: Caller
) -> tuple[TurnView | ConversationView, str]:
    """What to tell, and from which turn on the past is read."""
    if turn:
        if (await gateway.conversations.of_turn(turn, caller)).id != found.id:
            raise Problem(404, "This conversation has no such turn.")
        return TurnView(turn, seen if seen and seen.turn == turn else None), turn
    facts = await gateway.bus.facts(*found.thread)
    return open_view(facts, seen), ""  # turns of idempotency keys do not sort: read them all


def open_view(facts: list[pb.Event], seen: Position | None) -> ConversationView:
    """Goes on after what was seen, else with the turn that runs; what was before is not told."""
    begun = [e.turn for e in facts if events.body_name(e) == "utterance_received"]
    if seen and seen.turn in begun:
        return ConversationView(begun[: begun.index(seen.turn)], seen)
    now = admission.state(Stored(0, event) for event in facts)
    running = now.newest.turn if now.newest and now.running else ""
    return ConversationView(turn for turn in begun if turn != running)


async def _told(
    gateway: state.State,
    found: Conversation,
    source: AsyncIterator[pb.Event],
    view: TurnView | ConversationView,
    gone: Gone,
) -> AsyncGenerator[bytes]:
    def over() -> bool:
        return gateway.closing.is_set() or (isinstance(view, TurnView) and view.ended)

    yield b"retry: 1000\n\n"
    patience = Patience(gateway.bus, found.thread, gateway.settings.deadline_s, "gateway")
    space = gateway.spaces.get(found.space)
    async for told in watch(source, view, patience, gone, over):
        if told and told.name == "completed":
            told.data["disclaimer"] = space.text(space.disclaimer, told.data["language"])
        yield encode(told) if told else KEEP_ALIVE
