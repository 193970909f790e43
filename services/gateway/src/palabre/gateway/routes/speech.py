"""Speech: of a turn, while it is being answered; and of any text, as OpenAI's API has it."""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import grpc
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from palabre.chassis import events
from palabre.chassis.spaces import Persona
from palabre.chassis.voices import CLONE, Use, answering
from palabre.contracts.v1 import events_pb2 as pb, tts_pb2, turns_pb2
from palabre.contracts.v1.voices_pb2 import VOICE_USE_FILES
from palabre.gateway import chat, hearing, state, voicing
from palabre.gateway.access import Asking
from palabre.gateway.conversations import Conversation
from palabre.gateway.hearing import FORMATS, MEDIA_TYPES
from palabre.gateway.problems import Problem
from palabre.gateway.provenance import Provenance
from palabre.gateway.routes.openai import unknown_model
from palabre.gateway.sse import Gone, Stream, departure
from palabre.gateway.stream import TurnView
from palabre.gateway.watching import Patience, watch

router = APIRouter(tags=["speech"])

LONGEST = 4_096
# Clients of OpenAI send one of its voices even where they do not care: the persona's own is meant.
_OPENAI_VOICES = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer"}
    | {"verse", "marin", "cedar"}
)


class SpeechRequest(BaseModel):
    """`voice`: "default" or one of OpenAI's is the persona's own; else `name` or `engine:name`."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(max_length=81)
    input: str = Field(min_length=1, max_length=LONGEST)
    voice: str = "default"
    response_format: str = "mp3"
    speed: float = Field(default=1.0, ge=0.25, le=4)
    language: str = Field(default="", max_length=35)
    stream_format: Literal["audio"] = "audio"


_BODY = {"requestBody": {"content": {"application/json": {
    "schema": SpeechRequest.model_json_schema()}}, "required": True}}  # fmt: skip


@router.post("/v1/audio/speech", response_class=Response, openapi_extra=_BODY)
async def speak(request: Request, caller: Asking) -> Response:
    """Speaks a text in a persona's voice; the first bytes come at once."""
    gateway = state.of(request)
    wanted = _parse(await request.body())
    space_id, _, persona_id = wanted.model.partition("/")
    space = caller.space(gateway.spaces, space_id, "ask")
    if persona_id and persona_id not in space.personas:
        raise unknown_model(wanted.model)
    call = tts_pb2.SynthesizeRequest(
        space=space_id,
        text=wanted.input,
        language=wanted.language or space.languages[0],
        voice=_chosen(wanted.voice, space.persona(persona_id)),
        format=FORMATS[wanted.response_format],
        speed=wanted.speed,
        use=VOICE_USE_FILES,
        channel=caller.channel,
    )
    voicing.check(gateway, call)
    return await _synthesized(gateway, call, MEDIA_TYPES[wanted.response_format])


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
    thread = await gateway.bus.facts(*found.thread)
    facts = [e for e in thread if e.turn == turn]
    if await _is_being_spoken(gateway, found, facts):
        return await _followed(gateway, found, turn, format)
    answer = await _answer(gateway, found, turn, facts, request)
    space = gateway.spaces.get(found.space)
    persona = space.personas.get(answer["persona"] or "", space.persona())
    language = answer["language"] or space.languages[0]
    is_first = next((e.turn for e in thread), turn) == turn
    call = tts_pb2.SynthesizeRequest(
        space=found.space,
        text=voicing.announced(space, answer["text"], language, is_first=is_first),
        language=language,
        voice=voice(persona),
        format=FORMATS[format],
        use=answering(found.space, found.channel, "").purpose,
        channel=found.channel,
    )
    voicing.settle(gateway, call)
    return await _synthesized(gateway, call, MEDIA_TYPES[format], turn)


def voice(persona: Persona) -> turns_pb2.VoiceChoice:
    return turns_pb2.VoiceChoice(**persona.voice.model_dump())


def _parse(body: bytes) -> SpeechRequest:
    """Raises Problem 400 that names what is wrong or not supported."""
    try:
        wanted = SpeechRequest.model_validate_json(body)
    except ValidationError as error:
        raise chat.invalid(error) from error
    for name, value in (wanted.model_extra or {}).items():
        if value:
            raise chat.unsupported(name)
    if wanted.response_format not in FORMATS:
        raise Problem(
            400,
            f"The format {wanted.response_format[:20]!r} is not supported: choose one of"
            f" {', '.join(FORMATS)}.",
            param="response_format",
        )
    return wanted


def _chosen(name: str, persona: Persona) -> turns_pb2.VoiceChoice:
    if name in _OPENAI_VOICES or name in ("", "default"):
        return voice(persona)
    if name.startswith(CLONE):
        return turns_pb2.VoiceChoice(name=name)
    engine, colon, inner = name.partition(":")
    return turns_pb2.VoiceChoice(engine=engine if colon else "", name=inner if colon else name)


async def _synthesized(
    gateway: state.State, wanted: tts_pb2.SynthesizeRequest, media_type: str, turn: str = ""
) -> Response:
    """Waits for the first piece, so that a refusal has its own status."""
    use = Use(wanted.space, wanted.use, wanted.channel, wanted.language)
    made = Provenance(gateway.manifests, gateway.registry, use, media_type, turn)
    call = gateway.tts.Synthesize(wanted, timeout=gateway.settings.deadline_s)
    first = await call.read()
    if first is grpc.aio.EOF:
        return Response(b"", media_type=media_type)
    assert isinstance(first, tts_pb2.SynthesizeResponse)  # noqa: S101
    return Stream(
        lambda gone: made.signed(_pieces(first, call, gone, made), gone), media_type, made.headers
    )


async def _pieces(
    first: tts_pb2.SynthesizeResponse, call: Any, gone: Gone, made: Provenance
) -> AsyncIterator[bytes]:
    try:
        made.heard(first.engine, first.voice)
        yield first.data
        async for piece in call:
            if gone.done():
                return
            made.heard(piece.engine, piece.voice)
            yield piece.data
    finally:
        call.cancel()


async def _is_being_spoken(
    gateway: state.State, found: Conversation, facts: list[pb.Event]
) -> bool:
    """The turn was asked with speech, and its frames are still there."""
    asked = next((e for e in facts if e.HasField("utterance_received")), None)
    if asked is None or not asked.utterance_received.utterance.speech:
        return False
    live = await gateway.bus.past("live", *found.thread)
    return hearing.is_complete(facts, (s.event for s in live), asked.turn)


async def _followed(gateway: state.State, found: Conversation, turn: str, name: str) -> Response:
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(gateway.limits.stream(found.owner, found.channel))
        source = await stack.enter_async_context(gateway.bus.follow(*found.thread, since_turn=turn))
        close = stack.pop_all().aclose
    packed = hearing.file(name, found.space, turn)
    use = answering(found.space, found.channel, "")
    made = Provenance(gateway.manifests, gateway.registry, use, MEDIA_TYPES[name], turn)
    heard = made.listening(source)
    return Stream(
        lambda gone: made.signed(hearing.spoken(heard, turn, packed, gone), gone),
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
    patience = Patience(gateway.bus, found.thread, gateway.settings.deadline_s)
    async with gateway.bus.follow(*found.thread, since_turn=turn) as source:
        with departure(request.receive) as gone:
            async for wire in watch(source, view, patience, gone, lambda: view.ended):
                if wire and wire.name == "completed":
                    return wire.data
    raise Problem(409, "This turn has no answer to be spoken: ask again.")
