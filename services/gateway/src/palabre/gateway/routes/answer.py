"""One question, one answer."""

from typing import Any

from fastapi import APIRouter, Request

from palabre.chassis.spaces import Space
from palabre.contracts.v1 import turns_pb2
from palabre.gateway import state
from palabre.gateway.access import Asking
from palabre.gateway.asking import ask, whole
from palabre.gateway.callers import Caller
from palabre.gateway.chat import MAX_HISTORY
from palabre.gateway.problems import Problem
from palabre.gateway.routes.turns import check_text
from palabre.gateway.shapes import Question

router = APIRouter(tags=["answer"])


@router.post("/answer/")
async def answer(
    question: Question, request: Request, caller: Asking, space: str = ""
) -> dict[str, Any]:
    """Answers a question; the space may be left out where there is only one."""
    gateway = state.of(request)
    check_text(question.query, gateway.settings.max_text_chars, "query")
    name = space or only_space(caller, caller.spaces(gateway.spaces))
    definition = caller.space(gateway.spaces, name, "ask")
    utterance = turns_pb2.Utterance(
        text=question.query,
        author=caller.author,
        persona=definition.persona_name("", caller.channel),
        carried_history=_before(question.context),
        carries_history=True,
        replaceable=True,
    )
    asked = await ask(gateway, caller, name, utterance)
    done = await whole(asked, request)
    return {"answer": done["text"]} | {k: done[k] for k in ("sources", "mode", "language", "turn")}


def only_space(caller: Caller, spaces: dict[str, Space]) -> str:
    """The token's only space, or the deployment's. Raises Problem 422."""
    if len(spaces) != 1:
        raise Problem(422, "Say which space you mean: add ?space=<id>.", param="space")
    return next(iter(spaces))


def _before(context: str | list[str] | None) -> list[turns_pb2.Exchange]:
    texts = [context] if isinstance(context, str) else context or []
    if sum(map(len, texts)) > MAX_HISTORY:
        raise Problem(
            413, f"The context is too long: at most {MAX_HISTORY} characters.", param="context"
        )
    return [turns_pb2.Exchange(question=text) for text in texts if text.strip()]
