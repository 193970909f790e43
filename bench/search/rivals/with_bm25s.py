# /// script
# requires-python = ">=3.12,<3.13"
# dependencies = ["llama-index-core>=0.14,<0.15", "llama-index-retrievers-bm25", "numpy"]
# ///
# mypy: ignore-errors
"""LlamaIndex's BM25 retriever (bm25s, French stems): one sparse field, no filter, made at once."""

import Stemmer
import trial
from llama_index.core.schema import TextNode
from llama_index.retrievers.bm25 import BM25Retriever


class Rival:
    grows = False

    def make(self, folder):
        self.folder = folder

    def open(self, folder):
        self.retriever = BM25Retriever.from_persist_dir(str(folder))

    def add(self, texts):
        self.retriever = BM25Retriever.from_defaults(
            nodes=[TextNode(text=text) for text in texts],
            similarity_top_k=trial.PLACES,
            stemmer=Stemmer.Stemmer("french"),
            language="fr",
        )

    def find(self, question):
        return self.retriever.retrieve(question)

    def save(self):
        self.retriever.persist(str(self.folder))


trial.run(Rival())
