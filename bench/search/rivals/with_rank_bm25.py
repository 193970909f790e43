# /// script
# requires-python = ">=3.12,<3.13"
# dependencies = ["langchain-community>=0.4,<1", "rank-bm25", "numpy"]
# ///
# mypy: ignore-errors
"""LangChain's BM25 retriever (rank_bm25): words as they are, no filter, made at once, not kept."""

import warnings

import trial

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from langchain_community.retrievers import BM25Retriever


class Rival:
    grows = False

    def make(self, folder):
        """It has no folder."""

    def open(self, folder):
        raise SystemExit("it cannot be kept: it is made anew from all texts at each start")

    def add(self, texts):
        self.retriever = BM25Retriever.from_texts(texts, k=trial.PLACES)

    def find(self, question):
        return self.retriever.invoke(question)

    def save(self):
        """It has no folder."""


trial.run(Rival())
