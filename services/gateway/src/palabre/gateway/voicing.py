"""Whether a voice may be used, as the HTTP edge tells it: the worker asks again by itself."""

import structlog

from palabre.chassis.spaces import Space
from palabre.chassis.telemetry import VOICE_REFUSALS
from palabre.chassis.voices import CLONE, Refused, Use
from palabre.contracts.v1 import tts_pb2
from palabre.contracts.v1.turns_pb2 import VoiceChoice
from palabre.gateway.problems import Problem
from palabre.gateway.state import State

log = structlog.get_logger()


def check(gateway: State, wanted: tts_pb2.SynthesizeRequest) -> None:
    """Raises Problem 403 (503 while the registry cannot be read), whose code names the reason."""
    refused = _refusal(gateway, wanted)
    if refused is None:
        return
    VOICE_REFUSALS.labels(refused.reason).inc()
    status = 503 if refused.reason == "stale" else 403
    raise Problem(
        status,
        f"This voice may not be used: {refused}.",
        param="voice",
        code=f"voice_{refused.reason}",
    )


def settle(gateway: State, wanted: tts_pb2.SynthesizeRequest) -> None:
    """Puts the engine's own voice in place of a persona's that may not be used."""
    if refused := _refusal(gateway, wanted):
        VOICE_REFUSALS.labels(refused.reason).inc()
        log.warning("voice refused", space=wanted.space, reason=refused.reason)
        kept = VoiceChoice(
            words_per_minute=wanted.voice.words_per_minute,
            pitch=wanted.voice.pitch,
            filter=wanted.voice.filter,
        )
        wanted.voice.CopyFrom(kept)


def announced(space: Space, text: str, language: str, *, is_first: bool) -> str:
    """An answer, with the notice before it where the space wants one in the file of this turn."""
    due = {"never": False, "first-turn": is_first, "always": True}[space.voices.notice]
    return f"{space.notice(language)}\n\n{text}" if due else text


def _refusal(gateway: State, wanted: tts_pb2.SynthesizeRequest) -> Refused | None:
    use = Use(wanted.space, wanted.use, wanted.channel, wanted.language)
    registered = gateway.spaces.asks(wanted.space).registered_only
    named = {wanted.voice.engine: wanted.voice.name} | dict(wanted.voice.voices)
    for engine, name in named.items():
        if name.startswith(CLONE) or (name and engine):
            try:
                gateway.registry.usable(engine, name, use, registered=registered)
            except Refused as refused:
                return refused
    return None
