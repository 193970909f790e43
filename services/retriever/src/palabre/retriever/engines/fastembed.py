"""ONNX models in this process, by fastembed: by name from its list, or from a folder.

onnxruntime and the tokenizer work without the GIL, so threads are enough. Questions have a thread
of their own: nobody waits for a batch of passages.
"""

import asyncio
import contextlib
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import batched
from pathlib import Path
from typing import Any

import numpy as np
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType
from fastembed.rerank.cross_encoder import TextCrossEncoder
from loguru import logger
from onnxruntime.capi import onnxruntime_pybind11_state as onnx

from palabre.chassis.errors import Unavailable
from palabre.retriever.engines.port import EngineMissing
from palabre.retriever.engines.prefixes import NONE, Prefixes, of_settings
from palabre.retriever.settings import RetrieverSettings

# Texts a call: more gains nothing on a CPU, and keeps a thread longer.
BATCH = 16
_FILES = ("model.onnx", "onnx/model.onnx", "model_optimized.onnx", "onnx/model_quantized.onnx")
_FAULTS = (
    ValueError, OSError, KeyError, IndexError, TypeError, onnx.Fail, onnx.InvalidArgument,
    onnx.InvalidGraph, onnx.InvalidProtobuf, onnx.NoSuchFile, onnx.NotImplemented,
    onnx.RuntimeException,
)  # fmt: skip


class FastEmbedder:
    """Owns two threads; each call of onnxruntime uses as many more as the model was given."""

    def __init__(
        self, model: TextEmbedding, name: str, prefixes: Prefixes = NONE, longest: int | None = None
    ) -> None:
        """`longest` lets it read fewer tokens of a passage than it could; 0: that is not told."""
        self._model, self._prefixes = model, prefixes
        self._tokenizer, could = _counting(model)
        self.longest = could if longest is None else min(could, longest)
        self._bulk = ThreadPoolExecutor(1, "embed-passages")
        self._quick = ThreadPoolExecutor(1, "embed-questions")
        self.size = len(_vectors(model.passage_embed, ["a"])[0])
        told = hashlib.sha256(repr(prefixes).encode()).hexdigest()[:8]
        self.name = f"{name}-{self.size}-{told}"

    async def passages(self, texts: Sequence[str]) -> list[list[float]]:
        """Texts of a length together: each batch is padded to its longest."""
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        vectors: dict[int, list[float]] = {}
        for numbers in batched(order, BATCH):
            prefixed = [self._prefixes.passage + texts[number] for number in numbers]
            found = await _run(self._bulk, _vectors, self._model.passage_embed, prefixed)
            vectors.update(zip(numbers, found, strict=True))
        return [vectors[number] for number in range(len(texts))]

    async def questions(self, texts: Sequence[str]) -> list[list[float]]:
        if not texts:
            return []
        prefixed = [self._prefixes.question + text for text in texts]
        return await _run(self._quick, _vectors, self._model.query_embed, prefixed)

    def tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(self._prefixes.passage + text).ids)

    async def close(self) -> None:
        self._bulk.shutdown(wait=False, cancel_futures=True)
        self._quick.shutdown(wait=False, cancel_futures=True)


class FastReranker:
    """Owns a thread. A call that nobody waits for any more is left out if it has not begun."""

    def __init__(self, model: TextCrossEncoder, name: str) -> None:
        self._model, self.name = model, name
        self._thread = ThreadPoolExecutor(1, "rerank")

    async def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        return await _run(self._thread, self._judge, question, list(texts))

    async def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _judge(self, question: str, texts: list[str]) -> list[float]:
        logits = self._model.rerank(question, texts, batch_size=len(texts))
        return [_sigmoid(float(logit)) for logit in logits]


def embedder(settings: RetrieverSettings) -> FastEmbedder:
    """Raises EngineMissing."""
    logger.disable("fastembed")
    path = settings.embedding_path
    with _refusing("EMBEDDING", settings.embedding_model, path, settings):
        name = _register(path, settings.embedding_pooling) if path else settings.embedding_model
        model = TextEmbedding(_known(TextEmbedding, name), **_where(path, settings))
        identity = f"{path.name}-{_digest(path)}-{name[-4:]}" if path else name
        longest = settings.embedding_tokens
        if longest is None and path:
            longest = _meant(path)
        return FastEmbedder(model, identity, of_settings(settings), longest)


def reranker(settings: RetrieverSettings) -> FastReranker:
    """Raises EngineMissing."""
    logger.disable("fastembed")
    path = settings.reranker_path
    name = f"folder:{path}" if path else settings.reranker_model
    with _refusing("RERANKER", name, path, settings):
        if path and name not in _names(TextCrossEncoder):
            TextCrossEncoder.add_custom_model(name, ModelSource(hf="none"), _file(path))
        model = TextCrossEncoder(_known(TextCrossEncoder, name), **_where(path, settings))
        return FastReranker(model, path.name if path else name)


def _where(path: Path | None, settings: RetrieverSettings) -> dict[str, Any]:
    return {
        "cache_dir": str(_cache(settings)),
        "threads": settings.engine_threads,
        "local_files_only": not settings.allow_downloads,
        "specific_model_path": str(path) if path else None,
    }


def _cache(settings: RetrieverSettings) -> Path:
    return settings.data_dir / "models"


@contextlib.contextmanager
def _refusing(
    setting: str, name: str, path: Path | None, settings: RetrieverSettings
) -> Iterator[None]:
    """Whatever goes wrong while a model is loaded, as a sentence that says what to do."""
    try:
        if path:  # the tokenizer's own error has no type of its own
            json.loads((path / "tokenizer.json").read_bytes())
        yield
    except _FAULTS as error:
        remedy = (
            f"PATH: {path} cannot be loaded: {error}: it must hold model.onnx, tokenizer.json and"
            " tokenizer_config.json"
            if path
            else f"MODEL: {name} is not in {_cache(settings)} and nothing is downloaded unasked:"
            f" set PALABRE_ALLOW_DOWNLOADS=true once, or PALABRE_{setting}_PATH to a folder"
        )
        raise EngineMissing(f"PALABRE_{setting}_{remedy}") from error


def _known(kind: type[TextEmbedding] | type[TextCrossEncoder], name: str) -> str:
    if name in _names(kind):
        return name
    raise EngineMissing(
        f"fastembed knows no {name!r}: set the path of a folder with its ONNX files, or name one"
        f" of {', '.join(_names(kind))}"
    )


def _register(path: Path, pooling: str) -> str:
    """Tells fastembed of the model in a folder; the name ends in how its output is pooled."""
    kind = PoolingType(pooling.upper() if pooling else _pooling(path))
    name = f"folder:{path}:{kind.value}"
    if name not in _names(TextEmbedding):
        TextEmbedding.add_custom_model(
            name, kind, normalization=True, sources=ModelSource(hf="none"), dim=0,
            model_file=_file(path),
        )  # fmt: skip
    return name


def _pooling(path: Path) -> str:
    """As sentence-transformers keeps it beside the model; most models use the mean."""
    try:
        said = json.loads((path / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "MEAN"
    return (
        "CLS" if said.get("pooling_mode_cls_token")
        else "LAST_TOKEN" if said.get("pooling_mode_lasttoken")
        else "MEAN"
    )  # fmt: skip


def _meant(path: Path) -> int | None:
    """Tokens that sentence-transformers lets the model read: it may be able to read more."""
    try:
        said = json.loads((path / "sentence_bert_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return said.get("max_seq_length") or None


def _file(path: Path) -> str:
    return next((name for name in _FILES if (path / name).is_file()), _FILES[0])


def _names(kind: type[TextEmbedding] | type[TextCrossEncoder]) -> list[str]:
    return [str(model["model"]) for model in kind.list_supported_models()]


def _digest(path: Path) -> str:
    """Of the model itself: another one may come to stand in the same folder."""
    with (path / _file(path)).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _counting(model: TextEmbedding) -> tuple[Any, int]:
    """The model's tokenizer without its limit, and the limit."""
    own: Any = model.model
    tokenizer = type(own.tokenizer).from_str(own.tokenizer.to_str())
    longest = int((tokenizer.truncation or {}).get("max_length", 0))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, longest


def _vectors(embed: Callable[[list[str]], Any], texts: list[str]) -> list[list[float]]:
    """Of length 1, which not all models of fastembed see to."""
    vectors = np.vstack(list(embed(texts))).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    found: list[list[float]] = (vectors / np.maximum(lengths, 1e-12)).tolist()
    return found


async def _run[**P, R](
    threads: ThreadPoolExecutor, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R:
    try:
        return await asyncio.get_running_loop().run_in_executor(
            threads, lambda: call(*args, **kwargs)
        )
    except _FAULTS as error:
        raise Unavailable(f"the model failed: {type(error).__name__}") from error


def _sigmoid(logit: float) -> float:
    """A cross-encoder's logit as a probability; the clamp keeps exp in range."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))
