"""Chat completions in OpenAI's shapes: a request becomes an utterance, a turn becomes chunks."""

import datetime as dt
import re
import time
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from palabre.channels.answers import named
from palabre.contracts.v1 import turns_pb2
from palabre.gateway.problems import Problem, retry_headers
from palabre.gateway.sse import to_json

IMAGE = "image_url"
DONE = b"data: [DONE]\n\n"
MAX_INSTRUCTIONS = 16_000
# What a client carries must fit into an event; the newest exchanges are kept.
MAX_HISTORY = 60_000
# Understood only where they change nothing.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "store": (False,),
    "service_tier": ("auto", "default"),
}
_IGNORED = frozenset(
    {"user", "metadata", "safety_identifier", "prompt_cache_key", "prompt_cache_retention"}
)


class ImageUrl(BaseModel):
    """`detail` is the deployment's to choose."""

    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class Part(BaseModel):
    model_config = ConfigDict(extra="allow")

    type: str
    text: str = ""
    image_url: ImageUrl | None = None


class ChatMessage(BaseModel):
    model_config = ConfigDict(extra="ignore")

    role: str
    content: str | list[Part] | None = None

    @property
    def images(self) -> list[str]:
        """Addresses of the message's images."""
        parts = self.content if isinstance(self.content, list) else ()
        return [part.image_url.url for part in parts if part.type == IMAGE and part.image_url]


class StreamOptions(BaseModel):
    include_usage: bool = False
    include_obfuscation: bool = False


class ChatRequest(BaseModel):
    """`model` is `space/persona`, or a space's id for its default persona."""

    model_config = ConfigDict(extra="allow")

    model: str = Field(min_length=1, max_length=81)
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stop: str | list[str] | None = None
    seed: int | None = None

    @property
    def space(self) -> str:
        return self.model.partition("/")[0]

    @property
    def persona(self) -> str:
        return self.model.partition("/")[2]

    @property
    def longest(self) -> int | None:
        return self.max_completion_tokens or self.max_tokens

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


def parse(body: bytes) -> ChatRequest:
    """Raises Problem 400 that names what is wrong or not supported."""
    try:
        request = ChatRequest.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error
    for name, value in (request.model_extra or {}).items():
        if value is not None and name not in _IGNORED and value not in _NEUTRAL.get(name, ()):
            raise unsupported(name)
    return request


def invalid(error: ValidationError) -> Problem:
    """The first mistake, with the name of its parameter and not its value."""
    first = error.errors(include_input=False, include_url=False)[0]
    at = ".".join(str(part) for part in first["loc"])
    return Problem(400, f"Correct {at or 'the body'!r}: {first['msg']}.", param=at or None)


def unsupported(name: str) -> Problem:
    return Problem(
        400,
        f"Palabre does not support {name!r}: leave it out.",
        param=name,
        code="unsupported_parameter",
    )


def utterance(request: ChatRequest, author: turns_pb2.Author, persona: str) -> turns_pb2.Utterance:
    """The last message is the question, those before it the history; raises Problem 400.

    The `blob` of an image is still its address: `Attachments.take` fetches and keeps them.
    """
    instructions: list[str] = []
    exchanges: list[turns_pb2.Exchange] = []
    asked: list[str] = []
    seen: list[turns_pb2.Attachment] = []
    for index, message in enumerate(request.messages):
        text = _text(message, f"messages.{index}")
        if message.role in ("system", "developer"):
            instructions.append(text)
        elif message.role == "user":
            asked.append(text)
            seen += [turns_pb2.Attachment(blob=url) for url in message.images]
        elif message.role == "assistant":
            said = "\n\n".join(filter(None, asked))
            exchanges.append(turns_pb2.Exchange(question=said, answer=text, attachments=seen))
            asked, seen = [], []
        else:
            raise unsupported(f"messages.{index}.role={message.role[:20]}")
    if not asked:
        raise Problem(400, "The last message must be the user's.", param="messages")
    return turns_pb2.Utterance(
        text="\n\n".join(filter(None, asked)),
        attachments=seen,
        author=author,
        persona=persona,
        carried_history=_newest(exchanges),
        carries_history=True,
        instructions=_bounded(instructions),
        sampling=_sampling(request),
        replaceable=not request.stream,
    )


def inline_bytes(said: turns_pb2.Utterance) -> int:
    """Size of the images that a request carries itself, each counted once."""
    shown = [*said.attachments, *(i for each in said.carried_history for i in each.attachments)]
    urls = {image.blob for image in shown}
    return sum(len(url) * 3 // 4 for url in urls if url.startswith("data:"))


def _text(message: ChatMessage, at: str) -> str:
    if isinstance(message.content, list):
        for part in message.content:
            shows = part.type == IMAGE and part.image_url and message.role == "user"
            if part.type != "text" and not shows:
                raise unsupported(f"{at}.content.{part.type[:30]}")
        return "\n".join(part.text for part in message.content if part.type == "text")
    return message.content or ""


def _newest(exchanges: list[turns_pb2.Exchange]) -> list[turns_pb2.Exchange]:
    size, kept = 0, 0
    for exchange in reversed(exchanges):
        size += len(exchange.question) + len(exchange.answer)
        if size > MAX_HISTORY:
            break
        kept += 1
    return exchanges[len(exchanges) - kept :]


def _bounded(instructions: list[str]) -> str:
    joined = "\n\n".join(instructions)
    if len(joined) > MAX_INSTRUCTIONS:
        raise Problem(
            400,
            f"The system messages have {len(joined)} characters: at most {MAX_INSTRUCTIONS}.",
            param="messages",
        )
    return joined


def _sampling(request: ChatRequest) -> turns_pb2.Sampling:
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or []
    return turns_pb2.Sampling(
        temperature=request.temperature,
        top_p=request.top_p,
        max_tokens=request.longest,
        stop=stop,
        seed=request.seed,
    )


class Reply:
    """One completion, whole or chunk by chunk. `links` is where sources are shown."""

    def __init__(self, turn: str, request: ChatRequest, links: str) -> None:
        self._request, self._links = request, links
        self._id, self._created = f"chatcmpl-{turn}", int(time.time())
        head = self._head("chat.completion.chunk") | {"choices": []}
        self._prefix = f'data: {to_json(head)[:-2]}{{"index":0,"delta":'

    def chunk(self, delta: str, finish: str = "null", more: str = "") -> bytes:
        """One chunk; `delta`, `finish` and `more` are JSON. Cheap: there is one per delta."""
        usage = ',"usage":null' if self._request.wants_usage else ""
        return f'{self._prefix}{delta},"finish_reason":{finish}}}]{usage}{more}}}\n\n'.encode()

    def opening(self) -> bytes:
        return self.chunk('{"role":"assistant","content":""}')

    def text(self, text: str) -> bytes:
        return self.chunk(f'{{"content":{to_json(text)}}}')

    def ending(self, event: dict[str, Any]) -> bytes:
        """The last chunk: why it ended, and the sources. `event` is `completed`'s data."""
        delta = to_json({"annotations": self.annotations(event)})
        more = to_json({"sources": event["sources"], "mode": event["mode"]})
        last = self.chunk(delta, to_json(self.finish(event)), f",{more[1:-1]}")
        if not self._request.wants_usage:
            return last
        counted = {"choices": [], "usage": usage(event)}
        return last + sse(self._head("chat.completion.chunk") | counted)

    def whole(self, event: dict[str, Any]) -> dict[str, Any]:
        message = {
            "role": "assistant",
            "content": event["text"],
            "refusal": None,
            "annotations": self.annotations(event),
        }
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self.finish(event),
        }
        return self._head("chat.completion") | {
            "choices": [choice],
            "usage": usage(event),
            "sources": event["sources"],
            "mode": event["mode"],
        }

    def annotations(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        """A `url_citation` for every [number] in the text."""
        cited = {source["number"]: source for source in event["sources"]}
        return [
            {
                "type": "url_citation",
                "url_citation": {
                    "start_index": found.start(),
                    "end_index": found.end(),
                    "title": named(cited[int(found[1])]),
                    "url": self._url(cited[int(found[1])]),
                },
            }
            for found in re.finditer(r"\[(\d{1,3})\]", event["text"])
            if int(found[1]) in cited
        ]

    def finish(self, event: dict[str, Any]) -> Literal["stop", "length"]:
        longest = self._request.longest
        written = event["usage"]["completion_tokens"]
        return "length" if longest and written >= longest else "stop"

    def _url(self, source: dict[str, Any]) -> str:
        return source["url"] or f"{self._links}/{quote(source['document'])}"

    def _head(self, kind: str) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": kind,
            "created": self._created,
            "model": self._request.model,
        }


def usage(event: dict[str, Any]) -> dict[str, Any]:
    counted = event["usage"]
    return {
        "prompt_tokens": counted["prompt_tokens"],
        "completion_tokens": counted["completion_tokens"],
        "total_tokens": counted["prompt_tokens"] + counted["completion_tokens"],
        "prompt_tokens_details": {"cached_tokens": counted["cached_tokens"]},
        "completion_tokens_details": {"reasoning_tokens": counted.get("reasoning_tokens", 0)},
    }


def failure(data: dict[str, Any]) -> Problem:
    """A turn without an answer, from the data of `failed` or `cancelled`."""
    message = data.get("message") or "The answer was cancelled."
    status = {"rejected": 422, "budget": 429}.get(data["reason"], 503)
    # Each retry would be a new turn: that is for a person to decide.
    headers = {"x-should-retry": "false"}
    if opens := data.get("retry_at"):
        headers = retry_headers(dt.datetime.fromisoformat(opens))
    return Problem(status, message, code=data["reason"], headers=headers)


def failure_event(problem: Problem) -> bytes:
    return sse(problem.openai())


def sse(data: dict[str, Any]) -> bytes:
    """One of OpenAI's events."""
    return f"data: {to_json(data)}\n\n".encode()
