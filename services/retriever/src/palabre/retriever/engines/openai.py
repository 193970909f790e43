"""Vectors from any server that speaks OpenAI's /embeddings."""

import asyncio
import base64
import contextlib
import hashlib
import json
import math
import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
import openai

from palabre.chassis.errors import Unavailable
from palabre.chassis.telemetry import ENGINE_FAILURES, ENGINE_TOKENS
from palabre.retriever.engines.estimate import estimated
from palabre.retriever.engines.port import EngineMissing
from palabre.retriever.engines.prefixes import NONE, Prefixes, of_settings
from palabre.retriever.settings import RetrieverSettings

ENGINE = "openai-embeddings"
# Text embeddings inference takes 32 texts a call, Mistral 16,384 tokens.
BATCH, BATCH_CHARACTERS = 32, 32_000
# Calls of one document at the same time.
ABREAST = 4
# Models cut at 512 tokens or more; OpenAI's refuse what is above 8,191, at worst one a character.
MAX_CHARACTERS = 8_000


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: for a call of questions, one of passages, and what a busy server may ask for."""

    question: float = 2.0
    passages: float = 60.0
    busy: float = 120.0


class OpenAiEmbedder:
    """Safe to share. Passages wait as long as a busy server asks; questions never do."""

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        model: str,
        size: int,
        prefixes: Prefixes = NONE,
        patience: Patience = Patience(),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        longest: int = 0,
    ) -> None:
        """`longest` in tokens, as whoever sets it up knows it: such an API does not tell."""
        self.longest = longest
        self._client, self._model, self.size = client, model, size
        self._prefixes, self._patience, self._sleep = prefixes, patience, sleep
        told = hashlib.sha256(f"{client.base_url}{prefixes}".encode()).hexdigest()[:8]
        self.name = f"{model}-{size}-{told}"

    async def passages(self, texts: Sequence[str]) -> list[list[float]]:
        limit = asyncio.Semaphore(ABREAST)

        async def embed(batch: list[str]) -> list[list[float]]:
            async with limit:
                return await self._patiently(batch)

        prefixed = [(self._prefixes.passage + text)[:MAX_CHARACTERS] for text in texts]
        found = await asyncio.gather(*(embed(batch) for batch in _batches(prefixed)))
        return [vector for vectors in found for vector in vectors]

    async def questions(self, texts: Sequence[str]) -> list[list[float]]:
        prefixed = [(self._prefixes.question + text)[:MAX_CHARACTERS] for text in texts]
        found = [await self._call(b, self._patience.question) for b in _batches(prefixed)]
        return [vector for vectors in found for vector in vectors]

    def tokens(self, text: str) -> int:
        return estimated(self._prefixes.passage + text)

    async def close(self) -> None:
        await self._client.close()

    async def _patiently(self, batch: list[str]) -> list[list[float]]:
        waited = 0.0
        while True:
            try:
                return await self._call(batch, self._patience.passages)
            except _Busy as error:
                waited += error.retry_after
                if waited > self._patience.busy:
                    raise
                await self._sleep(error.retry_after)

    async def _call(self, batch: list[str], timeout_s: float) -> list[list[float]]:
        with _translated():
            async with asyncio.timeout(timeout_s):
                try:
                    body = await self._post(batch)
                except openai.APITimeoutError:
                    raise
                except openai.APIConnectionError:  # before the first byte: once more, at once
                    body = await self._post(batch)
            tokens = (body.get("usage") or {}).get("prompt_tokens") or 0
            ENGINE_TOKENS.labels(ENGINE, self._model, "prompt").inc(tokens)
            return _vectors(body["data"], len(batch), self.size)

    async def _post(self, batch: list[str]) -> dict[str, Any]:
        """Numbers as text: not every server knows base64. Read here: the SDK takes longer."""
        asked: dict[str, Any] = {"input": batch, "model": self._model, "encoding_format": "float"}
        if "text-embedding-3" in self._model:  # other models refuse to be shortened
            asked["dimensions"] = self.size
        response = await self._client.post("/embeddings", cast_to=httpx2.Response, body=asked)
        found: dict[str, Any] = json.loads(response.content)
        return found


class _Busy(Unavailable):
    """The server asks to come again."""


def embedder(settings: RetrieverSettings) -> OpenAiEmbedder:
    """Raises EngineMissing."""
    if not settings.embedding_model:
        raise EngineMissing("PALABRE_EMBEDDING_MODEL is not set: name the model of that API")
    if not settings.embedding_dimensions:
        raise EngineMissing(
            "PALABRE_EMBEDDING_DIMENSIONS is not set: say how many numbers a vector of"
            f" {settings.embedding_model} has, such as 1024"
        )
    client = openai.AsyncOpenAI(
        api_key=settings.embedding_api_key.get_secret_value() or "none",
        base_url=settings.embedding_base_url or "https://api.openai.com/v1",
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=3.0),
    )
    patience = Patience(question=settings.embedding_timeout_s)
    return OpenAiEmbedder(
        client,
        settings.embedding_model,
        settings.embedding_dimensions,
        of_settings(settings),
        patience,
        longest=settings.embedding_tokens or 0,
    )


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == BATCH or characters + len(text) > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text or " ")  # some servers refuse what is empty
        characters += len(text)
    if batch:
        yield batch


def _vectors(data: list[dict[str, Any]], texts: int, size: int) -> list[list[float]]:
    """In the order of their indices. Raises Unavailable when any is missing or of another size."""
    found = {int(each.get("index", place)): each["embedding"] for place, each in enumerate(data)}
    vectors = [_of_length_1(_numbers(found[number])) for number in range(texts)]
    sizes = {len(vector) for vector in vectors}
    if len(data) != texts or sizes - {size}:
        said = f"answered {len(data)} vectors of {max(sizes)} numbers, not {texts} of {size}"
        raise _failure("nonsense", f"{said}: look at PALABRE_EMBEDDING_DIMENSIONS")
    return vectors


def _numbers(embedding: list[float] | str) -> Sequence[float]:
    if not isinstance(embedding, str):
        return embedding
    data = base64.b64decode(embedding)
    return struct.unpack(f"<{len(data) // 4}f", data)


def _of_length_1(numbers: Sequence[float]) -> list[float]:
    length = math.hypot(*numbers)
    if not math.isfinite(length) or not length:
        raise ValueError("a vector has no direction")
    return [number / length for number in numbers]


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """The vendor's errors in our words, counted."""
    try:
        yield
    except (TimeoutError, openai.APITimeoutError) as error:
        raise _failure("late", "did not answer in time") from error
    except openai.APIConnectionError as error:
        raise _failure("unreachable", "cannot be reached") from error
    except openai.APIStatusError as error:
        raise _of_status(error) from error
    except (httpx2.HTTPError, openai.OpenAIError) as error:
        raise _failure("broken", f"broke off: {type(error).__name__}") from error
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise _failure("nonsense", f"answered nonsense: {type(error).__name__}") from error


def _of_status(error: openai.APIStatusError) -> Unavailable:
    status = error.status_code
    if status in (429, 503):
        ENGINE_FAILURES.labels(ENGINE, "busy").inc()
        wish = error.response.headers.get("retry-after", "")
        return _Busy("the API of embeddings is busy", _seconds(wish))
    if status in (401, 403, 404):
        remedy = "look at PALABRE_EMBEDDING_API_KEY, _BASE_URL and _MODEL"
        return _failure("refused", f"refused with status {status}: {remedy}")
    return _failure("broken", f"answered with status {status}")


def _failure(reason: str, said: str) -> Unavailable:
    ENGINE_FAILURES.labels(ENGINE, reason).inc()
    return Unavailable(f"the API of embeddings {said}")


def _seconds(retry_after: str) -> float:
    """A date, or nothing, is a second."""
    try:
        return min(60.0, max(0.1, float(retry_after)))
    except ValueError:
        return 1.0
