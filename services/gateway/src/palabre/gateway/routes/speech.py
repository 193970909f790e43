"""Speech: of a turn, while it is being answered; and of any text, as OpenAI's API has it."""

import contextlib
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from palabre.channels.views import TurnView
from palabre.channels.waits import Playout
from palabre.channels.watching import Patience, watch
from palabre.chassis import events
from palabre.chassis.bus import Stored
from palabre.chassis.voices import answering
from palabre.contracts.v1 import events_pb2 as pb, tts_pb2
from palabre.gateway import hearing, speeches, state, synthesis, voicing
from palabre.gateway.access import Asking
from palabre.gateway.conversations import Conversation
from palabre.gateway.hearing import FORMATS, MEDIA_TYPES
from palabre.gateway.problems import Problem
from palabre.gateway.provenance import Provenance
from palabre.gateway.speeches import SpeechRequest
from palabre.gateway.sse import Stream, departure

router = APIRouter(tags=["speech"])

_BODY = {"requestBody": {"content": {"application/json": {
    "schema": SpeechRequest.model_json_schema()}}, "required": True}}  # fmt: skip


@router.post("/v1/audio/speech", response_class=Response, openapi_extra=_BODY)
async def speak(request: Request, caller: Asking) -> Response:
    """Speaks a text in a persona's voice; the first bytes come at once.

    `Palabre-Voice` names the persona whose own voice it is, where no other was asked for.
    """
    gateway = state.of(request)
    wanted = speeches.parse(await request.body())
    call, persona = speeches.call(wanted, caller, gateway.spaces)
    if not wanted.own_voice:
        await synthesis.check_engine(gateway, call.voice, "voice")
    voicing.check(gateway, call)
    return await synthesis.stream(
        gateway,
        call,
        MEDIA_TYPES[wanted.response_format],
        events=wanted.stream_format == "sse",
        headers={"Palabre-Voice": persona} if wanted.own_voice else None,
    )


@router.get("/api/v1/turns/{turn}/audio", response_class=Response)
async def listen(
    turn: str,
    request: Request,
    caller: Asking,
    format: Annotated[Literal["opus", "mp3", "wav"], Query()] = "opus",
) -> Response:
    """The answer, spoken; begins before the answer ends when the turn was asked with speech."""
    gateway = state.of(request)
    found = await gateway.conversations.of_turn(turn, caller)
    thread = await gateway.bus.past("turns", *found.thread)
    stored = [s for s in thread if s.event.turn == turn]
    if await _is_being_spoken(gateway, stored):
        return await _followed(gateway, found, turn, format)
    answer = await _answer(gateway, found, turn, [s.event for s in stored], request)
    space = gateway.spaces.get(found.space)
    persona = space.personas.get(answer["persona"] or "", space.persona())
    language = answer["language"] or space.languages[0]
    is_first = next((s.event.turn for s in thread), turn) == turn
    call = tts_pb2.SynthesizeRequest(
        space=found.space,
        text=voicing.announced(space, answer["text"], language, is_first=is_first),
        language=language,
        voice=speeches.voice(persona),
        format=FORMATS[format],
        use=answering(found.space, found.channel, "").purpose,
        channel=found.channel,
    )
    voicing.settle(gateway, call)
    return await synthesis.stream(gateway, call, MEDIA_TYPES[format], turn=turn)


async def _is_being_spoken(gateway: state.State, stored: list[Stored]) -> bool:
    """The turn was asked with speech, and its frames are still there."""
    facts = [s.event for s in stored]
    asked = next((e for e in facts if e.HasField("utterance_received")), None)
    if asked is None or not asked.utterance_received.utterance.speech:
        return False
    live = await gateway.bus.pieces_of(stored)
    return hearing.is_complete(facts, (s.event for s in live), asked.turn)


async def _followed(gateway: state.State, found: Conversation, turn: str, name: str) -> Response:
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(gateway.limits.stream(found.owner, found.channel))
        source = await stack.enter_async_context(gateway.bus.follow(*found.thread, since_turn=turn))
        close = stack.pop_all().aclose
    packed = hearing.file(name, found.space, turn)
    use = answering(found.space, found.channel, "")
    made = Provenance(gateway.manifests, gateway.registry, use, MEDIA_TYPES[name], turn)
    heard, playout = made.listening(source), Playout(found.channel)
    return Stream(
        lambda gone: made.signed(hearing.spoken(heard, turn, packed, gone, playout), gone),
        MEDIA_TYPES[name],
        made.headers,
        close=close,
    )


async def _answer(
    gateway: state.State, found: Conversation, turn: str, facts: list[pb.Event], request: Request
) -> dict[str, Any]:
    """text, language and persona of the answer; waits for it. Raises Problem 409."""
    row = await gateway.conversations.turn(turn)
    if row and row["status"] == "completed":
        return row | {"text": row["answer"]}
    if any(events.body_name(e) in ("turn_failed", "turn_cancelled") for e in facts):
        raise Problem(409, "This turn has no answer to be spoken: ask again.")
    view = TurnView(turn)
    patience = Patience(gateway.bus, found.thread, gateway.settings.deadline_s, "gateway")
    async with gateway.bus.follow(*found.thread, since_turn=turn) as source:
        with departure(request.receive) as gone:
            async for told in watch(source, view, patience, gone, lambda: view.ended):
                if told and told.name == "completed":
                    return told.data
    raise Problem(409, "This turn has no answer to be spoken: ask again.")
