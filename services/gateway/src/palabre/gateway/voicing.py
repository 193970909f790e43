"""Whether a voice may be used, as the HTTP edge tells it: the worker asks again by itself."""

import structlog

from palabre.chassis.spaces import Space
from palabre.chassis.telemetry import VOICE_REFUSALS
from palabre.chassis.voices import CLONE, Refused, Use
from palabre.contracts.v1 import tts_pb2
from palabre.gateway.problems import Problem
from palabre.gateway.state import State

log = structlog.get_logger()


def check(gateway: State, wanted: tts_pb2.SynthesizeRequest) -> None:
    """Raises Problem 403 (503 while the registry cannot be read), whose code names the reason."""
    for _, refused in _refusals(gateway, wanted):
        raise Problem(
            503 if refused.reason == "stale" else 403,
            f"This voice may not be used: {refused}.",
            param="voice",
            code=f"voice_{refused.reason}",
        )


def settle(gateway: State, wanted: tts_pb2.SynthesizeRequest) -> None:
    """Leaves out those of a persona's voices that may not be used: another speaks."""
    for engine, refused in _refusals(gateway, wanted):
        log.warning("voice refused", space=wanted.space, engine=engine, reason=refused.reason)
        if engine == wanted.voice.engine:
            wanted.voice.name = ""
        wanted.voice.voices.pop(engine, None)


def announced(space: Space, text: str, language: str, *, is_first: bool) -> str:
    """An answer, with the notice before it where the space wants one in the file of this turn."""
    due = {"never": False, "first-turn": is_first, "always": True}[space.voices.notice]
    return f"{space.notice(language)}\n\n{text}" if due else text


def _refusals(gateway: State, wanted: tts_pb2.SynthesizeRequest) -> list[tuple[str, Refused]]:
    """The engines whose voice may not be used, and why; counted."""
    use = Use.of(wanted)
    registered = gateway.spaces.asks(wanted.space).registered_only
    named = [(wanted.voice.engine, wanted.voice.name), *wanted.voice.voices.items()]
    found = []
    for engine, name in named:
        if name.startswith(CLONE) or (name and engine):
            try:
                gateway.registry.usable(engine, name, use, registered=registered)
            except Refused as refused:
                VOICE_REFUSALS.labels(refused.reason).inc()
                found.append((engine, refused))
    return found
