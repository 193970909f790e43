"""Any server that speaks OpenAI's chat completions, streamed.

The SDK's typed stream costs 157 to 265 µs per chunk: here it makes the request, and the events of
its answer are read as they are. Over aiohttp, which parses HTTP in C, gives all that has come at
once, and does not look at every connection for each call.
"""

import asyncio
import contextlib
import datetime as dt
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import aiohttp
import httpx2
import openai
import structlog
from openai import AsyncAPIResponse

from palabre.contracts.v1.turns_pb2 import Usage
from palabre.llm import counting, faults, limits, parts, presets, structured
from palabre.llm.engines import Completion, Message, Pieces, Schema, Verdict
from palabre.llm.errors import Broken, EngineError, TooSlow, Unreachable
from palabre.llm.parts import IMAGES
from palabre.llm.presets import Preset, Structured
from palabre.llm.settings import Endpoint
from palabre.llm.sse import EventDecoder

log = structlog.get_logger()

Response = AsyncAPIResponse[Any]

CONNECTIONS = 256  # where the endpoint does not say how many calls it takes at the same time

# What a server may know under another name, or not at all: said again without it, and remembered.
RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
DISPENSABLE = ("stream_options", "temperature", "top_p", "seed", "stop")

_REFUSALS = (openai.BadRequestError, openai.UnprocessableEntityError)


@dataclass(frozen=True, slots=True)
class Patience:
    """Time-outs in seconds."""

    connect: float = 3.0
    first_token: float = 20.0
    between_tokens: float = 10.0


class OpenAi:
    """One endpoint. Reasoning that a model shows apart from its answer is left out."""

    def __init__(
        self,
        name: str,
        endpoint: Endpoint,
        patience: Patience = Patience(),
    ) -> None:
        self.name, self.preset = name, presets.of(endpoint.preset)
        self._endpoint, self._patience = endpoint, patience
        self._shunned: dict[str, set[str]] = {}  # parameters that a model refused
        self._forms: dict[str, Structured] = {}  # of a JSON object, where not the preset's
        self._closed: dict[str, float] = {}  # until when a model has nothing left
        pool = httpx2.Limits(
            max_connections=endpoint.concurrency or CONNECTIONS, keepalive_expiry=60
        )
        self._client = openai.AsyncOpenAI(
            api_key=endpoint.api_key.get_secret_value() or "none",
            base_url=endpoint.address,
            default_headers=endpoint.login,  # aiohttp refuses it beside a key
            max_retries=0,
            timeout=httpx2.Timeout(None, connect=patience.connect, pool=patience.connect),
            http_client=openai.DefaultAioHttpClient(limits=pool),
        )

    async def stream(self, completion: Completion) -> Pieces:
        asked = _arguments(completion, self.preset) | {"stream": True}
        if self.preset.counted == "when asked":
            asked["stream_options"] = {"include_usage": True}
        answer, begun = _Answer(), time.monotonic()
        with self._counted(completion, answer), _translated():
            async with contextlib.AsyncExitStack() as stack:
                limit = begun + self._patience.first_token
                response = await stack.enter_async_context(
                    self._opened(asked, limit, completion.about_images)
                )
                chunks = response.iter_bytes()
                while chunk := await _next(chunks, limit):
                    for text in answer.feed(chunk):
                        limit = time.monotonic() + self._patience.between_tokens
                        yield text
                for text in answer.close():
                    yield text
        yield self._usage(completion, answer.usage, answer.written)

    async def judge(self, completion: Completion, schema: Schema) -> Verdict:
        """In the strictest form that the model is known to understand."""
        form: Structured | None = self.form(completion.model)
        limit, answer = time.monotonic() + self._patience.first_token, _Answer()
        with self._counted(completion, answer), _translated():
            while form:
                try:
                    body = await self._answered(completion, schema, form, limit)
                    break
                except _REFUSALS as error:
                    form = structured.weaker(form)
                    if not form or not structured.refused(str(error)):
                        raise
                    self._forms[completion.model] = form
            answer.usage = body.get("usage")
            content = str(body["choices"][0]["message"]["content"])
            values = structured.object_in(content)
        return Verdict(values, self._usage(completion, answer.usage, len(content)))

    async def models(self) -> list[str]:
        """The names of those that the server says it has."""
        with _translated():
            async with _until(time.monotonic() + self._patience.first_token):
                page = await self._client.models.list()
            return [model.id.removeprefix("models/") for model in page.data]

    def form(self, model: str) -> Structured:
        return self._forms.get(model, self.preset.structured)

    def closed_for(self, model: str) -> float:
        """Seconds until the provider, by its headers, has something left for this model again."""
        return max(0.0, self._closed.get(model, 0.0) - time.monotonic())

    async def _answered(
        self, completion: Completion, schema: Schema, form: Structured, limit: float
    ) -> Any:
        told = replace(
            completion, messages=tuple(structured.told(completion.messages, form, schema))
        )
        asked = _arguments(told, self.preset)
        if wanted := structured.response_format(form, schema):
            asked["response_format"] = wanted
        async with self._opened(asked, limit) as response, _until(limit):
            return await response.json()

    def sees(self, model: str) -> bool:
        return IMAGES not in self._lacks(model)

    def _lacks(self, model: str) -> set[str]:
        """What the model does not understand; it grows with what its server refuses."""
        return self._shunned.setdefault(model, set() if self.preset.images else {IMAGES})

    async def close(self) -> None:
        await self._client.close()

    @contextlib.asynccontextmanager
    async def _opened(
        self, asked: dict[str, Any], limit: float, about_images: bool = False
    ) -> AsyncIterator[Response]:
        """The response's head has come; what the server does not know was left out."""
        shunned = set(self._lacks(asked["model"]))  # by this call; what is the model's is kept
        async with contextlib.AsyncExitStack() as stack:
            while True:
                attempt = self._requested(_without(asked, shunned))
                try:
                    async with _until(limit):
                        response = await stack.enter_async_context(attempt)
                    break
                except _REFUSALS as error:
                    unknown = _complained_about(error, asked, shunned)
                    if not unknown:
                        raise
                    shunned.add(unknown)
                    if unknown != IMAGES or parts.sees_none(str(error)):
                        self._lacks(asked["model"]).add(unknown)
                    log.info("parameter left out", engine=self.name, parameter=unknown)
                    if unknown == IMAGES and about_images:
                        raise
            self._heed(asked["model"], response)
            yield response

    def _heed(self, model: str, response: Response) -> None:
        """Raises Broken for a page, which proxies and wrong addresses answer with status 200."""
        if "text/html" in response.headers.get("content-type", ""):
            raise Broken("a page came instead of an answer")
        if pause := limits.closed_for(response.headers, dt.datetime.now(dt.UTC)):
            self._closed[model] = time.monotonic() + pause

    def _requested(self, asked: dict[str, Any]) -> AbstractAsyncContextManager[Response]:
        """As `extra_body`, which the SDK does not walk through: a sixth of the call's cost."""
        create = self._client.chat.completions.with_streaming_response.create
        body = {key: value for key, value in asked.items() if key not in ("model", "stream")}
        request = create(
            model=asked["model"], messages=(), stream=asked.get("stream", False), extra_body=body
        )
        return cast(AbstractAsyncContextManager[Response], request)

    @contextlib.contextmanager
    def _counted(self, completion: Completion, answer: "_Answer") -> Iterator[None]:
        """A failure carries what the provider has counted: an empty answer may be all reasoning."""
        try:
            yield
        except EngineError as error:
            if counting.is_usage(answer.usage):
                error.usage = self._usage(completion, answer.usage, answer.written)
            raise

    def _usage(self, completion: Completion, reported: Any, characters: int) -> Usage:
        """The provider's count, else an estimate; what it costs is for others to say."""
        usage = counting.estimate(self.name, completion, characters)
        if counting.is_usage(reported):
            counting.take(usage, reported)
        return usage


@dataclass(slots=True)
class _Answer:
    """What a stream of events has said so far."""

    events: EventDecoder = field(default_factory=EventDecoder)
    usage: dict[str, Any] | None = None
    written: int = 0  # characters
    ended: bool = False

    def feed(self, chunk: bytes) -> Iterator[str]:
        """The text of all events of one read. Raises Broken on an error in the stream."""
        return self._take(self.events.feed(chunk))

    def close(self) -> Iterator[str]:
        """Raises Broken when the stream was cut, or said nothing."""
        yield from self._take(self.events.close())
        if not self.ended:
            raise Broken("the stream was cut")
        if not self.written:
            raise Broken("the answer is empty")

    def _take(self, events: list[bytes]) -> Iterator[str]:
        """At most one text; what was said before an error comes before it."""
        said: list[str] = []
        try:
            for data in events:
                said.append(self._read(data))
        finally:
            if text := "".join(said):
                self.written += len(text)
                yield text

    def _read(self, data: bytes) -> str:
        if data == b"[DONE]":
            self.ended = True
            return ""
        body = json.loads(data)
        if error := body.get("error"):
            raise faults.of_event(error)
        self.usage = body.get("usage") or self.usage
        if not (choices := body.get("choices")):
            return ""
        self.ended = self.ended or bool(choices[0].get("finish_reason"))
        return _text(choices[0].get("delta") or {})


def _text(delta: dict[str, Any]) -> str:
    """Some servers send a list of parts, thoughts among them."""
    content = delta.get("content")
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if part.get("type") == "text")
    return content or ""


def _arguments(completion: Completion, preset: Preset) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": completion.model,
        "messages": [parts.message(m, _role(m, preset)) for m in completion.messages],
    }
    sampling = completion.sampling
    for name in ("temperature", "top_p", "max_tokens", "seed"):
        if sampling.HasField(name):
            asked[name] = getattr(sampling, name)
    if sampling.stop:
        asked["stop"] = list(sampling.stop)
    if "temperature" in asked:
        asked["temperature"] = min(asked["temperature"], preset.hottest)
    theirs = {name: preset.renamed.get(name, name) for name in asked}
    return {theirs[name]: value for name, value in asked.items() if theirs[name]}


def _role(message: Message, preset: Preset) -> str:
    return preset.system if message.role == "system" else message.role


def _without(asked: dict[str, Any], shunned: set[str]) -> dict[str, Any]:
    kept = {key: value for key, value in asked.items() if key not in shunned}
    if IMAGES in shunned:
        kept["messages"] = parts.without_images(asked["messages"])
    return kept | {RENAMED[key]: asked[key] for key in shunned & RENAMED.keys() if key in asked}


def _complained_about(
    error: openai.APIStatusError, asked: dict[str, Any], shunned: set[str]
) -> str:
    """The parameter that the server names in its refusal, if we can do without."""
    candidates = [name for name in (*RENAMED, *DISPENSABLE) if name in asked]
    said = str(error)
    if IMAGES not in shunned and parts.has_images(asked["messages"]) and parts.refused(said):
        return IMAGES
    return next((name for name in candidates if name in said and name not in shunned), "")


async def _next(chunks: AsyncIterator[bytes], limit: float) -> bytes:
    """Empty at the end."""
    async with _until(limit):
        return await anext(chunks, b"")


def _until(limit: float) -> asyncio.Timeout:
    """`limit` is of time.monotonic, which is the loop's own clock."""
    return asyncio.timeout_at(limit)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """The vendor's errors in our words."""
    try:
        yield
    except openai.APITimeoutError as error:
        if _is_hung_up(error):
            raise Unreachable("the connection failed") from error
        raise TooSlow("a time-out ran out") from error
    except (TimeoutError, httpx2.TimeoutException) as error:
        if _is_hung_up(error):
            raise Broken("the stream broke: the connection ended") from error
        raise TooSlow("a time-out ran out") from error
    except openai.APIConnectionError as error:
        raise Unreachable("the connection failed") from error
    except openai.APIStatusError as error:
        now = dt.datetime.now(dt.UTC)
        raise faults.of_status(
            error.status_code, _said(error), error.response.headers, now
        ) from error
    except (httpx2.HTTPError, openai.OpenAIError) as error:
        raise Broken(f"the stream broke: {type(error).__name__}") from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Broken(f"nonsense: {type(error).__name__}") from error


def _is_hung_up(error: BaseException | None) -> bool:
    """The SDK's transport over aiohttp calls a connection that the server ended a time-out, too."""
    while error and not isinstance(error, aiohttp.ClientConnectionError):
        error = error.__cause__
    return error is not None and not isinstance(error, TimeoutError)


def _said(error: openai.APIStatusError) -> str:
    return error.response.text if error.response.is_stream_consumed else ""
