"""The engines of llm, for administrators of the whole deployment."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import JSONResponse

from palabre.contracts.v1 import llm_pb2 as rpc
from palabre.gateway import state
from palabre.gateway.access import Asking
from palabre.gateway.callers import Caller
from palabre.gateway.ndjson import NDJSON, lines
from palabre.gateway.problems import Problem
from palabre.gateway.sse import Stream
from palabre.gateway.tokens import EVERY_SPACE

router = APIRouter(prefix="/api/v1/engines", tags=["engines"])

CHECK_S = 900.0  # every endpoint may use up its time-outs
_KINDS = {
    rpc.ENGINE_TRIAL_KIND_MODELS: "models",
    rpc.ENGINE_TRIAL_KIND_STREAM: "stream",
    rpc.ENGINE_TRIAL_KIND_OBJECT: "object",
    rpc.ENGINE_TRIAL_KIND_IMAGE: "image",
}

Names = Annotated[list[str], Body(embed=True, max_length=100)]


@router.get("")
async def engines(request: Request, caller: Asking) -> dict[str, Any]:
    """What is set up: endpoints, their models and who uses them; `lost` are models without one."""
    _check(caller)
    found = await state.of(request).llm.ListEngines(rpc.ListEnginesRequest())
    return {
        "engines": [_entry(each) for each in found.engines],
        "lost": [_model(each) for each in found.lost],
    }


@router.post("/check", response_class=JSONResponse)
async def check(request: Request, caller: Asking, engines: Names = []) -> Response:  # noqa: B006 (FastAPI copies it)
    """Tries these engines, or all, with a few tokens each, and says what works and what to do.

    With `Accept: application/x-ndjson` a line per trial, as soon as it is done.
    """
    _check(caller)
    asked = rpc.CheckEnginesRequest(engines=engines)
    trials = state.of(request).llm.CheckEngines(asked, timeout=CHECK_S)
    if NDJSON in request.headers.get("accept", ""):
        return Stream(lambda gone: lines(trials, lambda each: _trial(each.trial)), NDJSON)
    return JSONResponse({"trials": [_trial(each.trial) async for each in trials]})


def _check(caller: Caller) -> None:
    """Raises Problem 403."""
    caller.require("admin")
    if caller.token is None or not caller.token.reaches(EVERY_SPACE):
        raise Problem(403, "Engines serve every space: use an administrator's token for all.")


def _entry(found: rpc.EngineEntry) -> dict[str, Any]:
    return {
        "name": found.name,
        "preset": found.preset or None,
        "base_url": found.base_url or None,
        "has_key": found.has_key,
        "models": [_model(each) for each in found.models],
        "structured": found.structured or None,
        "images": found.images,
        "concurrency": found.concurrency or None,
        "left_alone": found.left_alone,
    }


def _model(found: rpc.EngineModel) -> dict[str, Any]:
    return {"name": found.name, "used_by": list(found.used_by)}


def _trial(found: rpc.EngineTrial) -> dict[str, Any]:
    used = found.usage
    cost = {"amount": used.cost_micros / 1e6, "currency": used.currency}
    usage = {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "cached_tokens": used.cached_tokens,
        "measured": used.measured,
        "cost": cost if used.cost_known else None,
    }
    return {
        "engine": found.engine or None,
        "model": found.model or None,
        "kind": _KINDS.get(found.kind, "other"),
        "works": found.works,
        "problem": found.problem or None,
        "remedy": found.remedy or None,
        "note": found.note or None,
        "usage": usage if found.HasField("usage") else None,
        "first_token_ms": round(found.first_token_ms, 1) or None,
        "tokens_per_s": round(found.tokens_per_s, 1) or None,
        "duration_ms": round(found.duration_ms, 1),
    }
