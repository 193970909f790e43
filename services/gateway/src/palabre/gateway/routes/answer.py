"""One question, one answer."""

from typing import Any

from fastapi import APIRouter, Request

from palabre.chassis.spaces import Space
from palabre.contracts.v1 import turns_pb2
from palabre.gateway import state
from palabre.gateway.access import Asking
from palabre.gateway.asking import ask, whole
from palabre.gateway.chat import MAX_HISTORY
from palabre.gateway.problems import Problem
from palabre.gateway.routes.openai import unknown_model
from palabre.gateway.routes.turns import check_text
from palabre.gateway.shapes import Question

router = APIRouter(tags=["answer"])


@router.post("/answer/")
async def answer(
    question: Question, request: Request, caller: Asking, space: str = ""
) -> dict[str, Any]:
    """Answers a question. Where no space is named it is the token's only one, else the first."""
    gateway = state.of(request)
    check_text(question.query, gateway.settings.max_text_chars, "query")
    name, persona = _asked(question.model, space, caller.spaces(gateway.spaces))
    definition = caller.space(gateway.spaces, name, "ask")
    if persona and persona not in definition.personas:
        raise unknown_model(question.model)
    utterance = turns_pb2.Utterance(
        text=question.query,
        author=caller.author,
        persona=definition.persona_name(persona, caller.channel),
        carried_history=_before(question.context),
        carries_history=True,
        replaceable=True,
    )
    asked = await ask(gateway, caller, name, utterance)
    done = await whole(asked, request)
    told = ("sources", "mode", "language", "persona", "turn")
    return {"answer": done["text"], "space": name} | {key: done[key] for key in told}


def _asked(model: str, space: str, spaces: dict[str, Space]) -> tuple[str, str]:
    """Space and persona, or an empty persona. Raises Problem 404 where there is no space."""
    named, _, persona = model.partition("/")
    if name := named or space:
        return name, persona
    if not spaces:
        raise Problem(404, "There is no space yet that this token may ask in.")
    return next(iter(spaces)), ""


def _before(context: str | list[str] | None) -> list[turns_pb2.Exchange]:
    texts = [context] if isinstance(context, str) else context or []
    if sum(map(len, texts)) > MAX_HISTORY:
        raise Problem(
            413, f"The context is too long: at most {MAX_HISTORY} characters.", param="context"
        )
    return [turns_pb2.Exchange(question=text) for text in texts if text.strip()]
