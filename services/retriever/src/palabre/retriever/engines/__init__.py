"""Models that place a text in a space of meaning, judge a passage or read a page: behind ports.

Engines are found by entry points; only the one that the settings ask for is loaded.
"""

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from palabre.retriever.engines.port import Embedder, EngineMissing, Ocr, Reranker, Unreadable
from palabre.retriever.settings import RetrieverSettings

__all__ = [
    "Embedder",
    "EngineMissing",
    "Ocr",
    "Reranker",
    "Unreadable",
    "embedder",
    "ocr",
    "reranker",
]

EMBEDDERS, RERANKERS = "palabre.retriever.embedders", "palabre.retriever.rerankers"
OCRS = "palabre.retriever.ocr"


def embedder(settings: RetrieverSettings) -> Embedder | None:
    """The one that is set up, if any. Blocks while a model is loaded. Raises EngineMissing."""
    remote = settings.embedding_base_url or settings.embedding_api_key.get_secret_value()
    name = settings.embedding_engine or _implied(remote, "openai", settings.embeds)
    build: Callable[[RetrieverSettings], Embedder] | None = _load(EMBEDDERS, name)
    return build(settings) if build else None


def reranker(settings: RetrieverSettings) -> Reranker | None:
    """As `embedder`."""
    remote = settings.reranker_base_url
    name = settings.reranker_engine or _implied(remote, "endpoint", settings.reranks)
    build: Callable[[RetrieverSettings], Reranker] | None = _load(RERANKERS, name)
    return build(settings) if build else None


def ocr(settings: RetrieverSettings) -> Ocr | None:
    """As `embedder`: where a model is named."""
    name = "openai" if settings.ocr_model else ""
    build: Callable[[RetrieverSettings], Ocr] | None = _load(OCRS, name)
    return build(settings) if build else None


def _implied(remote: str, engine: str, model: str) -> str:
    return engine if remote else "fastembed" if model else ""


def _load(group: str, name: str) -> Any:
    if not name:
        return None
    points = {point.name: point for point in entry_points(group=group)}
    if name not in points:
        raise EngineMissing(f"there is no engine {name!r}: choose one of {', '.join(points)}")
    try:
        return points[name].load()
    except ModuleNotFoundError as error:
        raise EngineMissing(
            f"the engine {name} needs the package {error.name}:"
            f" pip install 'palabre-retriever[{name}]'"
        ) from error
