"""Calls TtsService and passes its sound on as it comes: bytes, or OpenAI's events."""

import base64
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import grpc
from fastapi import Response

from palabre.channels.waiting import Gone
from palabre.chassis.voices import Use
from palabre.contracts.v1 import tts_pb2
from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.gateway import chat, problems
from palabre.gateway.problems import Problem
from palabre.gateway.provenance import Provenance
from palabre.gateway.sse import Stream
from palabre.gateway.state import State

_LISTING_S = 5.0
# What TtsService calls a field -> what OpenAI does.
_PARAMS = {"text": "input", "voice": "voice", "speed": "speed", "format": "response_format",
           "language": "language"}  # fmt: skip


async def check_engine(gateway: State, chosen: VoiceChoice, param: str) -> None:
    """Raises Problem 400 where a voice is asked of an engine that is not there.

    A persona's engine may be away: another speaks then. Who names one wants that one.
    """
    if not chosen.engine:
        return
    listed = await gateway.tts.ListVoices(tts_pb2.ListVoicesRequest(), timeout=_LISTING_S)
    engines = sorted({voice.engine for voice in listed.voices})
    if chosen.engine not in engines:
        known = ", ".join(engines)
        raise Problem(
            400, f"There is no engine {chosen.engine[:40]!r}: choose one of {known}.", param=param
        )


async def stream(
    gateway: State,
    wanted: tts_pb2.SynthesizeRequest,
    media_type: str,
    *,
    turn: str = "",
    events: bool = False,
    headers: dict[str, str] | None = None,
) -> Response:
    """Waits for the first piece, so that a refusal has its own status."""
    made = Provenance(gateway.manifests, gateway.registry, Use.of(wanted), media_type, turn)
    sound = await _called(gateway, wanted, made)

    def body(gone: Gone) -> AsyncIterator[bytes]:
        signed = made.signed(sound(gone), gone)
        return _events(signed, wanted.text) if events else signed

    kind = "text/event-stream" if events else media_type
    return Stream(body, kind, made.headers | (headers or {}))


async def whole_wav(gateway: State, wanted: tts_pb2.SynthesizeRequest) -> bytes:
    """The file once it is all there, so that its header tells how long it is."""
    made = Provenance(gateway.manifests, gateway.registry, Use.of(wanted), "audio/wav")
    sound, stays = await _called(gateway, wanted, made), Gone()
    file = sized(b"".join([piece async for piece in sound(stays)]))
    return b"".join([piece async for piece in made.signed(_once(file), stays)])


def sized(wav: bytes) -> bytes:
    """A streamed WAV, of which the header says nothing of its length, as one that says it."""
    at = 12
    while at + 8 <= len(wav) and wav[at : at + 4] != b"data":
        at += 8 + int.from_bytes(wav[at + 4 : at + 8], "little")
    length = max(0, len(wav) - at - 8)
    sizes = ((len(wav) - 8).to_bytes(4, "little"), length.to_bytes(4, "little"))
    return wav[:4] + sizes[0] + wav[8 : at + 4] + sizes[1] + wav[at + 8 :]


async def _once(file: bytes) -> AsyncIterator[bytes]:
    yield file


async def _called(
    gateway: State, wanted: tts_pb2.SynthesizeRequest, made: Provenance
) -> Callable[[Gone], AsyncIterator[bytes]]:
    """Once the first piece has come. Raises Problem."""
    call = gateway.tts.Synthesize(wanted, timeout=gateway.settings.deadline_s)
    return partial(_pieces, await _begun(call), call, made)


async def _begun(call: Any) -> tts_pb2.SynthesizeResponse:
    """The first piece. Raises Problem that names what was wrong as OpenAI does."""
    try:
        first = await call.read()
    except grpc.aio.AioRpcError as error:
        problem = problems.of_rpc(error)
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:  # of voices, not of bytes
            busy = "Too many wait for a voice: try again in a moment."
            problem = Problem(503, busy, headers={"Retry-After": "1"}, refusal="voices")
        problem.param = _PARAMS.get((error.details() or "").partition(":")[0])
        raise problem from error
    return tts_pb2.SynthesizeResponse() if first is grpc.aio.EOF else first


async def _pieces(
    first: tts_pb2.SynthesizeResponse, call: Any, made: Provenance, gone: Gone
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


async def _events(sound: AsyncIterator[bytes], text: str) -> AsyncIterator[bytes]:
    """speech.audio.delta…, then speech.audio.done. Who speaks counts characters, not tokens."""
    try:
        async for piece in sound:
            if piece:
                audio = base64.b64encode(piece).decode()
                yield chat.sse({"type": "speech.audio.delta", "audio": audio})
    except grpc.aio.AioRpcError as error:
        yield chat.failure_event(problems.of_rpc(error))
        return
    usage = {"input_tokens": len(text), "output_tokens": 0, "total_tokens": len(text)}
    yield chat.sse({"type": "speech.audio.done", "usage": usage})
