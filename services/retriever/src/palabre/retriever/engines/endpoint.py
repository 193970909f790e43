"""Judgements from a server's /rerank: in Cohere's form (Jina, vLLM, LiteLLM too) or in TEI's."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import httpx2

from palabre.chassis.errors import Unavailable
from palabre.retriever.engines.port import EngineMissing
from palabre.retriever.settings import RetrieverSettings

Form = Literal["cohere", "tei"]


class EndpointReranker:
    """The caller bounds the time. Raises Unavailable."""

    def __init__(self, client: httpx2.AsyncClient, model: str, form: Form = "cohere") -> None:
        self._client, self._model, self._form = client, model, form
        self.name = model or form

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        with _translated():
            try:
                response = await self._post(question, texts)
            except (httpx2.ConnectError, httpx2.RemoteProtocolError):  # no first byte: once more
                response = await self._post(question, texts)
            response.raise_for_status()
            return _scores(response.json(), len(texts))

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, question: str, texts: Sequence[str]) -> httpx2.Response:
        body: dict[str, Any] = {"query": question}
        if self._form == "tei":
            body |= {"texts": list(texts), "raw_scores": False, "truncate": True}
        else:
            body |= {"model": self._model, "documents": list(texts), "top_n": len(texts)}
        return await self._client.post("rerank", json=body)


def reranker(settings: RetrieverSettings) -> EndpointReranker:
    """Raises EngineMissing."""
    if settings.reranker_api == "cohere" and not settings.reranker_model:
        raise EngineMissing("PALABRE_RERANKER_MODEL is not set: name the model of that API")
    if not settings.reranker_base_url:
        raise EngineMissing("PALABRE_RERANKER_BASE_URL is not set: say where that API is")
    key = settings.reranker_api_key.get_secret_value()
    client = httpx2.AsyncClient(
        base_url=settings.reranker_base_url.rstrip("/") + "/",
        headers={"Authorization": f"Bearer {key}"} if key else {},
        timeout=settings.reranker_timeout_s * 2,
    )
    return EndpointReranker(client, settings.reranker_model, settings.reranker_api)


def _scores(body: Any, texts: int) -> list[float]:
    """By index. Raises KeyError for a text without a score, Unavailable for raw ones."""
    results = body["results"] if isinstance(body, dict) else body
    found = {int(r["index"]): float(r["relevance_score" if "relevance_score" in r else "score"])
             for r in results}  # fmt: skip
    scores = [found[number] for number in range(texts)]
    if not all(0.0 <= score <= 1.0 for score in scores):
        raise Unavailable("the reranker gives raw scores: let it give some between 0 and 1")
    return scores


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except httpx2.HTTPStatusError as error:
        said = f"the reranker answered with status {error.response.status_code}"
        raise Unavailable(said) from error
    except httpx2.HTTPError as error:
        raise Unavailable(f"the reranker did not answer: {type(error).__name__}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unavailable(f"the reranker answered nonsense: {type(error).__name__}") from error
