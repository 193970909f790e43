"""What clients of a replaced system call: DPaaS (github.com/Chelsea486MHz/debat-politique-ia)."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from palabre.chassis.spaces import Space
from palabre.chassis.voices import CLONE
from palabre.contracts.v1 import tts_pb2, turns_pb2
from palabre.gateway import chat, speeches, state, synthesis, voicing
from palabre.gateway.access import Asking
from palabre.gateway.callers import Caller
from palabre.gateway.problems import Problem
from palabre.gateway.state import State

router = APIRouter(tags=["replaced systems"])

Speaker = tuple[str, Space, turns_pb2.VoiceChoice]  # the space's id first

_FILTERS = {"": "", "none": "", "phone": "telephone"}


class Generate(BaseModel):
    """`actor`: a persona's id or name, `space/persona`, or a voice; its first version said `voice`
    and `voicefilter` ("none", "phone") instead.
    """

    model_config = ConfigDict(extra="ignore")

    texttospeak: str = Field(min_length=1)
    actor: str = Field(default="", max_length=200)
    voice: str = Field(default="", max_length=200)
    voicefilter: str | None = Field(default=None, max_length=40)

    @property
    def speaker(self) -> str:
        """Its first version took "folder/name" for "name"; ours are spaces."""
        return (self.actor or self.voice).strip()


_BODY = {"requestBody": {"required": True, "content": {
    kind: {"schema": Generate.model_json_schema()}
    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
}}}  # fmt: skip


@router.post("/api/generate", response_class=Response, openapi_extra=_BODY)
@router.post("/api/generate/audio", response_class=Response, openapi_extra=_BODY)
async def generate(request: Request, caller: Asking) -> Response:
    """Speaks `texttospeak` as `actor`: a whole WAV file. What is wrong is 400, as it was there."""
    gateway = state.of(request)
    wanted = await _read(request)
    call = await _call(wanted, caller, gateway)
    voicing.check(gateway, call)
    try:
        file = await synthesis.whole_wav(gateway, call)
    except Problem as problem:
        problem.status = 400 if problem.status == 422 else problem.status
        raise
    return Response(file, media_type="audio/wav")


async def _read(request: Request) -> Generate:
    """JSON, or a form. Raises Problem 400."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
            async with request.form(max_files=0, max_fields=20) as form:
                wanted = Generate.model_validate(dict(form))
        else:
            wanted = Generate.model_validate_json(await request.body())
    except ValidationError as error:
        raise chat.invalid(error) from error
    speeches.check_length(wanted.texttospeak, "texttospeak")
    return wanted


async def _call(wanted: Generate, caller: Caller, gateway: State) -> tts_pb2.SynthesizeRequest:
    space_id, space, chosen = await _speaker(wanted.speaker, caller, gateway)
    if wanted.voicefilter is not None:
        if wanted.voicefilter not in _FILTERS:
            known = ", ".join(filter(None, _FILTERS))
            raise Problem(400, f"There is no such voicefilter: choose one of {known}.")
        chosen.filter = _FILTERS[wanted.voicefilter]
    return speeches.request(caller, space_id, space, wanted.texttospeak, chosen)


async def _speaker(name: str, caller: Caller, gateway: State) -> Speaker:
    """A persona of the caller's spaces, else a voice. Raises Problem 400 or 403."""
    if not name:
        raise Problem(400, "Say who speaks: a persona's id as 'actor'.", param="actor")
    every = speeches.personas(caller, gateway.spaces)
    found = [place for place in every if _is(name, place, gateway.spaces.get(place[0]))]
    if len(found) > 1:
        raise Problem(
            400,
            f"Several spaces have this actor: write one of {speeches.choices(found)}.",
            param="actor",
        )
    if found:
        space = caller.space(gateway.spaces, found[0][0], "ask")
        return found[0][0], space, speeches.voice(space.personas[found[0][1]])
    return await _voiced(name, caller, gateway, every)


async def _voiced(
    name: str, caller: Caller, gateway: State, every: list[tuple[str, str]]
) -> Speaker:
    """A voice is looked up in the caller's only space."""
    seen, chosen = list(caller.spaces(gateway.spaces)), speeches.named(name)
    if len(seen) != 1 or not (chosen.engine or name.startswith(CLONE)):
        raise Problem(
            400,
            "There is no such actor: write a persona's id"
            f" ({speeches.choices(every)}), or engine/voice with a token for one space.",
            param="actor",
        )
    await synthesis.check_engine(gateway, chosen, "actor")
    return seen[0], caller.space(gateway.spaces, seen[0], "ask"), chosen


def _is(name: str, place: tuple[str, str], space: Space) -> bool:
    space_id, persona_id = place
    names = (persona_id, f"{space_id}/{persona_id}", space.personas[persona_id].name)
    return name.casefold() in {each.casefold() for each in names}
