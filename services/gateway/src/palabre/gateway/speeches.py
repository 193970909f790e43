"""A text to be spoken, in OpenAI's shape or the replaced system's, becomes a call of TtsService."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from palabre.chassis.directory import Spaces
from palabre.chassis.spaces import Persona, Space
from palabre.chassis.voices import CLONE
from palabre.contracts.v1 import tts_pb2, turns_pb2
from palabre.contracts.v1.voices_pb2 import VOICE_USE_FILES
from palabre.gateway import chat
from palabre.gateway.callers import Caller
from palabre.gateway.hearing import FORMATS
from palabre.gateway.problems import Problem
from palabre.gateway.routes.openai import unknown_model

LONGEST = 4_096
# Clients of OpenAI send one of its voices even where they do not care: the persona's own is meant.
OPENAI_VOICES = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer"}
    | {"verse", "marin", "cedar"}
)
_OPENAI_MODEL = re.compile(r"tts-1(-hd)?|gpt-4o-mini-tts(-[\d-]+)?")


class VoiceId(BaseModel):
    id: str = Field(max_length=200)


class SpeechRequest(BaseModel):
    """`voice`: "default" or one of OpenAI's is the persona's own; else `name`, `engine/name`, or
    `clone:<record>`. The input may hold pauses: `<break time="500ms"/>`.
    """

    model_config = ConfigDict(extra="allow")

    model: str = Field(max_length=81)
    input: str = Field(min_length=1)
    voice: str | VoiceId = "default"
    response_format: str = "mp3"
    speed: float = Field(default=1.0, ge=0.25, le=4)
    language: str = Field(default="", max_length=35)
    stream_format: Literal["audio", "sse"] = "audio"

    @property
    def voice_name(self) -> str:
        return self.voice if isinstance(self.voice, str) else self.voice.id

    @property
    def own_voice(self) -> bool:
        """The persona's is meant."""
        return self.voice_name in OPENAI_VOICES | {"", "default"}


def parse(body: bytes) -> SpeechRequest:
    """Raises Problem 400 that names what is wrong or not supported."""
    try:
        wanted = SpeechRequest.model_validate_json(body)
    except ValidationError as error:
        raise chat.invalid(error) from error
    for name, value in (wanted.model_extra or {}).items():
        if value:
            raise chat.unsupported(name)
    check_length(wanted.input, "input")
    if wanted.response_format not in FORMATS:
        raise Problem(
            400,
            f"The format {wanted.response_format[:20]!r} is not supported: choose one of"
            f" {', '.join(FORMATS)}.",
            param="response_format",
        )
    return wanted


def check_length(text: str, param: str) -> None:
    """Raises Problem 400, as OpenAI has it."""
    if len(text) > LONGEST:
        raise Problem(
            400,
            f"The text has {len(text)} characters: send at most {LONGEST} at once.",
            param=param,
            code="string_above_max_length",
        )


def call(
    wanted: SpeechRequest, caller: Caller, spaces: Spaces
) -> tuple[tts_pb2.SynthesizeRequest, str]:
    """The call, and "space/persona" that it is for. Raises Problem, UnknownSpace."""
    space_id, persona_id = _place(wanted.model, caller, spaces)
    space = caller.space(spaces, space_id, "ask")
    if persona_id and persona_id not in space.personas:
        raise unknown_model(wanted.model)
    persona_id = space.persona_name(persona_id, caller.channel)
    chosen = voice(space.persona(persona_id)) if wanted.own_voice else named(wanted.voice_name)
    made = request(caller, space_id, space, wanted.input, chosen)
    made.format, made.speed = FORMATS[wanted.response_format], wanted.speed
    made.language = wanted.language or made.language
    return made, f"{space_id}/{persona_id}"


def request(
    caller: Caller, space_id: str, space: Space, text: str, chosen: turns_pb2.VoiceChoice
) -> tts_pb2.SynthesizeRequest:
    """Any text as a file; what its writer wants as pauses is one."""
    return tts_pb2.SynthesizeRequest(
        space=space_id,
        text=text,
        language=space.languages[0],
        voice=chosen,
        format=tts_pb2.AUDIO_FORMAT_WAV,
        breaks=True,
        use=VOICE_USE_FILES,
        channel=caller.channel,
    )


def voice(persona: Persona) -> turns_pb2.VoiceChoice:
    return turns_pb2.VoiceChoice(**persona.voice.model_dump())


def named(name: str) -> turns_pb2.VoiceChoice:
    """`name`, `engine/name` (or `engine:name`), `clone:<record>`."""
    if name.startswith(CLONE):
        return turns_pb2.VoiceChoice(name=name)
    found = re.fullmatch(r"([\w-]+)[/:](.+)", name)
    if found is None:
        return turns_pb2.VoiceChoice(name=name)
    return turns_pb2.VoiceChoice(engine=found[1], name=found[2])


def personas(caller: Caller, spaces: Spaces) -> list[tuple[str, str]]:
    """Space and persona of everyone that this caller may let speak."""
    seen = caller.spaces(spaces).items()
    return [(space_id, persona_id) for space_id, space in seen for persona_id in space.personas]


def choices(places: list[tuple[str, str]]) -> str:
    """What to write for them, a few of them."""
    return ", ".join("/".join(place) for place in places[:5]) or "none"


def _place(model: str, caller: Caller, spaces: Spaces) -> tuple[str, str]:
    """Space and persona; one of OpenAI's models is the default persona of the only space."""
    if not _OPENAI_MODEL.fullmatch(model):
        space_id, _, persona_id = model.partition("/")
        return space_id, persona_id
    seen = list(caller.spaces(spaces))
    if len(seen) == 1:
        return seen[0], ""
    raise Problem(
        400,
        f"{model!r} says not who speaks, and this token sees {len(seen)} spaces: give a persona as"
        f" the model ({choices(personas(caller, spaces))}), or use a token for one space.",
        param="model",
        code="model_not_found",
    )
