"""Asking a model for a JSON object, in each of the ways in which servers understand that."""

import json
from collections.abc import Sequence
from typing import Any, get_args

from palabre.llm.engines import Message, Schema
from palabre.llm.presets import Structured

FORMS: Sequence[Structured] = get_args(Structured)
_TOLD = (
    "Answer with one JSON object and nothing else: no sentence before or after it, no code fence."
    " It must follow this JSON Schema:"
)


def response_format(form: Structured, schema: Schema) -> dict[str, Any] | None:
    """OpenAI's parameter of this name; None where the words alone have to do."""
    match form:
        case "json_schema":
            named = {"name": "verdict", "schema": dict(schema), "strict": True}
            return {"type": "json_schema", "json_schema": named}
        case "object_schema":  # Cohere's, and llama.cpp's
            return {"type": "json_object", "schema": dict(schema)}
        case "json_object":
            return {"type": "json_object"}
        case _:
            return None


def told(messages: Sequence[Message], form: Structured, schema: Schema) -> list[Message]:
    """The messages, with the schema in the system's words where the server is not given it."""
    if form == "json_schema":
        return list(messages)
    words = f"{_TOLD}\n{json.dumps(schema, ensure_ascii=False)}"
    if messages and messages[0].role == "system":
        first = messages[0]._replace(content=f"{messages[0].content}\n\n{words}")
        return [first, *messages[1:]]
    return [Message("system", words), *messages]


def weaker(form: Structured) -> Structured | None:
    """What to fall back on when a server refuses this one."""
    place = FORMS.index(form) + 1
    return FORMS[place] if place < len(FORMS) else None


def refused(message: str) -> bool:
    """Whether a server's refusal is about this."""
    said = message.lower().replace("_", " ")
    return any(words in said for words in ("response format", "json schema", "json object"))


def object_in(content: str) -> dict[str, Any]:
    """The object that an answer holds, whatever stands around it. Raises ValueError."""
    found = json.loads(content[content.find("{") : content.rfind("}") + 1])
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found
