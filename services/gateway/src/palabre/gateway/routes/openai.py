"""OpenAI's API: its official clients work unmodified. `model` is `space/persona`."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from palabre.channels.waiting import Gone
from palabre.gateway import chat, state
from palabre.gateway.access import Asking
from palabre.gateway.asking import Asked, ask, whole
from palabre.gateway.chat import ChatRequest, Reply
from palabre.gateway.problems import Problem
from palabre.gateway.routes.turns import check_text
from palabre.gateway.sse import KEEP_ALIVE, Stream

router = APIRouter(prefix="/v1", tags=["OpenAI-compatible"])

_BODY = {"requestBody": {"content": {"application/json": {"schema": ChatRequest.model_json_schema(
    ref_template="#/components/schemas/{model}")}}, "required": True}}  # fmt: skip
_CREATED = 1_767_225_600  # models have no age; clients want a number


@router.post("/chat/completions", response_class=Response, openapi_extra=_BODY)
async def complete(
    request: Request,
    caller: Asking,
    idempotency_key: Annotated[str, Header(alias="Idempotency-Key", max_length=200)] = "",
) -> Response:
    """Each request is a conversation of its own and carries its history."""
    gateway = state.of(request)
    wanted = chat.parse(await request.body())
    space = caller.space(gateway.spaces, wanted.space, "ask")
    if wanted.persona and wanted.persona not in space.personas:
        raise unknown_model(wanted.model)
    utterance = chat.utterance(wanted, caller.author, wanted.persona or space.default_persona)
    shows = bool(utterance.attachments)
    check_text(utterance.text, gateway.settings.max_text_chars, "messages", shows=shows)
    gateway.limits.send_images(caller.id, caller.channel, chat.inline_bytes(utterance))
    await gateway.attachments.take(wanted.space, utterance)
    asked = await ask(gateway, caller, wanted.space, utterance, idempotency_key)
    reply = Reply(asked.first.turn, wanted, source_links(request, wanted.space))
    if wanted.stream:
        return Stream(
            lambda gone: _chunks(asked, reply, gone), "text/event-stream", close=asked.close.aclose
        )
    return JSONResponse(reply.whole(await whole(asked, request)))


@router.get("/models")
async def models(request: Request, caller: Asking) -> dict[str, Any]:
    """The personas of the caller's spaces."""
    gateway = state.of(request)
    names = _models(caller.spaces(gateway.spaces))
    return {"object": "list", "data": [_model(name) for name in names]}


@router.get("/models/{model:path}")
async def model(model: str, request: Request, caller: Asking) -> dict[str, Any]:
    """One persona."""
    if model not in _models(caller.spaces(state.of(request).spaces)):
        raise unknown_model(model)
    return _model(model)


def unknown_model(name: str) -> Problem:
    return Problem(
        404,
        f"There is no model {name!r}: GET /v1/models lists them.",
        param="model",
        code="model_not_found",
    )


def source_links(request: Request, space: str) -> str:
    """Below which address the page shows this space's documents."""
    base = state.of(request).settings.public_url or str(request.base_url)
    return f"{base.rstrip('/')}/sources/{space}"


async def _chunks(asked: Asked, reply: Reply, gone: Gone) -> AsyncIterator[bytes]:
    """What was sent cannot be taken back: an answer that begins again is an error."""
    opening, sent = reply.opening(), 0  # sent with what follows: each write costs
    async for told in asked.follow(gone):
        if told is None or told.name == "notice":
            yield KEEP_ALIVE
        elif told.name == "delta":
            sent += len(told.data["text"])
            yield opening + reply.text(told.data["text"])
            opening = b""
        elif told.name == "completed":
            rest = told.data["text"][sent:]
            yield (
                opening + (reply.text(rest) if rest else b"") + reply.ending(told.data) + chat.DONE
            )
            return
        elif told.name in ("failed", "cancelled", "restarted"):
            data = told.data if told.name != "restarted" else {"reason": "interrupted"}
            yield opening + chat.failure_event(chat.failure(data)) + chat.DONE
            return


def _models(spaces: dict[str, Any]) -> list[str]:
    return [f"{name}/{p}" for name, space in sorted(spaces.items()) for p in sorted(space.personas)]


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": name.partition("/")[0]}
