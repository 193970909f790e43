"""The voice registry of a space: whose voice may be used for what."""

import contextlib
import dataclasses
import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from pydantic import ValidationError

from palabre.chassis.voices import Refused, Registry
from palabre.contracts.v1 import voices_pb2 as pb
from palabre.gateway import state, voice_records
from palabre.gateway.access import Asking
from palabre.gateway.callers import Caller
from palabre.gateway.problems import Problem
from palabre.gateway.register import Changed, Proof, Register, Sample
from palabre.gateway.shapes import NewVoice, Revoke
from palabre.gateway.voice_records import changed, shown

if TYPE_CHECKING:
    from palabre.audio.recordings import Fault
    from palabre.gateway.examining import Examined

router = APIRouter(prefix="/api/v1/spaces/{space}/voices", tags=["voices"])

MOST_RECORDINGS = 8
LARGEST_PROOF = 16 << 20
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")

Recordings = Annotated[list[UploadFile], File(alias="sample")]


@router.get("")
async def records(space: str, request: Request, caller: Asking) -> dict[str, Any]:
    """All records of the space, those that no longer permit anything too."""
    registry = _registry(space, request, caller)
    return {"voices": [shown(record, registry) for record in registry.of(space)]}


@router.get("/{voice}")
async def record(space: str, voice: str, request: Request, caller: Asking) -> dict[str, Any]:
    """A record with its history."""
    registry = _registry(space, request, caller)
    found = _found(registry, space, voice)
    return shown(found, registry) | {"changes": [changed(change) for change in found.changes]}


@router.post("", status_code=201)
async def add(
    space: str,
    request: Request,
    caller: Asking,
    record: Annotated[str, Form(max_length=32 * 1024)],
    proof: Annotated[UploadFile | None, File()] = None,
    samples: Recordings = [],  # noqa: B006
) -> dict[str, Any]:
    """Registers a voice. `record` is JSON (see NewVoice); a cloned voice needs `proof` of consent
    and recordings (`sample`, once or several times), a licensed one needs `proof`.

    A record is never changed: what was agreed to anew is a new record.
    """
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "admin")
    new = _parsed(record)
    _check_whole(new, proof, samples)
    kept = await _samples(gateway.register, samples) if new.kind == "cloned" else []
    try:
        made = await gateway.register.add(
            voice_records.record(space, new), _who(caller), await _proof(proof), kept
        )
    except Changed as error:
        raise Problem(
            409, f"There is a record {new.id!r} already: choose another id.", param="id"
        ) from error
    return shown(made, gateway.registry)


@router.post("/check")
async def check(
    space: str, request: Request, caller: Asking, samples: Recordings
) -> dict[str, Any]:
    """Says whether a voice could be cloned from these recordings. Nothing is kept."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "spaces:write")
    files = [await each.read() for each in _few(samples)]
    examined, faults = await _judged(gateway.register, files)
    return {
        "good": not faults,
        "faults": [dataclasses.asdict(fault) for fault in faults],
        "measures": [dataclasses.asdict(each.measures) for each in examined],
    }


@router.post("/{voice}/revoke")
async def revoke(
    space: str, voice: str, why: Revoke, request: Request, caller: Asking
) -> dict[str, Any]:
    """Withdraws a voice for ever, within a minute everywhere. Its recordings are deleted."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "spaces:write")
    try:
        found = await gateway.register.revoke(space, voice, _who(caller), why.reason)
    except KeyError:
        raise _unknown() from None
    except Changed as error:
        raise Problem(409, "Somebody else changes this record: revoke it again.") from error
    return shown(found, gateway.registry)


@router.get("/{voice}/proof", response_class=Response)
async def proof(space: str, voice: str, request: Request, caller: Asking) -> Response:
    """The document or recording in which the voice's owner consents; for administrators."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "admin")
    found = _found(gateway.registry, space, voice)
    try:
        data = await gateway.register.proof(found)
    except KeyError:
        raise Problem(404, "This record has no proof.") from None
    headers = {"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff"}
    return Response(data, media_type=found.consent.media_type, headers=headers)


def _registry(space: str, request: Request, caller: Caller) -> Registry:
    """Raises Problem 403 and 503, UnknownSpace."""
    gateway = state.of(request)
    caller.space(gateway.spaces, space, "spaces:write")
    try:
        gateway.registry.check_fresh()
    except Refused as refused:
        raise Problem(503, f"{refused}.", headers={"Retry-After": "5"}) from refused
    return gateway.registry


def _found(registry: Registry, space: str, voice: str) -> pb.VoiceRecord:
    found = registry.find(space, voice)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Problem:
    return Problem(404, "There is no such voice: GET /api/v1/spaces/{space}/voices lists them.")


def _parsed(record: str) -> NewVoice:
    """Raises Problem 422 that names the field."""
    try:
        return NewVoice.model_validate_json(record)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(["record", *(str(part) for part in first["loc"])])
        raise Problem(422, f"Correct {at!r}: {first['msg']}.", param=at) from error


def _check_whole(new: NewVoice, proof: UploadFile | None, samples: Sequence[UploadFile]) -> None:
    """Raises Problem 422 for what this kind of voice needs and has not."""
    missing = {
        "consent": new.kind != "synthetic" and new.consent is None,
        "proof": new.kind != "synthetic" and proof is None,
        "sample": new.kind == "cloned" and not samples,
        "engine": new.kind != "cloned" and not new.engine,
    }
    for name, is_missing in missing.items():
        if is_missing:
            raise Problem(422, f"A {new.kind} voice needs {name!r}: {_NEEDED[name]}.", param=name)


_NEEDED = {
    "consent": "who gave it, when, and in which words",
    "proof": "send the signed document or the recording as a file",
    "sample": "send the recordings that it is cloned from as files",
    "engine": "name the engine that brings it",
}


def _few(samples: Sequence[UploadFile]) -> Sequence[UploadFile]:
    if len(samples) > MOST_RECORDINGS:
        raise Problem(422, f"Send at most {MOST_RECORDINGS} recordings.", param="sample")
    return samples


async def _samples(register: Register, files: Sequence[UploadFile]) -> list[Sample]:
    """Raises Problem 422 with all faults."""
    data = [await each.read() for each in _few(files)]
    examined, faults = await _judged(register, data)
    if faults:
        said = "; ".join(fault.message for fault in faults)
        raise Problem(
            422,
            f"Not good enough to clone from: {said}.",
            param="sample",
            faults=[dataclasses.asdict(fault) for fault in faults],
        )
    return [
        Sample(each.wav, hashlib.sha256(file).hexdigest(), each.measures.seconds)
        for file, each in zip(data, examined, strict=True)
    ]


async def _judged(
    register: Register, files: Sequence[bytes]
) -> "tuple[list[Examined], list[Fault]]":
    from palabre.gateway.examining import Examiner  # codecs take 0.2 s to load, for what is rare

    async with register.examining, contextlib.aclosing(Examiner()) as examiner:
        return await examiner.judge(files)


async def _proof(file: UploadFile | None) -> Proof | None:
    if file is None:
        return None
    data = await file.read(LARGEST_PROOF + 1)
    if not data:
        raise Problem(422, "The proof is an empty file.", param="proof")
    if len(data) > LARGEST_PROOF:
        raise Problem(413, f"The proof has more than {LARGEST_PROOF >> 20} MiB.", param="proof")
    media_type = (file.content_type or "").lower()
    known = _MEDIA_TYPE.fullmatch(media_type)
    return Proof(data, media_type if known else "application/octet-stream")


def _who(caller: Caller) -> str:
    return f"{caller.token.name} ({caller.token.id})" if caller.token else caller.id
