"""Models that place a text in a space of meaning, or judge a passage: optional, behind ports."""

from palabre.retriever.engines.port import Embedder, Reranker

__all__ = ["Embedder", "Reranker"]
